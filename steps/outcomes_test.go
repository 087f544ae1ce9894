package steps_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// adding is a migration on top of those of the base.
func adding(sql string) map[string]string { return map[string]string{second: migration(sql)} }

const ward = "CREATE TABLE registry.ward (id int);"

func TestOutcomes(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	deployed := r.onMaster("Wards", adding(ward))
	r.named("created and applied, then reused", func(r *registry) { r.testCreatedThenReused(deployed) })
	r.named("results of another run", func(r *registry) { r.testResultsOfAnotherRun(deployed) })
	r.named("a later patch set is deployed", (*registry).testLaterPatchSetDeployed)
	r.named("a later patch set takes the attempt away", (*registry).testAttemptTakenAway)
	r.named("a later attempt of the same patch set", (*registry).testLaterAttempt)
	r.named("abandoned in between", (*registry).testAbandonedInBetween)
	r.named("limited", func(r *registry) { r.testLimited(deployed.Number) })
	r.named("failed and kept", (*registry).testKeepFailed)
	r.named("no template", (*registry).testNoTemplate)
	r.nothingLeft()
}

func (r *registry) testCreatedThenReused(p lab.Pushed) {
	dir := r.begin(p)
	created := r.create(p, dir, 0)
	if created.Outcome != change.Created || !created.BaseMade || !strings.HasPrefix(created.Database, r.site.Names.Candidate(p.Number)+"-1-") {
		r.Errorf("created: %+v", created)
	}
	applied := r.apply(p, dir, 0)
	if applied.Outcome != change.Applied || !applied.EngineRan || applied.Counts != "1 table added" ||
		!cmp.Equal(applied.Changesets, []string{second}) {
		r.Errorf("applied: %+v", applied)
	}
	r.report(p, dir, vote(+1))
	r.tidy(p.Number, true)
	r.testReader(applied.Database)

	dir = r.begin(p)
	if again := r.create(p, dir, 0); again.Outcome != change.Reused || again.BaseMade || again.Database != applied.Database {
		r.Errorf("created again: %+v", again)
	}
	if again := r.apply(p, dir, 0); again.Outcome != change.Reused || again.EngineRan || !cmp.Equal(again.Summary, applied.Summary) {
		r.Errorf("applied again: %+v", again)
	}
	if said := r.report(p, dir, nil); said.Outcome != change.Unchanged {
		r.Errorf("reported again: %+v", said)
	}
}

// testReader: who looks at a candidate sees its catalogs and no row.
func (r *registry) testReader(database string) {
	conn := lab.Connect(r.T, r.site.ReaderURL(database))
	var tables int
	if err := conn.QueryRow(r.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'registry'").Scan(&tables); err != nil || tables != 2 {
		r.Errorf("%d tables, %v", tables, err)
	}
	for _, sql := range []string{"SELECT * FROM registry.first", "CREATE TEMP TABLE t ()", "CREATE SCHEMA s", "CREATE TABLE public.t ()"} {
		if _, err := conn.Exec(r.Context(), sql); err == nil || !strings.Contains(err.Error(), "permission denied") {
			r.Errorf("%s: %v", sql, err)
		}
	}
}

// testResultsOfAnotherRun: what another patch set or attempt left in the run
// directory is no evidence.
func (r *registry) testResultsOfAnotherRun(p lab.Pushed) {
	other := r.amend(p, "Other words", nil)
	dir := r.begin(other)
	stale := r.TempDir()
	copyResults(r.T, dir, stale, "get-changes.json")
	for name, wrong := range map[string]lab.Pushed{
		"another patch set": p, "another revision": {Project: p.Project, Number: p.Number, PatchSet: 2, Revision: p.Revision},
		"another change": {Project: p.Project, Number: p.Number + 100000, PatchSet: 2, Revision: other.Revision},
	} {
		if got := r.create(wrong, stale, 2); got.Failure.Kind != change.KindConfiguration || !strings.Contains(got.Failure.Message, "of another run") {
			r.Errorf("%s: %+v", name, got.Failure)
		}
		if got := r.apply(wrong, stale, 2); got.Failure.Kind != change.KindConfiguration {
			r.Errorf("%s: %+v", name, got.Failure)
		}
	}

	earlier := r.TempDir()
	copyResults(r.T, dir, earlier, "get-changes.json")
	r.create(other, earlier, 0)
	r.apply(other, earlier, 0)
	r.nextSecond()
	later := r.begin(other)
	copyResults(r.T, earlier, later, "create-temp-db.json", "apply-changelog.json")
	said := r.report(other, later, vote(0))
	if !strings.Contains(said.Message, "create-temp-db left no result of this run") {
		r.Errorf("message: %s", said.Message)
	}
	if got := r.apply(other, later, 2); !strings.Contains(got.Failure.Message, "of another run") {
		r.Errorf("apply: %+v", got.Failure)
	}
}

