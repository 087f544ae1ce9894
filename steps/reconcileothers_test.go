package steps_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// stamped is an attempt's stamp of so long ago.
func stamped(age time.Duration) uint32 { return uint32(time.Now().Add(-age).Unix()) }

// TestLeftovers: what runs that are gone have left goes, what may be at work
// stays.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{}, nil)
	p := r.clone.Push(t, "open", map[string]string{"a": "a\n"})
	n := r.site.Names
	at := func(age time.Duration) *candidate.Provenance { o := r.origin(p.Number, age); return &o }
	try := &candidate.Provenance{State: candidate.StatePublished, PatchSet: change.PatchSet{Project: "olena@laptop:/registry"}}
	tryOf := func(age time.Duration) *candidate.Provenance {
		old := *try
		old.Attempt = fmt.Sprintf("%08x", stamped(age))
		return &old
	}
	digest := func(i int) string { return fmt.Sprintf("%016x", i) }
	old, young, locked := n.Attempt(p.Number, 1, stamped(2*time.Hour)), n.Attempt(p.Number, 1, stamped(time.Minute)), n.Attempt(77, 1, stamped(3*time.Hour))
	oldBase, youngBase, template := n.BaseAttempt(digest(1), stamped(2*time.Hour)), n.BaseAttempt(digest(1), stamped(0)), n.BaseAttempt(n.TemplateDigest(), stamped(2*time.Hour))
	oldTryAttempt := n.Attempt(0, 1, stamped(2*time.Hour))
	r.place(old, nil)
	r.place(young, at(0))
	r.place(locked, nil)
	r.place(oldBase, nil)
	r.place(youngBase, nil)
	r.place(template, nil) // a new template in the making
	r.place(oldTryAttempt, try)
	r.place(n.Candidate(0), tryOf(23*time.Hour))
	needed, unneeded, newest := r.base(digest(10), r.clone.Git(t, "rev-parse", "HEAD^")), r.base(digest(11), strings.Repeat("b", 40)), r.base(digest(12), strings.Repeat("c", 40))
	half := r.candidateOf(p.Number, 0)
	r.site.Super(t, "postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname IN ("+pg.Literal(half)+","+pg.Literal(n.Base(digest(11)))+")")
	stray, atWork := r.pinnedLogin(n.Attempt(78, 1, stamped(0))), r.pinnedLogin(young)
	lockedLogin := r.pinnedLogin(n.Attempt(77, 2, stamped(0)))
	withOld := r.pinnedLogin(old)

	defer r.lock(n.Candidate(77)).Release()
	templateLock := r.lock(n.Template)
	got := r.reconcile(0, "--keep-base", "1")
	r.wanted("dropped", got.Dropped, old, oldBase, oldTryAttempt, unneeded, half, stray)
	r.wanted("locked", got.Locked, locked, template, lockedLogin)
	left := r.all()
	for _, name := range []string{young, youngBase, needed, newest, n.Candidate(0), atWork} {
		if !slices.Contains(left, name) {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range []string{stray, withOld} {
		if slices.Contains(left, name) {
			t.Errorf("%s is there", name)
		}
	}
	templateLock.Release()
	r.comment(n.Candidate(0), tryOf(25*time.Hour))
	r.wanted("later", r.reconcile(0, "--keep-base", "1", "--protect", needed).Dropped, template, n.Candidate(0))
}

// base places a base database made from a commit.
func (r *registry) base(digest, commit string) string {
	r.Helper()
	name := r.site.Names.Base(digest)
	p := r.origin(0, 0)
	p.State, p.Base, p.BaseDigest = candidate.StateBase, commit, digest
	r.place(name, &p)
	r.asService("ALTER DATABASE " + pg.Ident(name) + " ALLOW_CONNECTIONS false")
	return name
}

// pinnedLogin makes a throw-away login that has pinned itself, by default
// privileges and by an object of its own in a database that everybody may
// enter.
func (r *registry) pinnedLogin(database string) string {
	r.Helper()
	role := r.site.Names.Login(database)
	r.asService("CREATE ROLE " + pg.Ident(role) + " LOGIN PASSWORD 'pinned'")
	conn := lab.Connect(r.T, r.site.Server.URL(role, "pinned", "postgres"))
	for _, sql := range []string{"ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC", "SELECT lo_create(0)"} {
		if _, err := conn.Exec(r.Context(), sql); err != nil {
			r.Fatal(err)
		}
	}
	conn.Close(r.Context())
	return role
}

// TestSideBySide: several registries share a server, and names that merely
// look like ours, or are somebody else's, are left alone by all of them.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{}, nil)
	p := r.clone.Push(t, "merged", map[string]string{"a": "a\n"})
	r.must(r.submit(p))
	mine := r.candidateOf(p.Number, 0)
	other := newRegistryIn(t, corner{}, nil)
	prefix := r.site.Names.Prefix
	underscores := strings.ReplaceAll(prefix, "-", "_")
	number := fmt.Sprint(p.Number)
	lookalikes := []string{
		underscores + number, prefix + "elopers", "other-" + prefix + number, prefix, prefix + number + "x", strings.ToUpper(prefix) + number, prefix + "0" + number,
		prefix + number + "-1", prefix + "base-0123", (prefix + number + strings.Repeat("-long", 20))[:63], other.site.Names.Candidate(p.Number), prefix + "a-" + number,
	}
	for _, name := range lookalikes {
		r.asService("CREATE DATABASE " + pg.Ident(name) + " TEMPLATE template0")
		t.Cleanup(func() { r.dropNow(name) })
	}
	foreign := r.strangers(p.Number)
	before := r.column("postgres", "SELECT datname FROM pg_database WHERE datname ILIKE '%"+strings.TrimSuffix(prefix, "-dev-")+"%' OR datname LIKE "+pg.Literal(other.site.Names.Prefix+"%")+" ORDER BY 1")
	got := r.reconcile(0)
	r.wanted("dropped", got.Dropped, mine)
	r.wanted("foreign", got.Foreign, foreign...)
	after := r.column("postgres", "SELECT datname FROM pg_database WHERE datname ILIKE '%"+strings.TrimSuffix(prefix, "-dev-")+"%' OR datname LIKE "+pg.Literal(other.site.Names.Prefix+"%")+" ORDER BY 1")
	if want := slices.DeleteFunc(before, func(name string) bool { return name == mine }); !slices.Equal(after, want) {
		t.Errorf("databases %v, want %v", after, want)
	}
	if got := other.reconcile(0); len(got.Dropped) != 0 || got.Counts.Foreign != 1 {
		t.Errorf("the other registry: %+v", got.Reconcile) // its candidate belongs to r's service role
	}
}

