package steps_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestHandover: what the steps find in the run directory and under the public
// name is looked at before it is believed.
func TestHandover(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("Wards", adding(ward))
	dir := r.begin(p)
	r.named("a step is missing", func(r *registry) { r.testMissingStep(p, dir) })
	dir = r.begin(p) // the run that had no results has spoken since the first one began
	r.named("other settings", func(r *registry) { r.testOtherSettings(p, dir) })
	r.named("a step is repeated", func(r *registry) { r.testRepeated(p, dir) })
	r.named("damaged results", func(r *registry) { r.testDamagedResults(p) })
	r.named("unreadable comment", func(r *registry) { r.testUnreadableComment(p) })
	r.named("a statement takes too long", func(r *registry) { r.testStatementTimeout(p) })
	r.nothingLeft()
}

func (r *registry) testMissingStep(p lab.Pushed, dir string) {
	if got := r.create(p, r.TempDir(), 2); !strings.Contains(got.Failure.Hint, "run get-changes first") {
		r.Errorf("create-temp-db: %+v", got.Failure)
	}
	if got := r.apply(p, r.TempDir(), 2); !strings.Contains(got.Failure.Hint, "run get-changes first") {
		r.Errorf("apply-changelog: %+v", got.Failure)
	}
	if got := r.apply(p, dir, 2); !strings.Contains(got.Failure.Hint, "run create-temp-db first") {
		r.Errorf("apply-changelog: %+v", got.Failure)
	}
	r.report(p, r.TempDir(), vote(0))
}

func (r *registry) testOtherSettings(p lab.Pushed, dir string) {
	if got := r.with("PATCHBAY_MODEL_DIR=data-model,README.md").create(p, dir, 2); !strings.Contains(got.Failure.Hint, "PATCHBAY_MODEL_DIR") {
		r.Errorf("got %+v", got.Failure)
	}
	r.create(p, dir, 0)
	if got := r.with("PATCHBAY_CHANGELOG_TABLE=another").apply(p, dir, 2); !strings.Contains(got.Failure.Message, "settings or the engine") {
		r.Errorf("got %+v", got.Failure)
	}
	r.report(p, dir, vote(0))
}

func (r *registry) testRepeated(p lab.Pushed, dir string) {
	applied := r.apply(p, dir, 0)
	again := r.apply(p, dir, 0)
	if applied.Outcome != change.Applied || again.Outcome != change.Reused || again.Database != applied.Database || !cmp.Equal(again.Summary, applied.Summary) {
		r.Errorf("first %+v, then %+v", applied, again)
	}
	if got := r.create(p, dir, 0); got.Outcome != change.Reused {
		r.Errorf("create-temp-db: %+v", got)
	}
	if got := r.with("GERRIT_URL="+r.gerrit.URL+"/a/").create(p, dir, 0); got.Outcome != change.Reused {
		r.Errorf("another form of the same address: %+v", got)
	}
	r.report(p, dir, vote(+1))
}

func (r *registry) testDamagedResults(p lab.Pushed) {
	dir := r.begin(p)
	r.create(p, dir, 0)
	for _, text := range []string{"", "{", "null", "[]", `{"formatVersion":2}`, `{"unknown":1}`} {
		if err := os.WriteFile(filepath.Join(dir, "create-temp-db.json"), []byte(text), 0o600); err != nil {
			r.Fatal(err)
		}
		if got := r.apply(p, dir, 2); got.Failure.Kind != change.KindConfiguration || got.Failure.Hint == "" {
			r.Errorf("%q: %+v", text, got.Failure)
		}
	}
	r.report(p, dir, vote(0))
}

// testUnreadableComment: such a database is rebuilt, neither reused nor left.
func (r *registry) testUnreadableComment(p lab.Pushed) {
	for _, comment := range []string{"NULL", "'{}'", "'made by hand'"} {
		r.site.Super(r.T, "postgres", "COMMENT ON DATABASE "+pg.Ident(r.site.Names.Candidate(p.Number))+" IS "+comment)
		dir := r.begin(p)
		if got := r.create(p, dir, 0); got.Outcome != change.Created {
			r.Errorf("comment %s: %+v", comment, got)
		}
		if got := r.apply(p, dir, 0); got.Outcome != change.Applied {
			r.Errorf("comment %s: %+v", comment, got)
		}
		r.tidy(p.Number, true)
	}
}

func (r *registry) testStatementTimeout(p lab.Pushed) {
	slow := r.amend(p, "", adding("SELECT pg_sleep(60);"))
	limited := r.with("PATCHBAY_STATEMENT_TIMEOUT=1s")
	dir := limited.begin(slow)
	limited.create(slow, dir, 0)
	if got := limited.apply(slow, dir, 1); got.Failure.Kind != change.KindLimit || got.Failure.Line != 2 || got.Failure.File != second {
		r.Errorf("got %+v", got.Failure)
	}
	limited.report(slow, dir, vote(0))
}