func (r *registry) testLaterPatchSetDeployed() {
	first := r.onMaster("A deployed successor", adding(ward))
	dir := r.begin(first)
	next := r.amend(first, "", adding("CREATE TABLE registry.bed (id int);"))
	r.verified(r.run(next), +1)
	if got := r.create(first, dir, 0); got.Outcome != change.Superseded || got.Reason != "patch set 2 is deployed already" {
		r.Errorf("create-temp-db: %+v", got)
	}
	if got := r.apply(first, dir, 0); got.Outcome != change.Skipped {
		r.Errorf("apply-changelog: %+v", got)
	}
	r.report(first, dir, nil)
	r.tidy(first.Number, true)
	if p := r.provenance(r.site.Names.Candidate(first.Number)); p.PatchSet.PatchSet != 2 {
		r.Errorf("the database is of patch set %d", p.PatchSet.PatchSet)
	}

	dir = r.begin(first)
	for _, got := range []change.Outcome{r.create(first, dir, 0).Outcome, r.apply(first, dir, 0).Outcome} {
		if got != change.Skipped {
			r.Errorf("after get-changes said superseded: %s", got)
		}
	}
}

func (r *registry) testAttemptTakenAway() {
	first := r.onMaster("A successor that takes over", adding(ward))
	dir := r.begin(first)
	attempt := r.create(first, dir, 0).Database
	next := r.amend(first, "", adding("CREATE TABLE registry.bed (id int);"))
	later := r.begin(next)
	r.create(next, later, 0)
	if _, left := r.databases(); cmp.Equal(left, []string{attempt}) {
		r.Errorf("the earlier attempt is still there: %v", left)
	}
	if got := r.apply(first, dir, 0); got.Outcome != change.Superseded || got.Reason == "" {
		r.Errorf("apply-changelog: %+v", got)
	}
	r.report(first, dir, nil)
	if got := r.apply(next, later, 0); got.Outcome != change.Applied {
		r.Errorf("apply-changelog of the successor: %+v", got)
	}
	r.tidy(first.Number, true)

	message := r.amend(next, "Only the words differ", nil)
	run := r.run(message)
	r.verified(run, +1)
	if run.Created.Outcome != change.Reused || run.Applied.EngineRan {
		r.Errorf("a patch set of other words: %+v", run.Created)
	}
	if p := r.provenance(run.Applied.Database); p.PatchSet.PatchSet != 3 || p.Revision != message.Revision {
		r.Errorf("the comment names %+v", p.PatchSet)
	}
}

func (r *registry) testLaterAttempt() {
	p := r.onMaster("Twice", adding(ward))
	earlier := r.begin(p)
	r.create(p, earlier, 0)
	r.nextSecond()
	later := r.begin(p)
	r.create(p, later, 0)
	if got := r.create(p, earlier, 0); got.Outcome != change.Superseded || !strings.Contains(got.Reason, "under way") {
		r.Errorf("create-temp-db: %+v", got)
	}
	r.apply(p, later, 0)
	r.tidy(p.Number, true)
}

func (r *registry) testAbandonedInBetween() {
	p := r.onMaster("Abandoned", adding(ward))
	dir := r.begin(p)
	r.create(p, dir, 0)
	r.gerrit.MustREST(r.T, r.gerrit.Dev(), "POST", lab.ChangePath(r.project, p.Number, "abandon"), "{}")
	if got := r.apply(p, dir, 0); got.Outcome != change.Superseded || !strings.Contains(got.Reason, "ABANDONED") {
		r.Errorf("apply-changelog: %+v", got)
	}
	r.report(p, dir, nil)
	r.tidy(p.Number, false)

	run := r.run(p)
	if run.Created.Outcome != change.Skipped || run.Applied.Outcome != change.Skipped || run.Reported.Vote != nil {
		r.Errorf("the next run: %+v\n%+v\n%+v", run.Created, run.Applied, run.Reported)
	}
}

