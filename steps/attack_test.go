package steps_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// trap is a function that tells the server's log who ran it, which no
// rollback takes back, and tries to take over whoever did.
const trap = `CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE LOG 'trap: ran as % of %', current_user, session_user;
  EXECUTE format('ALTER ROLE %I CONNECTION LIMIT 7', session_user);
  RETURN true;
EXCEPTION WHEN OTHERS THEN RETURN true;
END $$;`

// stands is what no candidate may change: roles, settings of roles and
// databases, and every database but attempts.
func (r *registry) stands() []string {
	r.Helper()
	ours := fmt.Sprintf("(%s, %s, %s, 'postgres')", pg.Literal(r.site.OwnerRole), pg.Literal(r.site.ReaderRole), pg.Literal(r.site.ServiceRole()))
	facts := r.column("postgres", "SELECT to_jsonb(a)::text FROM pg_authid a WHERE rolname IN "+ours+" ORDER BY 1")
	facts = append(facts, r.column("postgres", `SELECT m.roleid::regrole || ' has ' || m.member::regrole || ' admin ' || m.admin_option
		FROM pg_auth_members m WHERE m.roleid::regrole::text !~ 'login' AND m.member::regrole::text !~ 'login'
		AND (SELECT rolname FROM pg_authid WHERE oid = m.member) IN `+ours+` ORDER BY 1`)...)
	facts = append(facts, r.column("postgres", `SELECT s::text FROM pg_db_role_setting s
		WHERE setdatabase = 0 AND setrole IN (SELECT oid FROM pg_authid WHERE rolname IN `+ours+`) ORDER BY 1`)...)
	return append(facts, r.standingDatabases()...)
}

func (r *registry) standingDatabases() (facts []string) {
	r.Helper()
	for _, fact := range r.column("postgres", `SELECT d.datname || chr(10) || to_jsonb(d)::jsonb - 'datfrozenxid' - 'datminmxid'
		|| coalesce(shobj_description(d.oid, 'pg_database'), '')
		|| coalesce((SELECT string_agg(s::text, ' ') FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0), '')
		FROM pg_database d ORDER BY 1`) {
		name, _, _ := strings.Cut(fact, "\n")
		if kind := r.site.Names.Parse(name).Kind; name == r.site.AdminDatabase() || kind == pg.Template || kind == pg.Base || kind == pg.Candidate {
			facts = append(facts, fact)
		}
	}
	return facts
}

// others are the facts without those about one database.
func others(facts []string, database string) []string {
	return slices.DeleteFunc(slices.Clone(facts), func(fact string) bool { return strings.HasPrefix(fact, database+"\n") })
}

// unharmed fails the test when a candidate reached beyond its own database.
func (r *registry) unharmed(p lab.Pushed, before []string) {
	r.Helper()
	own := r.site.Names.Candidate(p.Number)
	if diff := cmp.Diff(others(before, own), others(r.stands(), own)); diff != "" {
		r.Errorf("what stood before (-) and stands now (+):\n%s", diff)
	}
	r.neverTrapped()
	r.tidy(p.Number, slices.Contains(r.candidates(), own))
	r.quiet(p.Number)
}

func (r *registry) candidates() []string {
	found, _ := r.databases()
	return found
}

// neverTrapped: the trap never ran as the service role or in its session.
func (r *registry) neverTrapped() {
	r.Helper()
	for _, line := range r.traps() {
		if strings.Contains(line, r.site.ServiceRole()) {
			r.Errorf("the service role ran the candidate's code: %s", line)
		}
	}
}

// trapped: it did run as the candidate itself, so the log would have told.
func (r *registry) trapped() {
	r.Helper()
	for _, line := range r.traps() {
		if strings.Contains(line, "trap: ran as "+r.site.OwnerRole) {
			return
		}
	}
	r.Error("the trap never ran: it can prove nothing")
}

func (r *registry) traps() (lines []string) {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.site.Server.Dir, "log"))
	if err != nil {
		r.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "trap: ran as") {
			lines = append(lines, line)
		}
	}
	return lines
}

