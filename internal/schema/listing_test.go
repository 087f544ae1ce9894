package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/patchbay-ci/patchbay/internal/schema"
)

func TestList(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		d := newDatabase(t, version)
		d.reset(t)
		d.exec(t, `CREATE TABLE subject (subject_id uuid PRIMARY KEY); COMMENT ON TABLE subject IS 'Суб’єкт';
			CREATE TABLE person (id int, subject_id uuid REFERENCES subject); CREATE VIEW person_v AS SELECT id FROM person;
			CREATE TABLE databasechangelog (id text); COMMENT ON TABLE person IS '`+strings.Repeat("x", 20000)+`';
			CREATE SCHEMA archive; CREATE TABLE archive.person (id int)`)
		d.site.Super(t, "postgres", "COMMENT ON DATABASE \""+d.site.Names.Template+"\" IS 'here'")
		list := func(o schema.Options) *schema.Listing {
			o.Hide = []string{"databasechangelog"}
			l, err := schema.List(t.Context(), d.read, o)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		want := []schema.Listed{
			{Schema: "registry", Name: "person", Comment: strings.Repeat("x", 10000), TargetSchemas: []string{"registry"}, Targets: []string{"subject"}},
			{Schema: "registry", Name: "subject", Comment: "Суб’єкт", TargetSchemas: []string{}, Targets: []string{}},
		}
		byName := cmpopts.SortSlices(func(a, b schema.Listed) bool { return a.Schema+a.Name < b.Schema+b.Name })
		for _, o := range []schema.Options{{Preferred: "registry"}, {Schemas: []string{"registry"}}, {Schemas: []string{"registry"}, Preferred: "archive"}} {
			got := list(o)
			if diff := cmp.Diff(want, got.Tables, byName); diff != "" || got.Comment != "here" {
				t.Errorf("%+v: %s, comment %q", o, diff, got.Comment)
			}
		}
		for _, o := range []schema.Options{{Preferred: "nowhere"}, {}} {
			if got := list(o); len(got.Tables) != 3 {
				t.Errorf("%+v: %+v", o, got.Tables)
			}
		}
		if s := d.snapshot(t, schema.Options{Preferred: "archive"}); len(s.Tables) != 1 || len(s.Schemas) != 1 {
			t.Errorf("the preferred schema alone: %+v", s.Schemas)
		}
	}
}
