package steps_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// folder is a model that takes every file of a folder, so that changes do not
// meet in one file.
func folder() map[string]string {
	return map[string]string{
		root:                         changelog(`<includeAll path="data-model/parts"/>`),
		"data-model/parts/01.xml":    changelog(person),
		"data-model/parts/README.md": "not for the engine\n",
	}
}

func part(name string) map[string]string {
	return map[string]string{"data-model/parts/" + name + ".xml": changelog(table(name))}
}

// TestTrees: what a candidate is made of, whatever way its commits took.
func TestTrees(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, folder())
	lower := r.onMaster("Wards", part("ward"))
	upper := r.clone.Push(t, "Beds", part("bed"))
	var first *lab.PipelineRun
	r.named("stacked", func(r *registry) { first = r.testStacked(upper, lower) })
	r.named("unchanged", (*registry).testUnchanged)
	r.named("merge commit", (*registry).testMerge)
	r.named("model removed", (*registry).testModelRemoved)
	r.named("rebased", func(r *registry) { r.testRebased(upper, first) })
	r.nothingLeft()
}

func (r *registry) testStacked(upper, lower lab.Pushed) *lab.PipelineRun {
	run := r.run(upper)
	r.verified(run, +1)
	if run.Changes.StackedOn != lower.Number || !run.Created.BaseMade {
		r.Errorf("stacked on %d, base made %v", run.Changes.StackedOn, run.Created.BaseMade)
	}
	want := []string{"data-model/parts/bed.xml::bed::olena", "data-model/parts/ward.xml::ward::olena"}
	if diff := cmp.Diff(want, run.Applied.Changesets); diff != "" {
		r.Errorf("changesets (-want +got):\n%s", diff)
	}
	if run.Applied.Counts != "2 tables added" || !slices.Contains(run.Changes.Files, change.File{Path: "data-model/parts/ward.xml", Status: "A"}) {
		r.Errorf("%s: %v", run.Applied.Counts, run.Changes.Files)
	}
	return run
}

// testUnchanged: the model is not touched, so no Java is started.
func (r *registry) testUnchanged() {
	p := r.onMaster("Who answers", map[string]string{"README.md": "the laboratory service\n"})
	home := r.TempDir()
	started := filepath.Join(home, "started")
	script := "#!/bin/sh\ntouch " + started + "\nexit 1\n"
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "bin", "java"), []byte(script), 0o755); err != nil {
		r.Fatal(err)
	}
	run := r.with("JAVA_HOME=" + home).run(p)
	r.verified(run, +1)
	if run.Changes.Outcome != change.Unchanged || run.Applied.Outcome != change.Applied || run.Applied.EngineRan || run.Created.BaseMade {
		r.Errorf("got %s, %+v", run.Changes.Outcome, run.Applied)
	}
	if _, err := os.Stat(started); err == nil {
		r.Error("Java was started")
	}
	if tables := r.tables(p.Number); !cmp.Equal(tables, []string{"person"}) {
		r.Errorf("tables %v", tables)
	}
}

// testMerge: the base of a merge commit is where its first parent left the
// branch, so what comes in by the second parent counts.
func (r *registry) testMerge() {
	side := r.onMaster("On the side", part("side"))
	r.clone.Git(r.T, "checkout", "-q", "--detach", "origin/master")
	r.clone.Git(r.T, "merge", "-q", "--no-ff", "-m", "Merge the side\n\nChange-Id: I"+side.Revision, side.Revision)
	merge, err := r.clone.PushHead(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	run := r.run(merge)
	r.verified(run, +1)
	if diff := cmp.Diff([]string{"data-model/parts/side.xml::side::olena"}, run.Applied.Changesets); diff != "" {
		r.Errorf("changesets (-want +got):\n%s", diff)
	}
	if run.Created.BaseMade {
		r.Error("the base is that of the branch and was there")
	}
}

func (r *registry) testModelRemoved() {
	p := r.onMaster("No model", map[string]string{"data-model": "", "README.md": "gone\n"})
	run := r.run(p)
	r.verified(run, -1)
	if f := run.Applied.Failure; run.Steps[3].Status != 3 || f.Kind != change.KindCandidate || !strings.Contains(f.Message, root+" does not exist") {
		r.Errorf("status %d, %+v", run.Steps[3].Status, f)
	}
	r.tidy(p.Number, false)
}

// testRebased: the branch has moved on, a rebased patch set has a new base.
func (r *registry) testRebased(p lab.Pushed, before *lab.PipelineRun) {
	moved := r.land("The branch moves on", part("moved"))
	r.clone.Git(r.T, "cherry-pick", p.Revision)
	rebased, err := r.clone.PushHead(r.Context())
	if err != nil || rebased.Number != p.Number || rebased.PatchSet != 2 {
		r.Fatalf("pushed %+v, %v", rebased, err)
	}
	run := r.run(rebased)
	r.verified(run, +1)
	if run.Changes.Base != moved || !run.Created.BaseMade || run.Created.BaseDigest == before.Created.BaseDigest {
		r.Errorf("base %s, want %s: %+v", run.Changes.Base, moved, run.Created)
	}
	if tables := r.tables(p.Number); !cmp.Equal(tables, []string{"bed", "moved", "person"}) {
		r.Errorf("tables %v", tables)
	}
	if diff := cmp.Diff([]string{"data-model/parts/bed.xml::bed::olena"}, run.Applied.Changesets); diff != "" {
		r.Errorf("changesets (-want +got):\n%s", diff)
	}
}

// TestRootCommit: without a parent the base is the template alone.
func TestRootCommit(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	r.project += "-unborn"
	r.gerrit.MustREST(t, r.gerrit.Admin(), "PUT", "/projects/"+r.project, `{"branches":["master"]}`)
	if err := r.gerrit.CreateProject(t.Context(), r.project); err != nil {
		t.Fatal(err)
	}
	r.clone = r.gerrit.Clone(t, r.project)
	run := r.run(r.clone.Push(t, "The first commit of all", newTable("first")))
	r.verified(run, +1)
	if run.Changes.Base != "" || !run.Created.BaseMade || run.Applied.Counts != "1 table added" {
		t.Errorf("base %q: %+v", run.Changes.Base, run.Applied)
	}
	r.nothingLeft()
}
