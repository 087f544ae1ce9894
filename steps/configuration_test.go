package steps_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestLongestNames: the longest prefix for which no name is cut works, one
// more byte is refused before anything is done.
func TestLongestNames(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	longest := r.site.Names.Prefix + strings.Repeat("x", 27-len(r.site.Names.Prefix)-1) + "_"
	p := r.onMaster("Wards", adding(ward))
	dir := r.begin(p)

	tooLong := r.with("PATCHBAY_PREFIX=" + longest[:26] + "x_")
	for _, name := range []string{"create-temp-db", "apply-changelog"} {
		if run := tooLong.step(p, dir, name); run.status != 2 || !strings.Contains(run.stderr, "at most 27 bytes") {
			t.Errorf("%s: exit status %d\n%s", name, run.status, run.stderr)
		}
	}
	if all := r.column("postgres", "SELECT datname FROM pg_database WHERE datname LIKE '"+r.site.Names.Prefix+"%'"); len(all) > 0 {
		t.Errorf("databases were made: %v", all)
	}

	r.site.Names.Prefix = longest // what the end of the test removes
	run := r.with("PATCHBAY_PREFIX=" + longest).run(p)
	r.verified(run, +1)
	r.tidy(p.Number, true)
	r.nothingLeft()
	base := r.site.Names.Login(r.site.Names.BaseAttempt(run.Created.BaseDigest, 0))
	if len(base) != 63 || r.site.Names.Parse(run.Created.Database).Kind != pg.Attempt {
		t.Errorf("the longest name %q has %d bytes; the attempt was %s", base, len(base), run.Created.Database)
	}
}

