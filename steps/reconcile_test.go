package steps_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// reconciled is one run of reconcile.
type reconciled struct {
	stepRun
	*change.Reconcile
}

// reconcile runs it for the whole registry; it must end with a status.
func (r *registry) reconcile(status int, args ...string) reconciled {
	r.Helper()
	dir := r.TempDir()
	run := reconciled{stepRun: r.reconcileIn(dir, args...)}
	if run.status != status {
		r.Fatalf("reconcile: exit status %d, want %d\n%s", run.status, status, run.stderr)
	}
	run.Reconcile = read[change.Reconcile](r, filepath.Join(dir, "reconcile.json"))
	return run
}

// reconcileIn runs it there, however it ends.
func (r *registry) reconcileIn(dir string, args ...string) stepRun {
	r.Helper()
	var stdout, stderr bytes.Buffer
	cmd := r.reconciling(dir, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		r.Fatal(err)
	}
	return stepRun{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (r *registry) reconciling(dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.Context(), filepath.Join(bin, "reconcile"), args...)
	cmd.Env = slices.Concat(os.Environ(), []string{
		"GERRIT_PROJECT=" + r.project, "PATCHBAY_RUN_DIR=" + dir, "PATCHBAY_DROP_EVERY=0", "PATCHBAY_GERRIT_TIMEOUT=5s",
	}, r.pipeline.Env)
	cmd.Dir = dir
	return cmd
}

// rebuild is one entry of the rebuild list, as a pipeline reads it.
type rebuild struct {
	Project  string
	Change   int
	PatchSet int
	Revision string
	Branch   string
	Ref      string
}

func named(all []change.Reconciled) []string {
	found := []string{}
	for _, one := range all {
		found = append(found, one.Name)
	}
	slices.Sort(found)
	return found
}

// wanted compares the names in a part of the result.
func (r *registry) wanted(what string, got []change.Reconciled, want ...string) {
	r.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(append([]string{}, want...), named(got)); diff != "" {
		r.Errorf("%s (-want +got):\n%s\n%+v", what, diff, got)
	}
}

// url is what databases name as their Gerrit.
func (r *registry) url() string {
	url := ""
	for _, variable := range r.pipeline.Env { // the last one counts
		if value, ok := strings.CutPrefix(variable, "GERRIT_URL="); ok {
			url = value
		}
	}
	return url
}

// origin is the provenance of a database of a change whose run began so long
// ago.
func (r *registry) origin(number int, age time.Duration) candidate.Provenance {
	return candidate.Provenance{
		State: candidate.StatePublished, Gerrit: r.url(), Branch: "master", Attempt: fmt.Sprintf("%08x", time.Now().Add(-age).Unix()),
		PatchSet: change.PatchSet{Project: r.project, Change: number, PatchSet: 1, Revision: strings.Repeat("a", 40)},
	}
}

// place makes a database without a pipeline, as the service role.
func (r *registry) place(name string, p *candidate.Provenance) {
	r.Helper()
	r.asService("CREATE DATABASE " + pg.Ident(name) + " TEMPLATE template0")
	r.comment(name, p)
}

func (r *registry) comment(name string, p *candidate.Provenance) {
	r.Helper()
	text := "nothing that can be read"
	if p != nil {
		var err error
		if text, err = p.Comment(); err != nil {
			r.Fatal(err)
		}
	}
	r.asService("COMMENT ON DATABASE " + pg.Ident(name) + " IS " + pg.Literal(text))
}

func (r *registry) asService(sql string) {
	r.Helper()
	conn := lab.Connect(r.T, r.site.URL)
	if _, err := conn.Exec(r.Context(), sql); err != nil {
		r.Fatalf("%s: %v", sql, err)
	}
	conn.Close(r.Context())
}

// candidateOf places the public database of a change.
func (r *registry) candidateOf(number int, age time.Duration) string {
	r.Helper()
	p, name := r.origin(number, age), r.site.Names.Candidate(number)
	r.place(name, &p)
	return name
}

// age lets a database look as old as that.
func (r *registry) age(name string, age time.Duration) {
	r.Helper()
	p := r.provenance(name)
	p.Attempt = fmt.Sprintf("%08x", time.Now().Add(-age).Unix())
	r.comment(name, p)
}

// all names the databases and logins of the registry.
func (r *registry) all() []string {
	r.Helper()
	found := slices.DeleteFunc(r.withoutSpares(r.column("postgres", "SELECT datname FROM pg_database ORDER BY 1")), func(name string) bool {
		return r.site.Names.Parse(name).Kind == pg.Foreign
	})
	for _, role := range r.column("postgres", "SELECT rolname FROM pg_roles ORDER BY 1") {
		if _, login := r.site.Names.LoginOf(role); login {
			found = append(found, role)
		}
	}
	return found
}

// withoutSpares leaves out what the server makes by itself some time after a run.
func (r *registry) withoutSpares(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return r.site.Names.Parse(name).Kind == pg.Spare })
}

// untouchedBy fails the test when something went since.
func (r *registry) untouchedBy(what string, before []string) {
	r.Helper()
	if diff := cmp.Diff(before, r.all()); diff != "" {
		r.Errorf("%s (-before +after):\n%s", what, diff)
	}
}

