package steps_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// lookAlikes are names that a careless pattern takes for ours.
var lookAlikes = []string{
	"registry_dev_1", "registry-developers", "other-registry-dev-1", "registry-dev-", "registry-dev-12x", "REGISTRY-DEV-1", "Registry-dev-1",
	"registry-dev", "registry-dev-01", "registry-dev-1-login", "registry-dev-1-2", "registry-dev-1-2-6565AABB", "registry-dev-1-0-6565aabb",
	"registry-dev-10000000000", "registry-dev-base", "registry-dev-base-0123456789abcdeg", "other-registry-template", "registry-template-2", "registry_template",
	"registry-dev-1\n", "registry-dev-1 ", "registry-dev-٣", "registryxdevx1",
	"registry-dev-" + strings.Repeat("1", 50), "registry-dev-7-1-6565aabb" + strings.Repeat("-", 38), // 63 bytes
}

var roleLookAlikes = []string{
	"registry_dev_1_login", "registry-dev-login", "registry-dev-x-login", "registry-dev-7", "registry-dev-7-login-2", "other-registry-dev-7-login",
	"registry-dev-" + strings.Repeat("1", 44) + "-login",
}

// environment is a cluster with one registry in it, as runs, kills and people
// leave it.
type environment struct {
	*testing.T
	server *lab.OwnPostgres
	site   *lab.Site
	pg     *pg.Server
	doomed []string // "database x", "role y"
}

// newEnvironment builds one registry, under the names that the defaults give.
func newEnvironment(t *testing.T, server *lab.OwnPostgres) *environment {
	t.Helper()
	e := &environment{T: t, server: server}
	var err error
	if e.site, err = lab.NewSite(t.Context(), server.PostgresServer, "registry"); err != nil {
		t.Fatal(err)
	}
	if run := e.command("prepare-template", "--environment", "dev"); run.status != 0 {
		t.Fatalf("prepare-template: %s", run.stderr)
	}
	if e.pg, err = pg.Connect(t.Context(), pg.Config{URL: e.site.URL}); err != nil {
		t.Fatal(err)
	}
	for _, name := range lookAlikes {
		e.site.Super(t, "postgres", "CREATE DATABASE "+pg.Ident(name)+" OWNER "+pg.Ident(e.site.ServiceRole())+" STRATEGY file_copy")
	}
	for _, name := range roleLookAlikes {
		e.site.Super(t, "postgres", fmt.Sprintf("CREATE ROLE %s LOGIN; GRANT %[1]s TO %s WITH ADMIN OPTION", pg.Ident(name), pg.Ident(e.site.ServiceRole())))
	}
	e.databases()
	e.logins()
	e.doomed = append(e.doomed, "database "+e.site.Names.Template)
	return e
}

// clone makes one of our databases, doomed.
func (e *environment) clone(name string) string {
	e.Helper()
	err := e.pg.Clone(e.Context(), e.site.Names.Template, name, pg.Access{Owner: e.site.OwnerRole, Comment: `{"formatVersion":1,"state":"created","gerrit":"http://other","project":"other"}`}, nil)
	if err != nil {
		e.Fatal(err)
	}
	e.doomed = append(e.doomed, "database "+name)
	return name
}