// badInput is refused with exit status 2 by every step, before anything is
// done; what is wrong is said on stderr.
var badInput = []struct{ name, env, want string }{
	{"change number with a letter", "GERRIT_CHANGE_NUMBER=12a", "12a"},
	{"change number with SQL", "GERRIT_CHANGE_NUMBER=1; DROP DATABASE postgres", "DROP DATABASE"},
	{"change number with another kind of digits", "GERRIT_CHANGE_NUMBER=١٢", "١٢"},
	{"negative change number", "GERRIT_CHANGE_NUMBER=-1", "change number -1"},
	{"change number 0", "GERRIT_CHANGE_NUMBER=0", "change number 0"},
	{"change number of eleven digits", "GERRIT_CHANGE_NUMBER=12345678901", "1 to 10 digits"},
	{"patch set 0", "GERRIT_PATCHSET_NUMBER=0", "patch set number 0"},
	{"a revision that is a ref", "GERRIT_PATCHSET_REVISION=refs/heads/master", "40 hexadecimal digits"},
	{"no project", "GERRIT_PROJECT=", "project is missing"},
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("Wards", adding(ward))
	dir := r.begin(p)
	for _, c := range badInput {
		for _, name := range []string{"get-changes", "create-temp-db", "apply-changelog", "report-verified"} {
			if run := r.with(c.env).step(p, dir, name); run.status != 2 || !strings.Contains(run.stderr, c.want) {
				t.Errorf("%s: %s: exit status %d, want 2 and %q\n%s", c.name, name, run.status, c.want, run.stderr)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "get-changes.json")); !os.IsNotExist(err) {
		t.Errorf("an earlier run's result is left to vote on: %v", err)
	}
	dir = r.begin(p)

	r.named("owner role that can log in", func(r *registry) { r.testOwnerLogin(p, dir) })
	r.named("wrong password", func(r *registry) { r.testWrongPassword(p, dir) })
	r.named("libpq's variables", func(r *registry) { r.testLibpq(p, dir) })
	r.named("failed before", func(r *registry) { r.testFailedBefore(p) })
	r.named("somebody else's database", func(r *registry) { r.testForeign(p, dir) })
	candidates, leftovers := r.databases()
	if len(candidates)+len(leftovers) > 0 {
		t.Errorf("there are %v and %v", candidates, leftovers)
	}
}

func (r *registry) testOwnerLogin(p lab.Pushed, dir string) {
	owner := pg.Ident(r.site.OwnerRole)
	r.site.Super(r.T, "postgres", "ALTER ROLE "+owner+" LOGIN CREATEDB")
	got := r.create(p, dir, 2)
	for _, remedy := range []string{"ALTER ROLE " + owner + " NOLOGIN;", "ALTER ROLE " + owner + " NOCREATEDB;"} {
		if got.Failure.Kind != change.KindConfiguration || !strings.Contains(got.Failure.Hint, remedy) {
			r.Errorf("want the remedy %s, got %+v", remedy, got.Failure)
		}
	}
	r.site.Super(r.T, "postgres", "ALTER ROLE "+owner+" NOLOGIN NOCREATEDB")
	r.create(p, dir, 0)
	r.site.Super(r.T, "postgres", "ALTER ROLE "+owner+" LOGIN")
	if got := r.apply(p, dir, 2); got.EngineRan || !strings.Contains(got.Failure.Hint, "NOLOGIN") {
		r.Errorf("apply-changelog: %+v", got.Failure)
	}
	r.site.Super(r.T, "postgres", "ALTER ROLE "+owner+" NOLOGIN")
	r.site.Super(r.T, "postgres", "DROP DATABASE "+pg.Ident(read[change.CreateTempDB](r, filepath.Join(dir, "create-temp-db.json")).Database))
}

func (r *registry) testWrongPassword(p lab.Pushed, dir string) {
	const secret = "wr0ng-pa55word"
	wrong := r.with("DATABASE_URL=" + r.site.Server.URL(r.site.ServiceRole(), secret, r.site.AdminDatabase()))
	run := wrong.step(p, dir, "create-temp-db")
	if run.status != 1 || !strings.Contains(run.stderr, "DATABASE_URL") {
		r.Errorf("exit status %d\n%s", run.status, run.stderr)
	}
	if strings.Contains(run.stderr+run.stdout, secret) {
		r.Errorf("the password is shown:\n%s%s", run.stderr, run.stdout)
	}
	got := read[change.CreateTempDB](r, filepath.Join(dir, "create-temp-db.json"))
	if got.Failure == nil || got.Failure.Kind == change.KindCandidate || got.Failure.SQLState != "28P01" {
		r.Errorf("got %+v", got.Failure)
	}
	if after := wrong.apply(p, dir, 0); after.Outcome != change.Skipped || after.Failure != nil || !strings.Contains(after.Reason, "create-temp-db failed") {
		r.Errorf("apply-changelog: %+v", after)
	}
	if said := wrong.report(p, dir, vote(0)); !strings.Contains(said.Message, "DATABASE_URL") {
		r.Errorf("another failure than the first is reported: %s", said.Message)
	}
}

// testLibpq: without DATABASE_URL the driver takes libpq's variables, of which
// the password is a secret like any.
func (r *registry) testLibpq(p lab.Pushed, dir string) {
	server := r.site.Server
	by := func(password string) *registry {
		return r.with("DATABASE_URL=", "PGHOST="+server.Host, fmt.Sprint("PGPORT=", server.Port),
			"PGUSER="+r.site.ServiceRole(), "PGPASSWORD="+password, "PGDATABASE="+r.site.AdminDatabase())
	}
	u, err := url.Parse(r.site.URL)
	if err != nil {
		r.Fatal(err)
	}
	password, _ := u.User.Password()
	created := by(password).create(p, dir, 0)
	r.site.Super(r.T, "postgres", "DROP DATABASE "+pg.Ident(created.Database))
	run := by("wr0ng/pa55word").with("GITHUB_ACTIONS=true").step(p, dir, "create-temp-db")
	if run.status != 1 || strings.Count(run.stdout+run.stderr, "wr0ng/pa55word") != 1 || !strings.Contains(run.stderr, "::add-mask::wr0ng/pa55word") {
		r.Errorf("exit status %d\n%s%s", run.status, run.stdout, run.stderr)
	}
}

// testFailedBefore: the first failure is the one that is reported.
func (r *registry) testFailedBefore(p lab.Pushed) {
	dir := r.TempDir()
	result[change.GetChanges](r.with("PATCHBAY_FETCH_URL=/no/such/mirror"), p, dir, "get-changes", 2)
	if created := r.create(p, dir, 0); created.Outcome != change.Skipped || created.Failure != nil || !strings.Contains(created.Reason, "get-changes failed") {
		r.Errorf("create-temp-db: %+v", created)
	}
	if applied := r.apply(p, dir, 0); applied.Outcome != change.Skipped || applied.Failure != nil || !strings.Contains(applied.Reason, "get-changes failed") {
		r.Errorf("apply-changelog: %+v", applied)
	}
	first := read[change.GetChanges](r, filepath.Join(dir, "get-changes.json")).Failure
	if said := r.report(p, dir, vote(0)); !strings.Contains(said.Message, first.Message[:20]) {
		r.Errorf("%q is not reported: %s", first.Message, said.Message)
	}
}

// testForeign: a database of the same name that belongs to another project is
// neither touched nor replaced.
func (r *registry) testForeign(p lab.Pushed, dir string) {
	name := pg.Ident(r.site.Names.Candidate(p.Number))
	conn := lab.Connect(r.T, r.site.URL)
	for _, sql := range []string{
		"CREATE DATABASE " + name,
		fmt.Sprintf(`COMMENT ON DATABASE %s IS '{"formatVersion":1,"state":"published","gerrit":"http://other","project":"other","change":%d,"patchSet":1}'`, name, p.Number),
	} {
		if _, err := conn.Exec(r.Context(), sql); err != nil {
			r.Fatal(err)
		}
	}
	if got := r.create(p, dir, 2); !strings.Contains(got.Failure.Message, `belongs to project "other"`) || !strings.Contains(got.Failure.Hint, "PATCHBAY_PREFIX") {
		r.Errorf("got %+v", got.Failure)
	}
	r.tidy(p.Number, true)
	if _, err := conn.Exec(r.Context(), "DROP DATABASE "+name); err != nil {
		r.Fatal(err)
	}
}

// TestTemplateInUse: somebody's session on the template is waited for, and
// never ended.
func TestTemplateInUse(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("Wards", adding(ward))
	dir := r.begin(p)
	conn := lab.Connect(t, r.site.ReaderURL(r.site.Names.Template))
	stderr := &listener{text: r.site.Names.Template + " is in use by 1 session", seen: func() {
		if _, err := conn.Exec(t.Context(), "SELECT"); err != nil {
			t.Errorf("the session on the template was ended: %v", err)
		}
		conn.Close(t.Context())
	}}
	cmd := r.command(p, dir, "create-temp-db")
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil || stderr.seen != nil {
		t.Errorf("%v\n%s", err, stderr.log)
	}
	r.apply(p, dir, 0)
	r.tidy(p.Number, true)
}

// TestLockIsWaitedFor: who waits is told so, and goes on when the lock is free.
func TestLockIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("Wards", adding(ward))
	dir := r.begin(p)
	lock := r.locks(p)
	stderr := &listener{text: "another run holds ", seen: lock.Release}
	cmd := r.command(p, dir, "create-temp-db")
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil || stderr.seen != nil || !strings.Contains(stderr.log, "waited 5s so far") {
		t.Errorf("%v\n%s", err, stderr.log)
	}
	r.apply(p, dir, 0)
	r.tidy(p.Number, true)
}