func (r *registry) oid(name string) string {
	r.Helper()
	return strings.Join(r.column("postgres", "SELECT oid::text FROM pg_database WHERE datname = "+pg.Literal(name)), "")
}

// lock holds the lock of a change or base, as a step at work does.
func (r *registry) lock(name string) *pg.Lock {
	r.Helper()
	server, err := pg.Connect(r.Context(), pg.Config{URL: r.site.URL})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { server.Close(context.Background()) })
	lock, err := server.TryLock(r.Context(), name)
	if err != nil || lock == nil {
		r.Fatalf("lock %s: %v, %v", name, lock, err)
	}
	return lock
}

func (r *registry) delete(p lab.Pushed) {
	r.Helper()
	r.gerrit.MustREST(r.T, r.gerrit.Admin(), "DELETE", lab.ChangePath(p.Project, p.Number), "")
}

func (r *registry) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// TestReconcile follows changes from the pipeline to their end.
func TestReconcile(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	name := map[string]string{}
	pushed := map[string]lab.Pushed{}
	for _, fate := range []string{"merged", "abandoned", "deleted", "open"} {
		p := r.onMaster(fate, newTable(fate))
		r.verified(r.run(p), +1)
		pushed[fate], name[fate] = p, r.site.Names.Candidate(p.Number)
	}
	before := r.all()
	got := r.reconcile(0)
	if got.Outcome != change.Nothing || len(got.Dropped) != 0 || got.Counts.Candidates != 4 || got.Counts.Bases != 1 || got.Counts.Bytes < 20<<20 {
		t.Errorf("all are open: %+v", got.Reconcile)
	}
	r.untouchedBy("all are open", before)

	r.must(r.submit(pushed["merged"]))
	r.must(r.act(pushed["abandoned"], "POST", "abandon", "{}"))
	r.delete(pushed["deleted"])
	got = r.reconcile(0, "--dry-run")
	if got.Outcome != change.Done || !got.DryRun {
		t.Errorf("dry run: %+v", got.Reconcile)
	}
	r.wanted("dry run", got.Dropped, name["merged"], name["abandoned"])
	r.untouchedBy("dry run", before)
	got = r.reconcile(0)
	if got.Outcome != change.Done {
		t.Errorf("closed: %+v", got.Reconcile)
	}
	r.wanted("dropped", got.Dropped, name["merged"], name["abandoned"])
	r.wanted("waiting", got.Waiting, name["deleted"])
	r.untouchedBy("closed", slices.DeleteFunc(before, func(n string) bool { return n == name["merged"] || n == name["abandoned"] }))
	r.goneForGood(pushed["deleted"], name["deleted"])
	r.restored(pushed["abandoned"], name)
	if got = r.reconcile(0); got.Outcome != change.Nothing {
		t.Errorf("at the end: %+v", got.Reconcile)
	}
	r.nothingLeft()
}

// goneForGood: a deleted change's database waits for its time, then for
// somebody's word, since it is half of all.
func (r *registry) goneForGood(p lab.Pushed, name string) {
	r.Helper()
	r.age(name, 25*time.Hour)
	if got := r.reconcile(0); len(got.Dropped) != 0 || len(got.Waiting) != 1 || !strings.Contains(got.Waiting[0].Reason, "may be private") {
		r.Errorf("a day old, private changes are not seen: %+v", got.Reconcile)
	}
	r.age(name, 31*24*time.Hour)
	got := r.reconcile(1)
	if got.Outcome != change.Refused || got.Failure == nil || got.Failure.Kind != change.KindLimit || !strings.Contains(got.Failure.Hint, "--yes") || !strings.Contains(got.stderr, name) {
		r.Errorf("a month old: %+v\n%s", got.Reconcile, got.stderr)
	}
	r.wanted("refused", got.Refused, name)
	got = r.reconcile(0, "--change", fmt.Sprint(p.Number), "--yes")
	r.wanted("dropped", got.Dropped, name)
}

// restored: a change that is opened again is told as missing, and gets its
// database with its next run.
func (r *registry) restored(p lab.Pushed, name map[string]string) {
	r.Helper()
	r.must(r.act(p, "POST", "restore", "{}"))
	list := filepath.Join(r.TempDir(), "rebuild.json")
	got := r.reconcile(0, "--rebuild-list", list)
	if len(got.Missing) != 1 || got.Missing[0].Change != p.Number || got.Missing[0].Subject != "abandoned" || len(got.Outdated) != 0 {
		r.Errorf("missing %+v, outdated %+v", got.Missing, got.Outdated)
	}
	entries := *read[[]rebuild](r, list)
	want := []rebuild{{
		Project: r.project, Change: p.Number, PatchSet: 1, Revision: p.Revision, Branch: "master",
		Ref: fmt.Sprintf("refs/changes/%02d/%d/1", p.Number%100, p.Number),
	}}
	if diff := cmp.Diff(want, entries); diff != "" {
		r.Errorf("rebuild list (-want +got):\n%s", diff)
	}
	r.verified(r.run(lab.Pushed{Project: entries[0].Project, Number: entries[0].Change, PatchSet: entries[0].PatchSet, Revision: entries[0].Revision}), +1)
	r.reconcile(0, "--rebuild-list", list)
	if left := *read[[]rebuild](r, list); len(left) != 0 {
		r.Errorf("after the pipeline: %+v", left)
	}
	r.tidy(p.Number, true)
}
