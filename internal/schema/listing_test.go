package schema_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

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
			{Schema: "registry", Name: "person", Comment: strings.Repeat("x", 10000), Targets: []schema.Target{{Schema: "registry", Name: "subject"}}},
			{Schema: "registry", Name: "subject", Comment: "Суб’єкт"},
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

// counted counts round trips of a session.
type counted struct{ queries, batches, prepares int }

func (c *counted) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.queries++
	return ctx
}
func (c *counted) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *counted) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.batches++
	return ctx
}
func (c *counted) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *counted) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (c *counted) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	c.prepares++
	return ctx
}
func (c *counted) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

// TestListIsOneRoundTrip, once a session knows the statements.
func TestListIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, versions[0])
	d.reset(t)
	d.exec(t, "CREATE TABLE person (id int)")
	config := d.read.Config().Copy()
	trips := &counted{}
	config.Tracer = trips
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for range 2 {
		*trips = counted{}
		if _, err := schema.List(t.Context(), conn, schema.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if *trips != (counted{batches: 1}) {
		t.Errorf("got %+v", *trips)
	}
}
