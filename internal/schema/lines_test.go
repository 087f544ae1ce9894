package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/schema"
)

func TestLinesKeepHazardsInSight(t *testing.T) {
	t.Parallel()
	d := &schema.Difference{}
	for i := range 5 {
		d.Changes = append(d.Changes, schema.Change{Action: "add", Object: "index", Name: fmt.Sprint("i", i)})
	}
	for i := range 3 {
		d.Changes = append(d.Changes, schema.Change{Action: "drop", Object: "column", Name: fmt.Sprint("c", i), Hazard: "gone"})
	}
	for max, want := range map[int][]string{
		0: {"… and 8 more, 3 of them marked"},
		2: {"- column c0  ! gone", "- column c1  ! gone", "… and 6 more, 1 of them marked"},
		4: {"- column c0  ! gone", "- column c1  ! gone", "- column c2  ! gone", "+ index i0", "… and 4 more"},
	} {
		if diff := cmp.Diff(want, d.Lines(max)); diff != "" {
			t.Errorf("%d lines (-want +got):\n%s", max, diff)
		}
	}
	if got := d.Lines(8); len(got) != 8 || got[0] != "+ index i0" {
		t.Errorf("all lines fit and keep their order: got %q", got)
	}
}

func TestLinesAreEscapedAndBounded(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		base := d.snapshot(t, schema.Options{})
		name := "\"x\x1b[31m\n+ table ok\u202e\u2066\u0085\u2028'\""
		d.exec(t, fmt.Sprintf(`CREATE TABLE %[1]s (%[1]s int DEFAULT length(E'\n- table\x1b'));
			CREATE TABLE a (); COMMENT ON SCHEMA registry IS E'a\n+ b\r\x1b[2J';
			CREATE FUNCTION %[1]s(%[1]s text) RETURNS int LANGUAGE sql AS 'SELECT 1';
			CREATE VIEW v AS SELECT '%[2]s' AS %[1]s`, name, strings.Repeat("ї\n", 5000)))
		candidate := d.snapshot(t, schema.Options{})
		diff := schema.Compare(base, candidate)
		if len(diff.Lines(50)) != 5 {
			t.Errorf("got %d lines, want 5: %q", len(diff.Lines(50)), diff.Lines(50))
		}
		for _, line := range diff.Lines(50) {
			if strings.ContainsAny(line, "\n\r\t\x1b\u0085\u2028\u202e\u2066") || utf8.RuneCountInString(line) > 500 {
				t.Errorf("not fit for a line: %q", line)
			}
		}
		if again := roundTrip(t, candidate); !schema.Compare(again, candidate).Empty() {
			t.Error("JSON changed a text")
		}
	})
}

func TestCounts(t *testing.T) {
	t.Parallel()
	of := func(pairs ...string) *schema.Difference {
		d := &schema.Difference{}
		for _, p := range pairs {
			action, object, _ := strings.Cut(p, " ")
			d.Changes = append(d.Changes, schema.Change{Action: action, Object: object})
		}
		return d
	}
	for want, d := range map[string]*schema.Difference{
		"no change":                        of(),
		"2 tables added, 1 column changed": of("add table", "add table", "change column"),
		"2 indexes dropped, 2 foreign keys added, 2 policies changed": of("drop index", "drop index",
			"add foreign key", "add foreign key", "change policy", "change policy"),
		"1 unique constraint added, 2 default privileges dropped": of("add unique",
			"drop default privileges", "drop default privileges"),
	} {
		if got := d.Counts(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
