package page

import (
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestTexts: every text that a page asks for is there, in both languages.
func TestTexts(t *testing.T) {
	t.Parallel()
	asked := regexp.MustCompile(`t \.?\$?\w+ "([^"]+)"`)
	seen := 0
	files, err := templates.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := templates.ReadFile("templates/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range asked.FindAllStringSubmatch(string(text), -1) {
			seen++
			if pair := texts[found[1]]; pair[0] == "" || pair[1] == "" {
				t.Errorf("%s asks for %q", file.Name(), found[1])
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d texts were found", seen)
	}
	for key, pair := range texts {
		if pair[0] == "" || pair[1] == "" {
			t.Errorf("%s: %q", key, pair)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for passed, want := range map[time.Duration][2]string{
		-time.Second:         {"just now", "щойно"},
		time.Minute:          {"1 minute ago", "1 хвилину тому"},
		3 * time.Minute:      {"3 minutes ago", "3 хвилини тому"},
		11 * time.Minute:     {"11 minutes ago", "11 хвилин тому"},
		21 * time.Hour:       {"21 hours ago", "21 годину тому"},
		12 * 24 * time.Hour:  {"12 days ago", "12 днів тому"},
		300 * 24 * time.Hour: {"10 months ago", "10 місяців тому"},
	} {
		at := &api.Time{Time: now.Add(-passed)}
		if got := [2]string{ago(english, now, at), ago(ukrainian, now, at)}; got != want {
			t.Errorf("%s: got %q", passed, got)
		}
	}
	if ago(english, now, nil) != "" {
		t.Error("no time")
	}
}

func TestLanguageOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		accept, query, cookie string
		want                  tongue
	}{
		{"", "", "", english},
		{"uk", "", "", ukrainian},
		{"de, uk;q=0.9, en;q=0.8", "", "", ukrainian},
		{"de", "", "", english},
		{"en-GB", "", "lang=uk", ukrainian},
		{"en", "?lang=uk", "lang=en", ukrainian},
		{"uk", "?lang=<x>", "lang=xx", ukrainian},
	} {
		r := httptest.NewRequest("GET", "/"+c.query, nil)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.Header.Set("Cookie", c.cookie)
		}
		w := httptest.NewRecorder()
		if got := languageOf(w, r); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
		if kept := w.Header().Get("Set-Cookie"); (kept != "") != (c.query == "?lang=uk") {
			t.Errorf("%+v: %s", c, kept)
		}
	}
}

// TestPicture: neighbours count once, the table is not its own, and what finds
// no place is counted.
func TestPicture(t *testing.T) {
	t.Parallel()
	table := &api.TableInfo{Name: "tree", ForeignKeys: api.ByName[api.ForeignKey]{{Name: "a", TargetTable: "tree"}}}
	if draw(table, "/master") != nil {
		t.Error("a table alone was drawn")
	}
	table.ForeignKeys = append(table.ForeignKeys, api.ForeignKey{Name: "b", TargetTable: "soil/x"}, api.ForeignKey{Name: "c", TargetTable: "soil/x"})
	for i := range 13 {
		table.ReferencedBy = append(table.ReferencedBy, api.ReferencedBy{Name: "f", Table: string(rune('a' + i))})
	}
	p := draw(table, "/master")
	if len(p.Boxes) != 1+10+1 || len(p.Lines) != 11 || p.More != 3 || p.Boxes[11].URL != "/master/tables/soil%2Fx" {
		t.Errorf("got %+v", p)
	}
	for _, b := range p.Boxes {
		if b.X < 0 || b.Y < 0 || b.X+b.W > p.Width || b.Y+b.H > p.Height {
			t.Errorf("%s is outside: %+v of %d × %d", b.Name, b, p.Width, p.Height)
		}
	}
}
