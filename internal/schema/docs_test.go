package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/schema"
)

var update = flag.Bool("update", false, "write the examples of docs/formats-schema.md")

const page = "../../docs/formats-schema.md"

var example = regexp.MustCompile("(?s)<!-- example ([a-z]+) -->\n(\n```[a-z]*\n.*?\n```\n)?")

// TestDocumentedExamples makes the examples of the page from testdata/example
// and compares them with what is written there; -update writes them.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	for _, version := range versions { // one after the other: the first may write
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			examples := makeExamples(t, version)
			want := example.ReplaceAllStringFunc(string(text), func(block string) string {
				name := example.FindStringSubmatch(block)[1]
				if examples[name] == "" {
					t.Errorf("nothing is known of example %s", name)
				}
				return fmt.Sprintf("<!-- example %s -->\n\n%s\n", name, examples[name])
			})
			if *update && version == versions[0] {
				if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(want, string(text)); diff != "" {
				t.Errorf("the page is out of date, run go test -update (-want +page):\n%s", diff)
			}
		})
	}
}

func makeExamples(t *testing.T, version int) map[string]string {
	t.Helper()
	d := newDatabase(t, version)
	d.exec(t, statements(t, "base"))
	base := d.snapshot(t, schema.Options{Schemas: []string{"registry"}})
	d.exec(t, statements(t, "candidate"))
	diff := schema.Compare(base, d.snapshot(t, schema.Options{Schemas: []string{"registry"}}))
	return map[string]string{
		"schema":    d.json(t, base.Schemas[0]),
		"extension": d.json(t, base.Extensions[0]),
		"types":     d.json(t, base.Types),
		"sequence":  d.json(t, base.Sequences[0]),
		"table":     d.json(t, tableNamed(t, base, "laboratory")),
		"partition": d.json(t, tableNamed(t, base, "event_2026")),
		"view":      d.json(t, base.Views[0]),
		"function":  d.json(t, base.Functions[0]),
		"other":     d.json(t, base.Others[0]),
		"diff":      d.json(t, diff),
		"lines":     "```text\n" + d.unnamed(strings.Join(diff.Lines(20), "\n")) + "\n" + diff.Counts() + "\n```",
	}
}

func statements(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "example", name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (d *database) json(t *testing.T, value any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return "```json\n" + d.unnamed(text.String()) + "```"
}

func tableNamed(t *testing.T, s *schema.Snapshot, name string) *schema.Table {
	t.Helper()
	for i := range s.Tables {
		if s.Tables[i].Name == name {
			return &s.Tables[i]
		}
	}
	t.Fatalf("no table %s", name)
	return nil
}
