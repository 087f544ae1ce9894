// Package page shows versions to people: web pages rendered on the server from
// the same answers as the REST API, in Ukrainian and English. They work
// without JavaScript; with it, states are refreshed and lists filtered in
// place.
package page

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/versions"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed assets
var assets embed.FS

// policy: nothing but our own files, no inline script or style.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pages shows one set of versions.
type pages struct {
	v     *versions.Versions
	views map[string]*template.Template
	now   func() time.Time
}

// Register adds the pages and what answers where there is nothing.
func Register(v *versions.Versions, mux *http.ServeMux) {
	p := &pages{v: v, views: parse(), now: time.Now}
	p.handle(mux, "GET /{$}", p.list)
	p.handle(mux, "GET /master", p.tables)
	p.handle(mux, "GET /master/tables/{name}", p.table)
	p.handle(mux, "GET /candidates/{id}", p.candidate)
	p.handle(mux, "GET /candidates/{id}/tables", p.tables)
	p.handle(mux, "GET /candidates/{id}/tables/{name}", p.table)
	mux.HandleFunc("GET /assets/{file}", asset)
	mux.HandleFunc("/", p.nothing)
}

func parse() map[string]*template.Template {
	views := map[string]*template.Template{}
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err) // a constant pattern: cannot fail
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		views[name] = template.Must(template.New("layout.html").Funcs(functions).
			ParseFS(templates, "templates/layout.html", "templates/parts.html", file))
	}
	return views
}

// shown is what a page is made of.
type shown struct {
	View   string // the template
	Title  string
	Lang   tongue
	Path   string            // of this page, escaped, for the way to the other language
	Query  map[string]string // the same
	Here   string            // which part of the site
	Status int               // 0 is 200
	Now    time.Time
	Data   any
}

// T gives a text in the page's language.
func (s *shown) T(key string) string { return s.Lang.text(key) }

// asked is one request for a page.
type asked struct {
	*http.Request
	lang tongue
	at   time.Time
	from *origins
}

// origins are the databases that a page was read from.
type origins []versions.Origin

// read notes where something comes from; what does not say it is left out.
func (o *origins) read(from versions.Origin) {
	if from != (versions.Origin{}) {
		*o = append(*o, from)
	}
}

// mixed says that the candidate's database was replaced between two readings.
func (o *origins) mixed() bool {
	return slices.ContainsFunc(*o, func(one versions.Origin) bool { return one != (*o)[0] })
}

// handle reads a page again until all of it is of one database.
func (p *pages) handle(mux *http.ServeMux, pattern string, view func(asked) (*shown, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		a := asked{r, languageOf(w, r), p.now(), &origins{}}
		s, err := view(a)
		for a.from.mixed() && r.Context().Err() == nil {
			a.from = &origins{}
			s, err = view(a)
		}
		if err != nil {
			s = fault(a, err)
		}
		p.write(w, a, s)
	})
}

func (p *pages) write(w http.ResponseWriter, a asked, s *shown) {
	s.Lang, s.Path, s.Now, s.Query = a.lang, a.URL.EscapedPath(), a.at, map[string]string{}
	for _, name := range []string{"q", "against"} {
		if value := a.URL.Query().Get(name); value != "" {
			s.Query[name] = value
		}
	}
	var out bytes.Buffer
	if err := p.views[s.View].ExecuteTemplate(&out, "layout.html", s); err != nil {
		versions.AnswerFault(w, a.Request, versions.FaultOf(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Language", string(a.lang))
	h.Add("Vary", "Accept-Language, Cookie")
	w.WriteHeader(max(s.Status, http.StatusOK))
	_, _ = w.Write(out.Bytes()) // the client may be gone
}

// failed is the page of an error.
type failed struct {
	*versions.Fault
	Status int
}

func fault(a asked, err error) *shown {
	f := versions.Begin(a.Context(), err)
	return &shown{View: "fault", Title: a.lang.text("fault." + strconv.Itoa(f.GetStatus())), Status: f.GetStatus(), Data: failed{f, f.GetStatus()}}
}

// nothing answers people by a page and programs by JSON.
func (p *pages) nothing(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		versions.AnswerFault(w, r, versions.NothingHere())
		return
	}
	a := asked{Request: r, lang: languageOf(w, r), at: p.now()}
	p.write(w, a, fault(a, versions.NothingHere()))
}

// asset serves our own files; they change with the program only.
func asset(w http.ResponseWriter, r *http.Request) {
	name := "assets/" + r.PathValue("file")
	if _, err := fs.Stat(assets, name); err != nil {
		versions.AnswerFault(w, r, versions.NothingHere())
		return
	}
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, assets, name)
}

var changeNumber = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)

// version is the one that the path names.
func (a asked) version() (versions.Version, error) {
	id := a.PathValue("id")
	if id == "" {
		return versions.Master, nil
	}
	if !changeNumber.MatchString(id) {
		return versions.Version{}, versions.BadRequest("path.id: want a change number")
	}
	number, err := strconv.Atoi(id)
	return versions.Version{Change: number}, err
}
