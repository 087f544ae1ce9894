package main

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

var (
	linked = regexp.MustCompile(`href="(/[^"]*)"`)
	action = regexp.MustCompile(`action="(/[^"]*)" class="language"`)
)

// crawl follows all links of all pages, and asks for each in the other
// language as its form does. It gives the pages by their decoded addresses.
func (v *served) crawl() map[string]string {
	v.Helper()
	pages, left := map[string]string{}, []string{"/"}
	for len(left) > 0 {
		path := left[0]
		left = left[1:]
		where, err := url.PathUnescape(path)
		v.must(err)
		if _, seen := pages[where]; seen || strings.HasPrefix(path, "/assets/") || path == "/openapi.json" {
			continue
		}
		a := v.get(path, "Accept", "text/html", "Accept-Language", "en")
		if pages[where] = a.body; a.status != 200 {
			v.Errorf("a link leads to %s: %d", where, a.status)
			continue
		}
		form := action.FindStringSubmatch(a.body)
		if other := v.get(html.UnescapeString(form[1])+"?lang=uk", "Accept", "text/html"); other.status != 200 || !strings.Contains(other.body, `<html lang="uk">`) {
			v.Errorf("%s in the other language leads to %s: %d", where, form[1], other.status)
		}
		for _, found := range linked.FindAllStringSubmatch(a.body, -1) {
			left = append(left, html.UnescapeString(found[1]))
		}
	}
	return pages
}

// odd has names that must be quoted, equal ones in two schemas, and references
// to what is not shown.
const odd = model + `
CREATE TABLE "Проба № 1?" ("Ключ" int PRIMARY KEY, plain int);
CREATE TABLE "Dotted.Name" (id int REFERENCES "Проба № 1?");
ALTER TABLE laboratory_hst ADD PRIMARY KEY (laboratory_id); ALTER TABLE archive.laboratory ADD PRIMARY KEY (id);
CREATE TABLE refers (hidden uuid CONSTRAINT fk_hidden REFERENCES laboratory_hst, other int CONSTRAINT fk_other REFERENCES archive.laboratory,
	shown uuid CONSTRAINT fk_shown REFERENCES laboratory, CONSTRAINT odd FOREIGN KEY (other) REFERENCES "Проба № 1?");
`

// TestLinks: no link of any page leads to nothing or to another table of the
// same name, whatever tables and columns are called; marks of changes find
// them.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := newSceneOf(t, lab.Postgres(t, 15), odd)
	p := s.push("odd names")
	s.publish(p, `ALTER TABLE "Проба № 1?" ADD "Нове" int; ALTER TABLE archive.laboratory ADD fresh int; CREATE TABLE "Більше" (id int);
		ALTER TABLE "Dotted.Name" ADD "a.b" int; CREATE TABLE laboratory_new_hst (id int)`)
	of := fmt.Sprintf("/candidates/%d", p.Number)
	const marked = ` <span class="mark add"`
	for _, c := range []struct{ schemas, changed, plain string }{
		{"registry", "", "laboratory"},
		{"registry,archive", "archive.laboratory", "registry.laboratory"},
	} {
		v := s.serve("PATCHBAY_SCHEMAS=" + c.schemas)
		pages := v.crawl()
		for page, wants := range map[string][]string{
			of:                           {`/tables/%D0%91%D1%96%D0%BB%D1%8C%D1%88%D0%B5"`, `/tables/Dotted.Name"`},
			of + "/tables":               {`Більше</a>` + marked, `Проба № 1?</a> <span class="mark change"`, `Dotted.Name</a> <span class="mark change"`},
			of + "/tables/Проба № 1?":    {`<code>Нове</code>` + marked, `registry.&#34;Проба № 1?&#34;`},
			of + "/tables/Dotted.Name":   {`<code>a.b</code>` + marked},
			"/master/tables/refers":      {`<a href="/master/tables/` + c.plain + `">`, `href="/master/tables/%D0%9F`, `→ laboratory_hst (`},
			"/master/tables/" + c.plain:  {`test_result`, `<text class="name"`},
			"/master/tables/Dotted.Name": {`Проба № 1?`},
		} {
			body, there := pages[page]
			for _, want := range wants {
				if !there || !strings.Contains(body, want) {
					t.Errorf("%s: %s (%v): no %s", c.schemas, page, there, want)
				}
			}
		}
		tables, refers := pages[of+"/tables"], pages["/master/tables/refers"]
		if c.changed == "" {
			if !strings.Contains(refers, `→ archive.laboratory (`) || strings.Contains(tables, "laboratory</a> <span class") {
				t.Errorf("a table that is not shown: %s\n%s", refers, tables)
			}
			continue
		}
		if !strings.Contains(tables, c.changed+`</a> <span class="mark change"`) || strings.Contains(tables, c.plain+"</a> <span class") ||
			!strings.Contains(pages[of], `/tables/`+c.changed+`"`) || !strings.Contains(refers, `/tables/`+c.changed+`"`) ||
			!strings.Contains(pages[of+"/tables/"+c.changed], "<code>fresh</code>"+marked) || strings.Contains(pages[of+"/tables/"+c.plain], "fresh") {
			t.Errorf("equal names:\n%s\n%s\n%s", tables, refers, pages[of])
		}
	}
}