// dropNow cleans up when the test's context has ended.
func (r *registry) dropNow(name string) {
	conn, err := pgx.Connect(context.Background(), r.site.SuperURL("postgres"))
	if err != nil {
		r.Error(err)
		return
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+pg.Ident(name)+" WITH (FORCE)"); err != nil {
		r.Error(err)
	}
}

// strangers are databases with names of ours, of merged changes, that belong
// to another Gerrit, project or role.
func (r *registry) strangers(merged int) (names []string) {
	r.Helper()
	var numbers []int
	for i := range 3 {
		p := r.clone.Push(r.T, fmt.Sprint("stranger ", i), map[string]string{fmt.Sprint("stranger_", i): "x\n"})
		r.must(r.submit(p))
		numbers = append(numbers, p.Number)
		names = append(names, r.site.Names.Candidate(p.Number))
	}
	gerrit, project := r.origin(numbers[0], month), r.origin(numbers[1], month)
	gerrit.Gerrit, project.Project = "https://other.example.org", "other"
	r.place(names[0], &gerrit)
	r.place(names[1], &project)
	r.site.Super(r.T, "postgres", "CREATE DATABASE "+pg.Ident(names[2]))
	attempt := r.site.Names.Attempt(merged, 1, stamped(month))
	r.place(attempt, &project)
	return append(names, attempt)
}

