package steps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// attempts are single statements that a candidate swallows the refusals of.
var attempts = []string{
	"ALTER ROLE :reader PASSWORD 'mine'", "ALTER ROLE :reader SET search_path = public", "ALTER ROLE :service PASSWORD 'mine'",
	"ALTER ROLE :service CONNECTION LIMIT 0", "ALTER ROLE :owner LOGIN", "ALTER ROLE :owner CREATEDB", "ALTER ROLE :owner CREATEROLE",
	"ALTER ROLE :owner RENAME TO mine", "CREATE ROLE mine", "DROP ROLE :reader", "GRANT :owner TO :reader", "GRANT :service TO :owner",
	"GRANT pg_read_server_files TO :owner", "GRANT pg_execute_server_program TO :login", "SET SESSION AUTHORIZATION :service", "SET ROLE :service",
	"COMMENT ON DATABASE :victim IS 'x'", "ALTER DATABASE :victim RENAME TO mine", "ALTER DATABASE :own OWNER TO :owner",
	"ALTER DATABASE :own ALLOW_CONNECTIONS false", "ALTER DATABASE :victim SET search_path = public", "GRANT CONNECT ON DATABASE :victim TO PUBLIC",
	"COPY (SELECT 1) TO PROGRAM 'true'", "COPY (SELECT 1) TO '/tmp/patchbay-attack'", "SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('.')",
	"SELECT lo_import('/etc/passwd')", "SELECT pg_reload_conf()", "SELECT pg_stat_file('postgresql.conf')", "LOAD 'auto_explain'",
	"CREATE EXTENSION dblink", "CREATE EXTENSION file_fdw", "CREATE EXTENSION postgres_fdw", "CREATE LANGUAGE plpython3u",
	"CREATE FUNCTION public.native() RETURNS int LANGUAGE c AS '/tmp/x.so'", "CREATE PUBLICATION everything FOR ALL TABLES",
	"CREATE EVENT TRIGGER caught ON ddl_command_end EXECUTE FUNCTION public.on_ddl()",
	"CREATE OPERATOR CLASS public.mine DEFAULT FOR TYPE int4 USING btree AS OPERATOR 1 <", "CREATE TYPE public.mine", // the type is a shell: superusers only
	"SELECT set_config('log_statement', 'all', false)", "SELECT set_config('temp_file_limit', '-1', false)",
	"SELECT set_config('session_replication_role', 'replica', false)", "SET SESSION search_path TO DEFAULT; CREATE TABLE pg_catalog.mine (id int)",
	"UPDATE pg_catalog.pg_authid SET rolsuper = true", "SELECT rolpassword FROM pg_catalog.pg_authid", "ALTER LARGE OBJECT 1 OWNER TO :owner",
	"DO $x$ BEGIN IF NOT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = :'service' THEN RAISE 'no'; END IF; END $x$",
}

// allowed are those that touch nothing outside the attempt.
var allowed = []string{"CREATE TYPE public.mine"}

// TestAttempts tries them in one migration that deploys in spite of all.
func TestAttempts(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{}).alone()
	victim := r.onMaster("victim", newTable("victim"))
	r.verified(r.run(victim), +1)
	p := r.onMaster("attempts", map[string]string{second: migration(r.trying(victim))})
	before := r.stands()
	r.verified(r.run(p), +1)
	r.unharmed(p, before)
	tried := r.column(r.site.Names.Candidate(p.Number), "SELECT state || ' ' || statement FROM registry.tried ORDER BY 1")
	if len(tried) != len(attempts) {
		t.Errorf("%d were tried, want %d", len(tried), len(attempts))
	}
	for _, line := range tried {
		state, statement, _ := strings.Cut(line, " ")
		if state == "done" && !slices.Contains(allowed, statement) {
			t.Errorf("was done: %s", statement)
		}
	}
	r.neverTrapped()
}

// trying is a migration that notes what became of each statement.
func (r *registry) trying(victim lab.Pushed) string {
	names := r.replacer(victim, victim)
	sql := block(trap) + block("CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); END';") +
		"CREATE TABLE registry.tried (statement text, state text);\n"
	for _, statement := range attempts {
		text := strings.ReplaceAll(statement, ":'service'", pg.Literal(r.site.ServiceRole()))
		text = pg.Literal(names.Replace(text))
		sql += block(fmt.Sprintf(`DO $do$ BEGIN
EXECUTE replace(replace(%s, ':own', quote_ident(current_database())), ':login', quote_ident(session_user));
INSERT INTO registry.tried VALUES (%s, 'done');
EXCEPTION WHEN OTHERS THEN INSERT INTO registry.tried VALUES (%[2]s, SQLSTATE); END $do$;`, text, pg.Literal(statement)))
	}
	return sql
}

// TestOwnerRolePassword: a candidate works as the owner role and can give it a
// password and settings, but nobody can log in as it, and the next run of
// everybody goes on.
func TestOwnerRolePassword(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	owner := pg.Ident(r.site.OwnerRole)
	p := r.onMaster("password", map[string]string{second: migration(
		"ALTER ROLE " + owner + " PASSWORD 'mine';\nALTER ROLE " + owner + " SET search_path = public;")})
	run := r.run(p)
	if run.Reported == nil || run.Reported.Vote == nil {
		t.Errorf("report-verified: %+v\n%s", run.Reported, logs(run))
	}
	if conn, err := pgx.Connect(t.Context(), r.site.Server.URL(r.site.OwnerRole, "mine", "postgres")); err == nil {
		conn.Close(t.Context())
		t.Error("the owner role can log in")
	}
	r.recovers(r.onMaster("afterwards", newTable("afterwards")))
}

// TestAdvisoryLocks: locks of a candidate's sessions are in another database
// than ours, and go with them.
func TestAdvisoryLocks(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{}).with("PATCHBAY_LOCK_TIMEOUT=5s")
	p := r.onMaster("locks", map[string]string{second: block(
		"DO $$ BEGIN PERFORM pg_advisory_lock(objid) FROM pg_locks WHERE locktype = 'advisory'; PERFORM pg_advisory_lock(i) FROM generate_series(1, 100) i; END $$;")})
	p, err := r.edit(p, second, migration(block(
		"DO $$ BEGIN PERFORM pg_advisory_lock((classid::bigint << 32) | objid::bigint) FROM pg_locks WHERE locktype = 'advisory' AND granted; END $$;")))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.recovers(p)
	if time.Since(began) > 30*time.Second {
		t.Errorf("took %s", time.Since(began))
	}
}
