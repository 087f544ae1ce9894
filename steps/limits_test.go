package steps_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestLimit: whoever finds no place is told who holds them; it is nobody's
// fault, not even where the candidate would not deploy.
func TestLimit(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{}).with("PATCHBAY_MAX_CANDIDATES=2")
	first, second := r.onMaster("First", adding("CREATE TABLE registry.a (id int);")), r.onMaster("Second", adding("CREATE TABLE registry.b (id int);"))
	r.verified(r.run(first), +1)
	r.verified(r.run(second), +1)

	good, broken := r.onMaster("Third", adding("CREATE TABLE registry.c (id int);")), r.onMaster("Broken", adding("SELECT * FROM nowhere;"))
	for _, p := range []lab.Pushed{good, broken} {
		r.noPlace(p, first.Number, second.Number)
	}
	r.verified(r.run(r.amend(first, "", adding("CREATE TABLE registry.d (id int);"))), +1) // it has its place
	r.verified(r.with("PATCHBAY_MAX_CANDIDATES=0").run(good), +1)
	r.noPlace(broken, first.Number, second.Number, good.Number)

	// As reconcile would, once two of them are closed.
	for _, p := range []lab.Pushed{first, second} {
		r.site.Super(t, "postgres", "DROP DATABASE "+pg.Ident(r.site.Names.Candidate(p.Number)))
	}
	r.verified(r.run(broken), -1)
	r.nothingLeft()
}

// noPlace runs a pipeline that finds no place: every step ends with 0, and the
// message names the holders.
func (r *registry) noPlace(p lab.Pushed, holders ...int) {
	r.Helper()
	run := r.run(p)
	for _, s := range run.Steps {
		if s.Status != 0 {
			r.Errorf("%s: exit status %d\n%s", s.Name, s.Status, s.Stderr)
		}
	}
	if run.Created.Outcome != change.Limited || run.Created.Failure != nil || !slices.Equal(run.Created.Holders, holders) || run.Created.Database != "" {
		r.Errorf("create-temp-db: %+v", run.Created)
	}
	r.verified(run, 0)
	r.wantVote(p.Number, 0)
	_, said := r.voted(p.Number)
	var numbers []string
	for _, n := range holders {
		numbers = append(numbers, strconv.Itoa(n))
	}
	if want := "Not verified: " + fmt.Sprintf("%d of 2 places are taken (held by the changes %s)", len(holders), strings.Join(numbers, ", ")); !strings.Contains(said, want) {
		r.Errorf("want %q in Gerrit, got:\n%s", want, said)
	}
	r.tidy(p.Number, false)
}

// TestRegistriesSideBySide: two registries share a server and do not count,
// see or tear down each other's databases.
func TestRegistriesSideBySide(t *testing.T) {
	t.Parallel()
	one := quick(t, corner{}).with("PATCHBAY_MAX_CANDIDATES=1")
	two := quick(t, corner{}).with("PATCHBAY_MAX_CANDIDATES=1")
	p, q := one.onMaster("One", adding(ward)), two.onMaster("Two", adding(ward))
	one.verified(one.run(p), +1)
	two.verified(two.run(q), +1)
	gone := result[change.CleanupRegistry](two, q, t.TempDir(), "cleanup-registry", 0, "--yes", two.site.Names.Prefix, "--any-template")
	if len(two.withoutSpares(gone.Dropped)) != 3 {
		t.Errorf("dropped %v, want candidate, base and template of the second registry", gone.Dropped)
	}
	two.tidy(q.Number, false)
	one.tidy(p.Number, true)
	if again := one.run(p); again.Created.Outcome != change.Reused {
		t.Errorf("the first registry: %+v", again.Created)
	}
	if got := one.create(p, one.begin(p), 0); got.Outcome != change.Reused {
		t.Errorf("the first registry: %+v", got)
	}
}
