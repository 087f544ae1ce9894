package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// eachVersion runs a test on a database of each server.
func eachVersion(t *testing.T, test func(t *testing.T, d *database)) {
	t.Parallel()
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t, version)
			d.reset(t)
			test(t, d)
		})
	}
}

func TestReadTable(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		d.exec(t, `
			CREATE TYPE type_file AS (id text, checksum text);
			CREATE TABLE subject (subject_id uuid, tenant int, PRIMARY KEY (tenant, subject_id));
			CREATE TABLE wide (
				id int8 CONSTRAINT pk_wide_id PRIMARY KEY, gone int, codes uuid[], file type_file, files type_file[],
				small int2, flag bool DEFAULT true, price float8, name varchar(10), at timestamptz, tenant int, subject_id uuid,
				CONSTRAINT fk_wide_subject FOREIGN KEY (tenant, subject_id) REFERENCES subject (tenant, subject_id)
					ON DELETE SET NULL ON UPDATE CASCADE);
			ALTER TABLE wide DROP gone;
			CREATE INDEX wide_mixed ON wide (name DESC, lower(name)) INCLUDE (price);
			CREATE INDEX wide_codes_m2m ON wide USING gin (codes)`)
		got := tableNamed(t, d.snapshot(t, schema.Options{}), "wide")

		var types []string
		for _, c := range got.Columns {
			types = append(types, strings.TrimSpace(c.Name+" "+c.Type+" "+c.InternalType+" "+c.TypeSchema))
		}
		wantTypes := []string{
			"id bigint int8", "codes uuid[] _uuid", "file registry.type_file type_file registry",
			"files registry.type_file[] _type_file registry", "small smallint int2", "flag boolean bool",
			"price double precision float8", "name character varying(10) varchar", "at timestamp with time zone timestamptz",
			"tenant integer int4", "subject_id uuid uuid",
		}
		if diff := cmp.Diff(wantTypes, types); diff != "" {
			t.Errorf("columns (-want +got):\n%s", diff)
		}
		wantKey := []schema.IndexColumn{{Name: "id", Sorting: "ASC"}}
		if diff := cmp.Diff(wantKey, got.PrimaryKey.Columns); diff != "" {
			t.Errorf("primary key (-want +got):\n%s", diff)
		}
		wantIndexes := [][]schema.IndexColumn{
			{{Name: "codes", Sorting: "NONE"}},
			{{Name: "name", Sorting: "DESC"}, {Expression: "lower((name)::text)", Sorting: "ASC"}},
		}
		if diff := cmp.Diff(wantIndexes, [][]schema.IndexColumn{got.Indexes[0].Columns, got.Indexes[1].Columns}); diff != "" {
			t.Errorf("indexes (-want +got):\n%s", diff)
		}
		want := []schema.ForeignKey{{
			Constraint: schema.Constraint{Name: "fk_wide_subject", Definition: "FOREIGN KEY (tenant, subject_id) " +
				"REFERENCES registry.subject(tenant, subject_id) ON UPDATE CASCADE ON DELETE SET NULL"},
			Columns: []string{"tenant", "subject_id"}, TargetSchema: "registry", TargetTable: "subject",
			TargetColumns: []string{"tenant", "subject_id"}, OnDelete: "SET NULL", OnUpdate: "CASCADE",
		}}
		if diff := cmp.Diff(want, got.ForeignKeys); diff != "" {
			t.Errorf("foreign keys (-want +got):\n%s", diff)
		}
	})
}

func TestReadHidesTrackingTablesAndExtensions(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		before := d.snapshot(t, schema.Options{})
		d.exec(t, `CREATE TABLE databasechangelog (id text); CREATE TABLE goose_db_version (id serial PRIMARY KEY);
			CREATE VIEW databasechangeloglock AS SELECT 1 AS id`)
		hide := []string{"registry.databasechangelog", "goose_db_version", "databasechangeloglock"}
		diff := schema.Compare(before, d.snapshot(t, schema.Options{Hide: hide}))
		want := []string{"+ view registry.databasechangeloglock (id integer) AS SELECT 1 AS id;"}
		if diff := cmp.Diff(want, diff.Lines(9)); diff != "" {
			t.Errorf("a view in the place of a tracking table must be seen, the tables not (-want +got):\n%s", diff)
		}

		d.exec(t, "CREATE EXTENSION citext SCHEMA registry")
		s := d.snapshot(t, schema.Options{Hide: hide})
		if len(s.Functions)+len(s.Types)+len(s.Others) > 0 || len(s.Extensions) != 2 {
			t.Errorf("members of an extension are listed, or it is not: %v", schema.Compare(before, s).Lines(20))
		}
	})
}