// TestReconcileEnded: a signal lets the drop at hand end, and no other begin.
func TestReconcileEnded(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{}, nil)
	for _, p := range r.stack(4, func(i int) map[string]string { return map[string]string{fmt.Sprint("file_", i): "x\n"} }) {
		r.must(r.act(p, "POST", "abandon", "{}"))
		r.candidateOf(p.Number, 0)
	}
	dir := t.TempDir()
	cmd := r.reconciling(dir, "--drop-every", "2s")
	reached := make(chan bool)
	cmd.Stderr = &lines{wanted: 1, reached: reached}
	r.must(cmd.Start())
	<-reached
	r.must(cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	got := read[change.Reconcile](r, filepath.Join(dir, "reconcile.json"))
	if cmd.ProcessState.ExitCode() != 1 || got.Failure == nil || got.Failure.Kind != change.KindCancelled || len(got.Dropped) != 1 || len(got.Undecided) != 3 {
		t.Errorf("exit status %d, %+v", cmd.ProcessState.ExitCode(), got)
	}
	if candidates, _ := r.databases(); len(candidates) != 3 {
		t.Errorf("left: %v", candidates)
	}
	began := time.Now()
	if got := r.reconcile(0, "--drop-every", "300ms"); len(got.Dropped) != 3 || time.Since(began) < 600*time.Millisecond {
		t.Errorf("the next run: %+v in %s", got.Reconcile, time.Since(began))
	}
}

// TestReconcileCannot: what cannot be dropped does not stop the rest.
func TestReconcileCannot(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{}, nil)
	var names []string
	for _, p := range r.stack(2, func(i int) map[string]string { return map[string]string{fmt.Sprint("file_", i): "x\n"} }) {
		r.must(r.act(p, "POST", "abandon", "{}"))
		names = append(names, r.candidateOf(p.Number, 0))
	}
	inside := lab.Connect(t, r.site.SuperURL(names[0]))
	got := r.reconcile(1)
	r.wanted("dropped", got.Dropped, names[1])
	r.wanted("left", got.Left, names[0])
	if !strings.Contains(got.Left[0].Reason, "superuser") || got.Outcome != change.Done || got.Failure.Kind != change.KindInfrastructure {
		t.Errorf("got %+v", got.Reconcile)
	}
	inside.Close(t.Context())
	r.wanted("dropped later", r.reconcile(0).Dropped, names[0])
}

// TestReconcileShown: a table for people, JSON lines for machines, a summary
// on GitHub; subjects and owners cannot break out of them.
func TestReconcileShown(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{}, nil)
	p := r.clone.Push(t, "merged", map[string]string{"a": "a\n"})
	r.must(r.submit(p))
	name := r.candidateOf(p.Number, 0)
	hostile := r.onMaster("##[error]x | `y` \u202e <b>", map[string]string{"b": "b\n"})
	got := r.with("PATCHBAY_LOG_FORMAT=console").reconcile(0, "--dry-run")
	for _, want := range []string{"WOULD BE DROPPED  " + name, "MISSING", fmt.Sprintf("change %d is MERGED", p.Number), "1 candidate, 0 base databases", "MB on disk"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("the table lacks %q:\n%s", want, got.stderr)
		}
	}
	if strings.Contains(got.stderr, "\u202e") {
		t.Errorf("the text can be turned around:\n%s", got.stderr)
	}
	for line := range strings.Lines(r.with("PATCHBAY_LOG_FORMAT=json").reconcile(0, "--dry-run").stderr) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	summary, output := filepath.Join(t.TempDir(), "summary"), filepath.Join(t.TempDir(), "output")
	got = r.with("GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+summary, "GITHUB_OUTPUT="+output).reconcile(0)
	text, err := os.ReadFile(summary)
	r.must(err)
	for _, want := range []string{"### reconcile: done", "| dropped | `" + name + "`", fmt.Sprintf("| missing | `%s`", r.site.Names.Candidate(hostile.Number)), "1 candidate"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "<b>") || strings.Contains(got.stderr+got.stdout, "##[error]") {
		t.Errorf("a subject broke out:\n%s\n%s", text, got.stderr)
	}
	told, err := os.ReadFile(output)
	if err != nil || !strings.Contains(string(told), "done") {
		t.Errorf("outputs %s, %v", told, err)
	}
}

// TestReconcileInput: faults are told all at once, before anybody is asked.
func TestReconcileInput(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{}, nil)
	cmd := r.reconciling(t.TempDir(), "--project", "", "--gerrit-username", "", "--change", "7", "--rebuild-list", "x", "--grace", "48h", "--grace-blind", "24h",
		"--max-drop=-1", "--protect", "registry-developers", "--drop-every=-1s")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("exit status %d", cmd.ProcessState.ExitCode())
	}
	for _, want := range []string{"GERRIT_PROJECT", "GERRIT_USERNAME", "--rebuild-list", "--grace-blind", "--max-drop", "--protect", "--drop-every"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not told:\n%s", want, out)
		}
	}
}
