package page

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// TestWords: whatever a difference, a fault and a hazard can say has words in
// both languages. They are read where they are made or documented.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, source := range []struct {
		files, pattern, prefix string
		least                  int
	}{
		{"../../schema/*.go", `(?:object: |keyPart\(|constraintPart\()"([a-z ]+)"`, "object.", 15},
		{"../../schema/compare*.go", `property\([^,]*, "([a-z]+)"`, "object.", 1},
		{"../../schema/queries/others.sql", `regclass::oid(?: AS class)?, \w+\.oid, '([a-z ]+)'`, "object.", 9},
		{"../../schema/queries/types.sql", `(?:THEN|ELSE) '([a-z]+)'`, "word.", 5},
		{"../../schema/queries/tables.sql", `(?:THEN|ELSE) '([a-z ]*table)'`, "word.", 3},
		{"../../schema/queries/functions.sql", `THEN '([a-z ]+)'`, "word.", 3},
		{"../api/version.go", `\tCode\w+ += "([A-Za-z_ ]+)"`, "code.", 15},
		{"../../../docs/formats-schema.md", "(?m)^\\| `(?:([^`|]+)`(?:, `[^`|]+`)? \\| (?:a |of |any |rows|PUBLIC|row))", "", 14},
	} {
		found := map[string]bool{}
		files, err := filepath.Glob(source.files)
		if err != nil || len(files) == 0 {
			t.Fatal(source.files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(source.pattern).FindAllStringSubmatch(string(text), -1) {
				found[match[1]] = true
			}
		}
		if len(found) < source.least {
			t.Errorf("%s: only %d words: %v", source.files, len(found), found)
		}
		for word := range found {
			switch {
			case source.prefix == "" && hazards[word] == "":
				t.Errorf("hazard %q has no Ukrainian words", word)
			case source.prefix != "" && texts[source.prefix+word] == [2]string{}:
				t.Errorf("%s: %q has no words", source.files, word)
			}
		}
	}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ object, english, want string }{
		{"table", "3 columns, partitioned table, PARTITION BY RANGE (at)", "3 стовпці, секціонована таблиця, PARTITION BY RANGE (at)"},
		{"table", "1 column", "1 стовпець"},
		{"table", "table, UNLOGGED", "таблиця, UNLOGGED"},
		{"column", "text NOT NULL DEFAULT 'table'::text", "text NOT NULL DEFAULT 'table'::text"},
		{"function", "returns integer language plpgsql SECURITY DEFINER (5 lines, sha256 ab12)", "повертає integer, мова plpgsql SECURITY DEFINER (5 рядків, sha256 ab12)"},
		{"function", "procedure language sql (1 line, sha256 ab12)", "процедура мова sql (1 рядок, sha256 ab12)"},
		{"extension", "1.3 in public", "1.3 у public"},
		{"type", "enum ('enum', 'in')", "перелік ('enum', 'in')"},
		{"grant", "PUBLIC: nothing", "PUBLIC: нічого"},
		{"default privileges", "SELECT to PUBLIC, SELECT to x", "SELECT для PUBLIC, SELECT для x"},
		{"view", "(a int) AS SELECT 1… (1234 characters, sha256 ab12)", "(a int) AS SELECT 1… (1234 символи, sha256 ab12)"},
	} {
		if got := definition(ukrainian, c.object, c.english); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if got := definition(english, c.object, c.english); got != c.english {
			t.Errorf("in English: %q", got)
		}
	}
	if got := nameOf(ukrainian, "default privileges", "tables of x in registry"); got != "таблиці власника x у registry" {
		t.Errorf("got %q", got)
	}
	want := []detail{{"column", "id integer"}, {"primary key", "pk PRIMARY KEY (id)"}, {"comment", "id Номер"}, {"", "odd"}}
	if diff := cmp.Diff(want, detailsOf([]string{"column id integer", "primary key pk PRIMARY KEY (id)", "comment on id Номер", "odd"})); diff != "" {
		t.Error(diff)
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
	if draw(table, "/master", nil) != nil {
		t.Error("a table alone was drawn")
	}
	table.ForeignKeys = append(table.ForeignKeys, api.ForeignKey{Name: "b", TargetTable: "soil/x"}, api.ForeignKey{Name: "c", TargetTable: "soil/x"})
	for i := range 13 {
		table.ReferencedBy = append(table.ReferencedBy, api.ReferencedBy{Name: "f", Table: string(rune('a' + i))})
	}
	p := draw(table, "/master", map[string]bool{"soil/x": true})
	if len(p.Boxes) != 1+10+1 || len(p.Lines) != 11 || p.More != 3 || p.Boxes[11].URL != "/master/tables/soil%2Fx" || p.Boxes[1].URL != "" || p.Boxes[1].Own {
		t.Errorf("got %+v", p)
	}
	for _, b := range p.Boxes {
		if b.X < 0 || b.Y < 0 || b.X+b.W > p.Width || b.Y+b.H > p.Height {
			t.Errorf("%s is outside: %+v of %d × %d", b.Name, b, p.Width, p.Height)
		}
	}
}