func TestReadOtherColumnOrder(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		d.exec(t, "CREATE TABLE a (x int, y int)")
		base := d.snapshot(t, schema.Options{})
		d.exec(t, "DROP TABLE a; CREATE TABLE a (y int, x int)")
		candidate := d.snapshot(t, schema.Options{})
		if diff := schema.Compare(base, candidate); !diff.Empty() {
			t.Errorf("got %v, want no change", diff.Lines(9))
		}
		if base.Digest() == candidate.Digest() {
			t.Error("the order of columns is not in the snapshot")
		}
	})
}

// TestReadCallsNothingOfTheDatabase: the reader's search path is as a
// candidate would like it, and everything there that a query could find by
// name fails when it is used.
func TestReadCallsNothingOfTheDatabase(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		want := d.snapshot(t, schema.Options{Schemas: []string{"registry"}})
		d.exec(t, `
			CREATE SCHEMA archive; SET search_path = archive;
			CREATE FUNCTION trap() RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$trapped$x$; END';
			CREATE FUNCTION cardinality(text[]) RETURNS int LANGUAGE sql AS 'SELECT length(archive.trap())';
			CREATE FUNCTION quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT archive.trap()';
			CREATE FUNCTION format_type(oid, int) RETURNS text LANGUAGE sql AS 'SELECT archive.trap()';
			CREATE FUNCTION equal(name, text) RETURNS bool LANGUAGE sql AS 'SELECT archive.trap() IS NULL';
			CREATE FUNCTION equal(name, name) RETURNS bool LANGUAGE sql AS 'SELECT archive.trap() IS NULL';
			CREATE FUNCTION equal("char", text) RETURNS bool LANGUAGE sql AS 'SELECT archive.trap() IS NULL';
			CREATE FUNCTION equal(oid, int) RETURNS bool LANGUAGE sql AS 'SELECT archive.trap() IS NULL';
			CREATE OPERATOR = (FUNCTION = equal, LEFTARG = name, RIGHTARG = text);
			CREATE OPERATOR <> (FUNCTION = equal, LEFTARG = name, RIGHTARG = name);
			CREATE OPERATOR = (FUNCTION = equal, LEFTARG = "char", RIGHTARG = text);
			CREATE OPERATOR = (FUNCTION = equal, LEFTARG = oid, RIGHTARG = int);
			CREATE VIEW pg_class AS SELECT trap();
			CREATE VIEW databasechangelog AS SELECT trap();
			GRANT USAGE ON SCHEMA archive TO PUBLIC`)
		if _, err := d.read.Exec(t.Context(), "SET search_path = archive, pg_catalog"); err != nil {
			t.Fatal(err)
		}
		got := d.snapshot(t, schema.Options{Schemas: []string{"registry"}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("another structure is read (-before +now):\n%s", diff)
		}
		if s := d.snapshot(t, schema.Options{}); len(s.Views) != 2 {
			t.Errorf("got %d views, want 2", len(s.Views))
		}
	})
}

// TestReadForeign: what only a superuser can make is read as well; a foreign
// table holds no rows that a change could destroy.
func TestReadForeign(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		base := d.snapshot(t, schema.Options{})
		d.site.Super(t, d.site.Names.Template, `
			CREATE FUNCTION registry.log() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
			CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION registry.log();
			ALTER EVENT TRIGGER guard DISABLE;
			CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
			CREATE FOREIGN TABLE registry.ft (a int NOT NULL) SERVER far OPTIONS (path 'x')`)
		middle := d.snapshot(t, schema.Options{})
		want := []string{
			"+ table registry.ft (1 column, foreign table, SERVER far, WITH path=x)",
			"+ event trigger guard on ddl_command_end execute registry.log() state D",
			"+ foreign server far wrapper nothing",
		}
		var got []string
		for _, line := range schema.Compare(base, middle).Lines(9) {
			if !strings.HasPrefix(line, "+ function") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
		d.site.Super(t, d.site.Names.Template, "ALTER FOREIGN TABLE registry.ft ADD b int NOT NULL, DROP a")
		if diff := schema.Compare(middle, d.snapshot(t, schema.Options{})); len(diff.Changes) != 2 || diff.Hazards() != 0 {
			t.Errorf("got %q, want two changes without a hazard", diff.Lines(9))
		}
	})
}

func TestReadRefusesAbsurdSizes(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		d.exec(t, "DO $do$ BEGIN EXECUTE format('COMMENT ON SCHEMA registry IS %L', repeat('x', 40000000)); END $do$")
		_, err := schema.Read(t.Context(), d.read, schema.Options{})
		var failure *change.Failure
		if !errors.As(err, &failure) || failure.Kind != change.KindLimit {
			t.Errorf("got %v, want a failure of kind limit", err)
		}
		d.exec(t, "COMMENT ON SCHEMA registry IS NULL")
		d.snapshot(t, schema.Options{}) // the session is still of use
	})
}

func TestReadCancelled(t *testing.T) {
	eachVersion(t, func(t *testing.T, d *database) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := schema.Read(ctx, d.read, schema.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}
