package versions

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// Serving says how the versions are served.
type Serving struct {
	Version  string                          // of the program
	Log      func(Access)                    // one line for each request
	Guard    func(http.Handler) http.Handler // who may look; nil: everybody
	Sites    func(http.Handler) http.Handler // whose scripts may ask; nil: nobody else's
	Pages    func(*http.ServeMux)            // adds pages for people, and what answers where there is nothing; nil: none
	Requests int                             // at once; as many more may wait for Gerrit
	Timeout  time.Duration                   // of one request
}

// Handler serves the API.
func (v *Versions) Handler(s Serving) http.Handler {
	v.askers, v.patience = make(turns, s.Requests), s.Timeout*4/5
	mux := http.NewServeMux()
	described := v.newAPI(mux, s.Version)
	numbers := newMetrics(v)
	v.operations(mux, numbers)
	description := newDescription(described.OpenAPI())
	mux.HandleFunc("GET /openapi.json", description)
	if s.Pages == nil {
		s.Pages = func(mux *http.ServeMux) {
			mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { AnswerFault(w, r, NothingHere()) })
		}
	}
	s.Pages(mux)
	h := named(mux)
	h = compressed(h)
	h = limited(s.Requests, s.Timeout, h)
	h = through(s.Guard, h)
	h = readOnly(h)
	h = through(s.Sites, h)
	h = recovered(h)
	h = safe(h)
	return logged(func(a Access) { numbers.count(a); s.Log(a) }, h)
}

func through(wrap func(http.Handler) http.Handler, next http.Handler) http.Handler {
	if wrap == nil {
		return next
	}
	return wrap(next)
}

// NothingHere is the answer where there is no route.
func NothingHere() *Fault {
	return fault(http.StatusNotFound, api.CodeNotFound, "there is nothing here; /openapi.json describes what there is")
}

// named notes which route serves a request.
func named(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		if rec := recordOf(r.Context()); rec != nil {
			rec.Route = strings.TrimPrefix(pattern, "GET ")
		}
		mux.ServeHTTP(w, r)
	})
}

// compressed: what is short is not worth it.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.KeepAcceptRanges())
	if err != nil {
		panic(err) // constants: cannot fail
	}
	return wrap(next)
}

// safe sets what browsers must know about answers that are data.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// readOnly: there is nothing here to write to. A body is not read.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			AnswerFault(w, r, fault(http.StatusMethodNotAllowed, api.CodeMethod, "only GET and HEAD are answered"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 0)
		next.ServeHTTP(w, r)
	})
}

// recovered answers when our own code panics; the log has where.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			what := recover()
			if what == nil || r.Context().Err() != nil { // all is well, or the client has gone
				return
			}
			AnswerFault(w, r, FaultOf(fmt.Errorf("panic: %v\n%s", what, debug.Stack())))
		}()
		next.ServeHTTP(w, r)
	})
}

// AnswerFault answers outside of the described routes.
func AnswerFault(w http.ResponseWriter, r *http.Request, f *Fault) {
	f.TraceID = traceOf(r.Context())
	note(r.Context(), f)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(f) // the client may be gone
}