func (r *registry) testLimited(holder int) {
	p := r.onMaster("No place", adding(ward))
	limited := r.with("PATCHBAY_MAX_CANDIDATES=1")
	dir := limited.begin(p)
	got := limited.create(p, dir, 0)
	if got.Outcome != change.Limited || len(got.Holders) == 0 || got.Holders[0] != holder || got.Database != "" {
		r.Errorf("create-temp-db: %+v", got)
	}
	if got := limited.apply(p, dir, 0); got.Outcome != change.Skipped {
		r.Errorf("apply-changelog: %+v", got)
	}
	if said := limited.report(p, dir, vote(0)); !strings.Contains(said.Message, "PATCHBAY\\_MAX\\_CANDIDATES") && !strings.Contains(said.Message, "PATCHBAY_MAX_CANDIDATES") {
		r.Errorf("message: %s", said.Message)
	}
	r.tidy(p.Number, false)
}

func (r *registry) testKeepFailed() {
	p := r.onMaster("Fails", adding(ward+"\nSELECT * FROM nothing;"))
	dir := r.begin(p)
	attempt := r.create(p, dir, 0).Database
	if got := r.apply(p, dir, 3, "--keep-failed"); got.Outcome != change.Failed || got.Kept != attempt {
		r.Errorf("apply-changelog: %+v", got)
	}
	r.report(p, dir, vote(-1))
	if _, left := r.databases(); !cmp.Equal(left, []string{attempt}) {
		r.Errorf("kept: %v, want %s", left, attempt)
	}
	if got := r.apply(p, dir, 1); got.Failure == nil || got.Failure.Kind == change.KindCandidate {
		r.Errorf("apply-changelog once more: %+v", got.Failure)
	}
	dir = r.begin(p)
	r.create(p, dir, 0)
	if got := r.apply(p, dir, 3); got.Kept != "" {
		r.Errorf("apply-changelog: %+v", got)
	}
	r.tidy(p.Number, false)
}

func (r *registry) testNoTemplate() {
	p := r.onMaster("No template", adding(ward))
	without := r.with("PATCHBAY_TEMPLATE=" + r.site.Names.Template + "-gone")
	dir := without.begin(p)
	got := without.create(p, dir, 1)
	if got.Outcome != change.Failed || got.Failure.Kind != change.KindInfrastructure || !strings.Contains(got.Failure.Hint, "prepare-template") {
		r.Errorf("create-temp-db: %+v", got.Failure)
	}
	if got := without.apply(p, dir, 0); got.Outcome != change.Skipped || got.Failure != nil {
		r.Errorf("apply-changelog: %+v", got)
	}
	without.report(p, dir, vote(0))
	r.tidy(p.Number, false)
}

// TestBaseFailed: a branch that does not deploy is no change's fault.
func TestBaseFailed(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, people(orphan))
	p := r.onMaster("Wards", people(orphan+table("ward")))
	dir := r.begin(p)
	got := r.create(p, dir, 1)
	if got.Outcome != change.BaseFailed || got.Failure.Kind != change.KindBase || got.Failure.Phase != "base" ||
		got.Failure.Changeset != "visit" || got.Failure.Line != 11 || !strings.Contains(got.Failure.Hint, got.Base[:12]) {
		t.Errorf("create-temp-db: %+v %+v", got, got.Failure)
	}
	if got := r.apply(p, dir, 0); got.Outcome != change.Skipped {
		t.Errorf("apply-changelog: %+v", got)
	}
	r.report(p, dir, vote(0))
	if comments := r.comments(p.Number); len(comments) > 0 {
		t.Errorf("a broken base was blamed on the change: %q", comments)
	}
	r.tidy(p.Number, false)
	r.nothingLeft()
	for _, name := range r.column("postgres", "SELECT datname FROM pg_database") {
		if strings.HasPrefix(name, r.site.Names.Prefix) {
			t.Errorf("%s is left behind", name)
		}
	}
}

func copyResults(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