// attack is one candidate and what becomes of it.
type attack struct {
	sql  string
	env  []string
	want int         // Verified
	kind change.Kind // of the failure; "" for +1
}

var attacks = map[string]attack{
	"tracking table is a view": {sql: block(trap) + `ALTER TABLE goose_db_version RENAME TO kept;
CREATE VIEW goose_db_version AS SELECT * FROM kept WHERE public.trap();`, want: -1, kind: change.KindCandidate},
	"tracking table has a policy": {sql: block(trap) + `ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE goose_db_version FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON goose_db_version USING (public.trap()) WITH CHECK (true);`, want: -1, kind: change.KindCandidate},
	"traps in the model": {sql: block(trap) + block(`CREATE FUNCTION public.trap(anyelement) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT public.trap()';`) + `
CREATE DOMAIN registry.guarded AS int DEFAULT 1 CHECK (public.trap(VALUE));
CREATE TABLE registry.trapped (id int DEFAULT public.trap()::int, other registry.guarded, CHECK (public.trap(id)));
CREATE INDEX ON registry.trapped (public.trap(id));
CREATE VIEW registry.pg_class AS SELECT public.trap() AS relname;
CREATE VIEW public.pg_attribute AS SELECT public.trap() AS attname;
CREATE MATERIALIZED VIEW registry.kept AS SELECT public.trap();`, want: 1},
	"names of the catalog": {sql: block(trap) + shadows(), want: 1},
	"own search path": {sql: block(trap) + shadows() + `
ALTER ROLE current_user IN DATABASE :own SET search_path = public, pg_catalog;`, want: 1},
	"drop another database":    {sql: "-- +goose NO TRANSACTION\nDROP DATABASE :victim;", want: -1, kind: change.KindCandidate},
	"drop the template":        {sql: "-- +goose NO TRANSACTION\nDROP DATABASE :template WITH (FORCE);", want: -1, kind: change.KindCandidate},
	"make a database":          {sql: "-- +goose NO TRANSACTION\nCREATE DATABASE :prefix999;", want: 0, kind: change.KindConfiguration},
	"settings of the server":   {sql: "-- +goose NO TRANSACTION\nALTER SYSTEM SET work_mem = '8MB';", want: -1, kind: change.KindCandidate},
	"settings of the database": {sql: "ALTER DATABASE :own SET search_path = public;", want: -1, kind: change.KindCandidate},
	"comment on the database":  {sql: "COMMENT ON DATABASE :own IS '{}';", want: -1, kind: change.KindCandidate},
	"environment":              {sql: "-- +goose ENVSUB ON\nCREATE TABLE registry.secret AS SELECT '${DATABASE_URL}${GERRIT_PASSWORD}' AS url;", want: -1, kind: change.KindCandidate},
	"endless statement":        {sql: "SET statement_timeout = 0;\nSELECT pg_sleep(600);", env: []string{"PATCHBAY_TIMEOUT=2s"}, want: 0, kind: change.KindLimit},
	"long statement":           {sql: "SELECT pg_sleep(600);", env: []string{"PATCHBAY_STATEMENT_TIMEOUT=1s"}, want: 0, kind: change.KindLimit},
	"flood of notices":         {sql: block("DO $$ BEGIN FOR i IN 1..100000 LOOP RAISE NOTICE '%', repeat('x', 200); END LOOP; END $$;"), want: 1},
	"default privileges":       {sql: "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;\nALTER DEFAULT PRIVILEGES IN SCHEMA registry GRANT ALL ON TABLES TO PUBLIC;\nCREATE TABLE registry.open (id int);", want: 1},
	"pins the login": {sql: `GRANT USAGE, CREATE ON SCHEMA registry TO :login;
SET ROLE NONE;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO :owner;
CREATE TABLE registry.pinned (id int);
CREATE FUNCTION registry.pinned() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER ROLE :login SET search_path = public;
SET ROLE :owner;`, want: 1},
	"own password": {sql: "SET ROLE NONE;\nALTER ROLE :login PASSWORD 'mine';\nSET ROLE :owner;", want: 0, kind: change.KindInfrastructure},
}

