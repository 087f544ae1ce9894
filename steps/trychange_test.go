package steps_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// try runs try-change in a checkout and gives its exit status.
func (r *registry) try(clone *lab.Clone, args ...string) stepRun {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), filepath.Join(bin, "try-change"), args...)
	cmd.Dir = clone.Dir
	cmd.Env = slices.Concat(os.Environ(), r.pipeline.Env, []string{"PATCHBAY_RUN_DIR=" + r.TempDir()})
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "GERRIT_") })
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.Fatal(err)
	}
	return stepRun{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// tried fails the test unless the try ended so; stdout and stderr together
// show all the texts.
func (r *registry) tried(run stepRun, status int, texts ...string) {
	r.Helper()
	for _, text := range texts {
		if !strings.Contains(run.stdout+run.stderr, text) {
			r.Errorf("%q is not in the output", text)
		}
	}
	if run.status != status || r.Failed() {
		r.Fatalf("exit status %d, want %d\n%s%s", run.status, status, run.stdout, run.stderr)
	}
}

func TestTryChange(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, people(""))
	name := r.site.Names.Candidate(0)
	r.clone.Commit(t, "Wards", people(table("ward")))
	r.tried(r.try(r.clone), 0, "1 table added", "+ table registry.ward (1 column)", "look at it: psql -h 127.0.0.1 -p ", " "+name+" (with a login of your own")
	r.tidy(0, true)

	again := r.try(r.clone)
	r.tried(again, 0, "1 table added") // and once more: the same
	if strings.Contains(again.stdout, r.site.ServiceRole()) {
		t.Errorf("invites to look as the service role:\n%s", again.stdout)
	}

	if err := os.WriteFile(filepath.Join(r.clone.Dir, root), []byte(changelog(person+table("ward")+table("bed"))), 0o644); err != nil {
		t.Fatal(err)
	}
	r.tried(r.try(r.clone, "--dirty"), 0, "2 tables added", "registry.bed")
	if status := r.clone.Git(t, "status", "--porcelain"); status != "M "+root {
		t.Errorf("the checkout is touched: %q", status)
	}
	if tables := r.tables(0); !cmp.Equal(tables, []string{"bed", "person", "ward"}) {
		t.Errorf("tables %v", tables)
	}

	r.testSomebodyElse(name)

	r.clone.Commit(t, "Visits", people(table("ward")+orphan))
	bad := r.try(r.clone, "--keep-failed")
	r.tried(bad, 3, root+":14: ", `relation "registry.persons" does not exist`, "the failed attempt is kept: psql -h ")
	if strings.Count(bad.stderr, "does not exist") != 1 {
		t.Errorf("said more than once:\n%s", bad.stderr)
	}
	r.tried(r.try(r.clone, "--drop"), 0, "dropped "+name+"-1-")
	r.nothingLeft()
	r.tidy(0, false)
	r.tried(r.try(r.clone, "--drop"), 0, "there is no database of a try")
	r.tried(r.try(r.clone, "--base", "origin/nowhere"), 2, "--base origin/nowhere")
	r.tried(r.try(&lab.Clone{Dir: t.TempDir()}), 2, "inside a git checkout")
}

// testSomebodyElse: on a shared server another checkout's try is refused, and
// does not take this one's database away.
func (r *registry) testSomebodyElse(name string) {
	r.Helper()
	other := r.gerrit.Clone(r.T, r.project)
	r.tried(r.try(other), 2, name, "PATCHBAY_PREFIX")
	r.tried(r.try(other, "--drop"), 2, name, "somebody else's try", "PATCHBAY_PREFIX")
	r.tidy(0, true)
}

// TestTryChangeOnAnotherBranch: what --base names is not counted as the
// change's own.
func TestTryChangeOnAnotherBranch(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, people(""))
	r.clone.Commit(t, "Beds", people(table("bed")))
	r.clone.Git(t, "update-ref", "refs/remotes/origin/release", "HEAD")
	r.clone.Commit(t, "Wards", people(table("bed")+table("ward")))
	r.tried(r.try(r.clone), 0, "2 tables added", "registry.bed", "registry.ward")
	run := r.try(r.clone, "--base", "origin/release")
	r.tried(run, 0, "1 table added", "+ table registry.ward (1 column)")
	if strings.Contains(run.stdout, "registry.bed") {
		t.Errorf("the base's table is shown:\n%s", run.stdout)
	}
	r.tried(r.try(r.clone, "--drop"), 0)
}
