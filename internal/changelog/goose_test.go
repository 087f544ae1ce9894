package changelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

const up = "-- +goose Up\n"

var migrated = files{
	"db/00001_a.sql": up + "CREATE TABLE a (id int PRIMARY KEY);\n-- +goose Down\nDROP TABLE a;\n",
	"db/00003_c.sql": up + "CREATE TABLE c (id int);\n",
}

func gooseBench(t *testing.T, postgres int) *bench {
	b := newBench(t, postgres)
	b.settings.Changelog = []string{"db"}
	return b
}

func TestGooseAppliesBaseThenCandidate(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		b := gooseBench(t, version)
		if name := b.engine().Name(); !strings.HasPrefix(name, "goose") {
			t.Errorf("engine %q", name)
		}
		base := b.base(migrated)
		began := time.Now()
		login, report, failure := b.candidate(base, migrated, migrated.with(files{
			"db/00004_d.sql": up + "-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n$$;\n-- +goose StatementEnd\n",
			"db/notes.sql":   "SELECT 1;",
		}))
		if failure != nil {
			t.Fatal(failure)
		}
		t.Logf("PostgreSQL %d: %s", version, time.Since(began))
		if diff := cmp.Diff([]string{"db/00004_d.sql"}, report.Changesets); diff != "" {
			t.Errorf("changesets (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"db/notes.sql has no version in front of its name and is not run"}, report.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
		if got := b.query(login.Database, "SELECT count(*)::text FROM pg_stat_activity WHERE usename = '"+login.Role+"'"); got != "0" {
			t.Errorf("%s sessions of the login are left", got)
		}
	}
}

func TestGooseRefuses(t *testing.T) {
	t.Parallel()
	b := gooseBench(t, 15)
	base := b.base(migrated)
	for _, c := range []badCandidate{
		{
			name: "SQL", add: files{"db/00004_d.sql": up + "-- a comment\nCREATE TABLE d (id int);\n\nCREATE TABLE d (id int);\n"},
			kind: change.KindCandidate, where: "db/00004_d.sql:5", state: "42P07", message: "already exists",
		},
		{
			name: "line inside a statement", add: files{"db/00004_d.sql": up + "SELECT 1;\nSELECT 1;\nCREATE TABLE d (\n  id int,\n  x nope\n);\n"},
			kind: change.KindCandidate, where: "db/00004_d.sql:6", state: "42704", message: `type "nope" does not exist`,
		},
		{
			name: "edited", add: files{"db/00001_a.sql": up + "CREATE TABLE a (id bigint PRIMARY KEY);\n"},
			kind: change.KindCandidate, where: "db/00001_a.sql:2", message: "was edited",
		},
		{name: "deleted", add: files{"db/00003_c.sql": ""}, kind: change.KindCandidate, message: "db/00003_c.sql ran before and is gone"},
		{
			name: "renamed", add: files{"db/00003_c.sql": "", "db/00003_x.sql": migrated["db/00003_c.sql"]},
			kind: change.KindCandidate, where: "db/00003_x.sql", message: "ran before as db/00003_c.sql",
		},
		{name: "out of order", add: files{"db/00002_b.sql": up + "SELECT 1;\n"}, kind: change.KindCandidate, where: "db/00002_b.sql", message: "out-of-order"},
		{name: "version twice", add: files{"db/00003_z.sql": up + "SELECT 1;\n"}, kind: change.KindCandidate, where: "db/00003_z.sql", message: "also that of"},
		{name: "no annotation", add: files{"db/00004_d.sql": "CREATE TABLE d (id int);\n"}, kind: change.KindCandidate, where: "db/00004_d.sql", message: "failed to parse"},
		{
			name: "ENVSUB", add: files{"db/00004_d.sql": up + "-- +goose ENVSUB ON\nSELECT '${PATH}';\n"},
			kind: change.KindCandidate, where: "db/00004_d.sql:2", message: "ENVSUB",
		},
		{
			name: "ENVSUB in disguise", add: files{"db/00004_d.sql": up + "-- env+goosesub--  on\nSELECT '${PATH}';\n"},
			kind: change.KindCandidate, where: "db/00004_d.sql:2", message: "ENVSUB",
		},
		{name: "folder is gone", add: files{"db/00001_a.sql": "", "db/00003_c.sql": ""}, kind: change.KindCandidate, message: "does not exist"},
		{
			name: "row deleted", add: files{"db/00004_d.sql": up + "DELETE FROM goose_db_version WHERE version_id = 1;\n"},
			kind: change.KindCandidate, where: "db/00001_a.sql", message: "is not in the table",
		},
		{
			name: "row added", add: files{"db/00004_d.sql": up + "INSERT INTO goose_db_version (version_id, is_applied) VALUES (77, true);\n"},
			kind: change.KindCandidate, message: "version 77 was written",
		},
		{
			name: "tracking table replaced", add: files{"db/00004_d.sql": up + "ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY;\n"},
			kind: change.KindCandidate, message: "replaced the tracking table",
		},
		{
			name: "extension of a DBA", add: files{"db/00004_d.sql": up + "CREATE EXTENSION dblink;\n"},
			kind: change.KindConfiguration, where: "db/00004_d.sql:2", state: "42501", message: "permission denied to create extension",
		},
		{
			name: "another right", add: files{"db/00004_d.sql": up + "CREATE TABLE pg_catalog.x (id int);\n"},
			kind: change.KindCandidate, where: "db/00004_d.sql:2", state: "42501", message: "permission denied",
		},
		{
			name: "long message", add: files{"db/00004_d.sql": up + "DO 'BEGIN RAISE EXCEPTION ''%'', repeat(''x'', 1000000); END';\n"},
			kind: change.KindCandidate, where: "db/00004_d.sql:2", state: "P0001", message: strings.Repeat("x", 500) + " …",
		},
		{
			name: "message over the limit", add: files{"db/00004_d.sql": up + "DO 'BEGIN RAISE EXCEPTION ''%'', repeat(''x'', 70000000); END';\n"},
			kind: change.KindInfrastructure, where: "db/00004_d.sql:2", message: "bad connection",
		},
		{
			name: "too many tracking rows", add: files{"db/00004_d.sql": up + "INSERT INTO goose_db_version (version_id, is_applied) SELECT 9, false FROM generate_series(1, 200000);\n"},
			kind: change.KindLimit, message: "more than 200000 rows",
		},
		{
			name: "statement timeout", add: files{"db/00004_d.sql": up + "SET statement_timeout = 100;\nSELECT pg_sleep(10);\n"},
			kind: change.KindLimit, where: "db/00004_d.sql:3", state: "57014", message: "statement timeout",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, failure := b.candidate(base, migrated, migrated.with(c.add))
			c.check(t, failure)
		})
	}
}