// shadows are functions and operators of the candidate with the names of
// those that catalogs are read with.
func shadows() (sql string) {
	for _, signature := range []string{
		"pg_get_constraintdef(oid)", "pg_get_indexdef(oid)", "pg_get_viewdef(oid)", "pg_get_expr(pg_node_tree, oid)", "format_type(oid, int)",
		"pg_get_userbyid(oid)", "pg_get_functiondef(oid)", "obj_description(oid, name)", "col_description(oid, int)", "quote_ident(text)",
		"current_setting(text)", "pg_try_advisory_lock(bigint)", "current_schema()", "count(oid)",
	} {
		sql += block("CREATE FUNCTION public." + signature + " RETURNS text LANGUAGE sql AS 'SELECT public.trap()::text';")
	}
	for _, types := range []string{"name, text", "oid, oid", "text, text"} {
		left, right, _ := strings.Cut(types, ", ")
		sql += block("CREATE FUNCTION public.same(" + types + ") RETURNS boolean LANGUAGE sql AS 'SELECT public.trap()';")
		sql += "CREATE OPERATOR public.= (LEFTARG = " + left + ", RIGHTARG = " + right + ", FUNCTION = public.same);\n"
	}
	return sql
}

// TestAttacks: each candidate is contained, whatever it gets.
func TestAttacks(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	victim := r.onMaster("victim", newTable("victim"))
	r.verified(r.run(victim), +1)
	names := sortedKeys(attacks)
	pushed := map[string]lab.Pushed{}
	for _, name := range names {
		pushed[name] = r.onMaster(name, map[string]string{second: "-- +goose Up\nSELECT 1;\n"})
	}
	for _, name := range names {
		r.named(name, func(r *registry) { r.attacked(name, pushed[name], victim) })
	}
	r.nothingLeft()
	r.recovers(r.onMaster("afterwards", newTable("afterwards")))
}

func sortedKeys[V any](all map[string]V) (keys []string) {
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// attacked knows the name of its attempt before it pushes the patch set that
// attacks: who can push for review can read the names of databases.
func (r *registry) attacked(name string, p, victim lab.Pushed) {
	a := attacks[name]
	r = r.alone().with(a.env...)
	before := r.stands()
	next, err := r.edit(p, second, migrationOf(a.sql, r.replacer(p, victim)))
	if err != nil {
		r.Fatal(err)
	}
	run := r.run(next)
	r.verified(run, a.want)
	r.wantVote(p.Number, a.want)
	if a.kind != "" {
		r.failedAs(&run.Applied.Header, a.kind)
	}
	if strings.HasPrefix(name, "tracking table") {
		r.trapped()
	}
	r.unharmed(p, before)
}

// migrationOf puts names in; the attempt's own is only known while it runs.
func migrationOf(sql string, names *strings.Replacer) string {
	text := migration("")
	for statement := range strings.SplitAfterSeq(names.Replace(sql), "\n") {
		if strings.Contains(statement, ":own") || strings.Contains(statement, ":login") {
			statement = block("DO $do$ BEGIN EXECUTE replace(replace(" + pg.Literal(strings.TrimSuffix(strings.TrimSpace(statement), ";")) +
				", ':own', quote_ident(current_database())), ':login', quote_ident(session_user)); END $do$;")
		}
		text += statement
	}
	return text + "\n"
}

func (r *registry) replacer(p, victim lab.Pushed) *strings.Replacer {
	return strings.NewReplacer(":victim", pg.Ident(r.site.Names.Candidate(victim.Number)), ":template", pg.Ident(r.site.Names.Template),
		":prefix999", pg.Ident(r.site.Names.Candidate(999000+p.Number%1000)), ":owner", pg.Ident(r.site.OwnerRole),
		":reader", pg.Ident(r.site.ReaderRole), ":service", pg.Ident(r.site.ServiceRole()))
}