func (e *environment) databases() {
	names := e.site.Names
	base := names.Base("0123456789abcdef")
	if err := e.pg.Freeze(e.Context(), e.clone(base), base, ""); err != nil {
		e.Fatal(err)
	}
	e.clone(names.Candidate(0))
	e.clone(names.Candidate(7))
	e.clone(names.Attempt(7, 3, 0x6565aabb))
	e.clone(names.BaseAttempt("0123456789abcdef", 0x6565aabb))
	e.clone(names.BaseAttempt(names.TemplateDigest(), 0x6565aabb))
	e.site.Super(e.T, "postgres", "ALTER DATABASE "+pg.Ident(e.clone(names.Candidate(8)))+" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
	e.site.Super(e.T, "postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = "+pg.Literal(e.clone(names.Candidate(9999999999))))
}

// logins: one at work on its database, one whose database is gone; both have
// pinned themselves wherever they could get in.
func (e *environment) logins() {
	names := e.site.Names
	e.login(e.clone(names.Attempt(9, 2, 0x6565aabb)), true)
	gone := names.Attempt(10, 1, 0x6565aabb)
	e.login(e.clone(gone), false)
	if err := e.pg.Drop(e.Context(), names, gone); err != nil {
		e.Fatal(err)
	}
	e.doomed = slices.DeleteFunc(e.doomed, func(name string) bool { return name == "database "+gone })
}

func (e *environment) login(database string, stays bool) {
	e.Helper()
	login := pg.NewLogin(e.site.Names.Login(database), database, e.site.OwnerRole)
	err := e.pg.CreateLogin(e.Context(), login,
		pg.LoginLimits{ValidFor: time.Hour, Connections: 9, StatementTimeout: time.Minute, LockTimeout: time.Minute})
	if err != nil {
		e.Fatal(err)
	}
	e.doomed = append(e.doomed, "role "+login.Role)
	for _, into := range []string{database, "postgres", "template1", "registry_dev_1"} {
		conn := lab.Connect(e.T, e.server.URL(login.Role, login.Password, into))
		for _, sql := range []string{"SET ROLE NONE", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"} {
			if _, err := conn.Exec(e.Context(), sql); err != nil {
				e.Fatalf("%s in %s: %v", sql, into, err)
			}
		}
		if !stays || into != database {
			conn.Close(e.Context())
		}
	}
}

// command runs a step with the site's settings.
func (e *environment) command(name string, args ...string) stepRun {
	e.Helper()
	return e.exec(e.TempDir(), filepath.Join(bin, name), args...)
}

func (e *environment) exec(dir, program string, args ...string) stepRun {
	e.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(e.Context(), program, args...)
	cmd.Env = slices.Concat(os.Environ(), e.site.Env(), []string{"PATCHBAY_RUN_DIR=" + dir, "PATCHBAY_LOG_FORMAT=console", "GITHUB_ACTIONS=", "JENKINS_URL="})
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		e.Fatal(err)
	}
	return stepRun{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// cluster is all that a teardown could touch, a line each.
func (e *environment) cluster() []string {
	e.Helper()
	var lines []string
	for _, database := range []string{"postgres", "template1", "registry_dev_1"} {
		conn, err := pgx.Connect(e.Context(), e.site.SuperURL(database))
		if err != nil {
			e.Fatal(err)
		}
		rows, err := conn.Query(e.Context(), clusterQuery)
		if err != nil {
			e.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			e.Fatal(err)
		}
		lines = append(lines, found...)
		conn.Close(e.Context())
	}
	return lines
}

const clusterQuery = `
SELECT format('database %s is %s''s, rights %s connections %s template %s limit %s: %s', datname, datdba::regrole, datacl, datallowconn, datistemplate, datconnlimit,
  regexp_replace(shobj_description(oid, 'pg_database'), '"madeAt":"[^"]*"', '')) FROM pg_database
UNION ALL SELECT format('role %s is %s %s %s %s %s', rolname, rolcanlogin, rolcreatedb, rolcreaterole, rolinherit, rolconfig) FROM pg_roles
UNION ALL SELECT format('%s is a member of %s', member::regrole, roleid::regrole) FROM pg_auth_members
UNION ALL SELECT format('setting of %s in %s: %s', setrole::regrole, (SELECT datname FROM pg_database WHERE oid = setdatabase), setconfig) FROM pg_db_role_setting
UNION ALL SELECT format('default privilege in %s: %s', current_database(), defaclrole::regrole) FROM pg_default_acl
ORDER BY 1`

// there are the doomed that are still there.
func (e *environment) there() (found []string) {
	e.Helper()
	for _, line := range e.cluster() {
		for _, name := range e.doomed {
			if strings.HasPrefix(line, name+" is ") {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// wayDown is how an environment is torn down; left is its exit status when
// something is left.
type wayDown struct {
	name string
	left int
	run  func(e *environment) stepRun
}

var waysDown = []wayDown{
	{"cleanup-registry", 1, func(e *environment) stepRun {
		return e.command("cleanup-registry", "--yes", "registry-dev-", "--lock-timeout", "1s")
	}},
	{"CleanupRegistry.sql", 3, func(e *environment) stepRun {
		dir := e.TempDir()
		file := filepath.Join(dir, "CleanupRegistry.sql")
		if err := os.WriteFile(file, []byte(e.command("cleanup-registry", "--print-sql").stdout), 0o600); err != nil {
			e.Fatal(err)
		}
		psql, err := exec.LookPath("psql")
		if err != nil {
			e.Fatal(lab.Missing("psql", "postgresql-client"))
		}
		return e.exec(dir, psql, "-X", "-v", "environment=dev", "-v", "yes=registry-dev-", "-f", file, e.site.URL)
	}},
}

// TestTeardown: both ways leave the same cluster, twice: while something
// cannot be dropped, and in the end.
func TestTeardown(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			server, err := lab.StartOwnPostgres(t.Context(), version)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := server.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			})
			var first [][]string
			for _, way := range waysDown {
				t.Run(way.name, func(t *testing.T) {
					states := tornDown(t, server, way)
					if first == nil {
						first = states
					}
					if diff := cmp.Diff(first, states); diff != "" {
						t.Errorf("the two ways leave different clusters (-%s +%s):\n%s", waysDown[0].name, way.name, diff)
					}
				})
			}
		})
	}
}

// tornDown builds an environment, tears it down and gives the states of the
// cluster on the way.
func tornDown(t *testing.T, server *lab.OwnPostgres, way wayDown) (states [][]string) {
	e := newEnvironment(t, server)
	defer e.remove()
	names := e.site.Names
	before := e.cluster()
	if got := e.there(); len(got) != len(e.doomed) {
		t.Fatalf("built: %v, want %v", got, e.doomed)
	}
	neighbour := lab.Connect(t, e.site.SuperURL("registry-developers"))
	reader := lab.Connect(t, e.server.SuperURL(names.Candidate(7)))
	lock, err := e.pg.Lock(t.Context(), names.Candidate(9), time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	run := way.run(e)
	if run.status != way.left {
		t.Errorf("exit status %d, want %d\n%s%s", run.status, way.left, run.stdout, run.stderr)
	}
	attempt := names.Attempt(9, 2, 0x6565aabb)
	if diff := cmp.Diff([]string{"database " + names.Candidate(7), "database " + attempt, "role " + names.Login(attempt)}, e.there()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	for _, want := range []string{names.Candidate(7), attempt} {
		if !strings.Contains(run.stdout+run.stderr, want) {
			t.Errorf("%s is not told:\n%s%s", want, run.stdout, run.stderr)
		}
	}
	states = append(states, e.cluster())

	reader.Close(t.Context())
	lock.Release()
	for range 2 {
		if run := way.run(e); run.status != 0 {
			t.Errorf("exit status %d\n%s%s", run.status, run.stdout, run.stderr)
		}
		after := e.cluster()
		if diff := cmp.Diff(without(before, e.doomed), after); diff != "" {
			t.Errorf("the rest of the cluster (-want +got):\n%s", diff)
		}
		states = append(states, after)
	}
	if _, err := neighbour.Exec(t.Context(), "SELECT"); err != nil {
		t.Errorf("a session on a look-alike was ended: %v", err)
	}
	neighbour.Close(t.Context())
	return states
}

// without leaves out what is said of the doomed.
func without(lines, doomed []string) (kept []string) {
	for _, line := range lines {
		if !slices.ContainsFunc(doomed, func(name string) bool {
			role, is := strings.CutPrefix(name, "role ")
			return strings.HasPrefix(line, name+" is ") || is && strings.Contains(line, pg.Ident(role))
		}) {
			kept = append(kept, line)
		}
	}
	return kept
}

// remove makes room for the next environment of the same names.
func (e *environment) remove() {
	e.pg.Close(context.Background())
	for _, name := range lookAlikes {
		e.site.Super(e.T, "postgres", "DROP DATABASE "+pg.Ident(name))
	}
	for _, name := range roleLookAlikes {
		e.site.Super(e.T, "postgres", "DROP ROLE "+pg.Ident(name))
	}
	if err := e.site.Close(context.Background()); err != nil {
		e.Error(err)
	}
}

// TestTeardownAfterPipelines: the document says what went and what did not.
func TestTeardownAfterPipelines(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.clone.Push(t, "a table", newTable("doomed"))
	r.verified(r.run(p), +1)
	dir := r.TempDir()
	prefix := r.site.Names.Prefix
	kept := result[change.CleanupRegistry](r, p, dir, "cleanup-registry", 1, "--yes", prefix)
	if len(kept.Left) != 1 || kept.Left[0].Name != r.site.Names.Template || !strings.Contains(kept.Left[0].Hint, "--any-template") {
		t.Errorf("the lab's template was not made by prepare-template: %+v", kept.Left)
	}
	if want := r.site.Names.Candidate(p.Number); len(r.withoutSpares(kept.Dropped)) != 2 || kept.Dropped[0] != want {
		t.Errorf("dropped %v, want %s and a base database", kept.Dropped, want)
	}
	gone := result[change.CleanupRegistry](r, p, dir, "cleanup-registry", 0, "--yes", prefix, "--any-template")
	if text, _ := json.Marshal(gone); gone.Outcome != change.Done || !slices.Equal(gone.Dropped, []string{r.site.Names.Template}) || len(gone.Left) != 0 {
		t.Errorf("%s", text)
	}
}