// locks takes the lock of a change, as a run of it does.
func (r *registry) locks(p lab.Pushed) *pg.Lock {
	r.Helper()
	server, err := pg.Connect(r.Context(), pg.Config{URL: r.site.URL})
	if err != nil {
		r.Fatal(err)
	}
	defer server.Close(r.Context())
	lock, err := server.Lock(r.Context(), r.site.Names.Candidate(p.Number), time.Second, nil)
	if err != nil {
		r.Fatal(err)
	}
	return lock
}

// TestAskedAgainAfterTheLock: where no engine runs Gerrit is asked before the
// lock is taken; what it said is too old when that took long.
func TestAskedAgainAfterTheLock(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("No model", map[string]string{"README.md": "once\n"})
	dir := r.begin(p)
	r.create(p, dir, 0)
	lock := r.locks(p)
	stderr := &listener{text: "another run holds ", seen: func() {
		if _, err := r.edit(p, "README.md", "twice\n"); err != nil {
			t.Error(err)
		}
		lock.Release()
	}}
	cmd := r.command(p, dir, "apply-changelog")
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, stderr.log)
	}
	if got := read[change.ApplyChangelog](r, filepath.Join(dir, "apply-changelog.json")); got.Outcome != change.Superseded || !strings.Contains(got.Reason, "patch set 2") {
		t.Errorf("%s: %s", got.Outcome, got.Reason)
	}
	r.tidy(p.Number, false)
}

// listener is a log that does something once a text is in it.
type listener struct {
	log  string
	text string
	seen func() // nil afterwards
}

func (l *listener) Write(text []byte) (int, error) {
	l.log += string(text)
	if l.seen != nil && strings.Contains(l.log, l.text) {
		l.seen()
		l.seen = nil
	}
	return len(text), nil
}