// The template was made by goose too, with the same table.
func TestGooseVersionsOfTheTemplate(t *testing.T) {
	t.Parallel()
	b := gooseBench(t, 15)
	b.site.Super(t, b.site.Names.Template, "SET ROLE "+b.site.OwnerRole+`; CREATE TABLE goose_db_version (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
		version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now());
		INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true)`)
	_, err := b.engine().Apply(t.Context(), b.job(migrated, b.database("")))
	f := change.AsFailure(err)
	if f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, "PATCHBAY_CHANGELOG_TABLE") {
		t.Fatalf("got %v, want a configuration failure with a remedy", err)
	}
	b.settings.ChangelogTable = "model_version"
	report, err := b.engine().Apply(t.Context(), b.job(migrated, b.database("")))
	if err != nil || len(report.Changesets) != 2 {
		t.Fatalf("with a table of its own: %v, %v", report, err)
	}
}

func TestGooseTimeout(t *testing.T) {
	t.Parallel()
	b := gooseBench(t, 15)
	b.settings.Timeout = time.Second
	b.endsSleep(files{"db/00001_a.sql": up + "SET statement_timeout = 0;\nSELECT pg_sleep(300);\n"})
}

func TestLiquibaseTimeout(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	b.settings.Timeout = 8 * time.Second
	b.endsSleep(files{"model/main.xml": xmlLog(changeSet(`<sql>SET statement_timeout = 0; SELECT pg_sleep(300)</sql>`))})
}

// endsSleep applies a tree that sleeps and checks that nothing of it runs on.
func (b *bench) endsSleep(tree files) {
	b.t.Helper()
	login := b.database("")
	_, err := b.engine().Apply(b.t.Context(), b.job(tree, login))
	if f := change.AsFailure(err); f == nil || f.Kind != change.KindLimit || !strings.Contains(f.Message, "longer than") {
		b.t.Fatalf("got %v, want a limit", err)
	}
	conn := lab.Connect(b.t, b.site.SuperURL(b.site.AdminDatabase()))
	var left int
	if err := conn.QueryRow(b.t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", login.Role).Scan(&left); err != nil {
		b.t.Fatal(err)
	}
	if left > 0 {
		b.t.Errorf("%d sessions run on", left)
	}
}
