package steps_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// walker is one pipeline that goes a step whenever it is told.
type walker struct {
	*registry
	pushed  lab.Pushed
	dir     string
	gone    int
	ended   bool
	applied *change.ApplyChangelog
}

func (w *walker) move() {
	w.Helper()
	w.gone++
	switch {
	case w.ended:
	case w.gone == 1:
		w.dir = w.TempDir()
		w.ended = result[change.GetChanges](w.registry, w.pushed, w.dir, "get-changes", 0).Outcome.EndsTheWay()
	case w.gone == 2:
		w.ended = w.create(w.pushed, w.dir, 0).Outcome.EndsTheWay()
	case w.gone == 3:
		w.applied = w.apply(w.pushed, w.dir, 0)
	}
}

// interleavings of three steps of A and three of B.
func interleavings() (orders []string) {
	for bits := range 1 << 6 {
		order := ""
		for i := range 6 {
			order += string("AB"[bits>>i&1])
		}
		if strings.Count(order, "B") == 3 {
			orders = append(orders, order)
		}
	}
	return orders
}

// some are all of them in a long run.
func some[T any](all []T, few ...int) (chosen []T) {
	if long {
		return all
	}
	for _, i := range few {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// TestTwoPatchSetsInTurns: whatever the order of the steps of two pipelines,
// the later patch set wins, and the earlier says superseded.
func TestTwoPatchSetsInTurns(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	orders := some(interleavings(), 1, 4, 8, 10, 13, 17)
	changes := r.stack(len(orders), func(i int) map[string]string { return newTable(fmt.Sprint("one_", i)) })
	for i, order := range orders {
		r.named(order, func(r *registry) {
			r.Parallel()
			r.twoPatchSets(changes[i], order)
		})
	}
}

func (r *registry) twoPatchSets(first lab.Pushed, order string) {
	a, b := &walker{registry: r, pushed: first}, &walker{registry: r}
	for _, who := range order {
		if who == 'A' {
			a.move()
			continue
		}
		if b.gone == 0 {
			var err error
			if b.pushed, err = r.edit(first, second, newTable("two")[second]); err != nil {
				r.Fatal(err)
			}
		}
		b.move()
	}
	for _, w := range []*walker{a, b} {
		got := result[change.ReportVerified](r, w.pushed, w.dir, "report-verified", 0)
		if want := map[*walker]change.Outcome{a: change.Superseded, b: change.Voted}[w]; got.Outcome != want {
			r.Errorf("patch set %d: report-verified says %q, want %q", w.pushed.PatchSet, got.Outcome, want)
		}
	}
	if b.applied == nil || b.applied.Outcome != change.Applied {
		r.Errorf("the later patch set: %+v", b.applied)
	}
	r.oneDatabase(b.pushed, "two")
}

// oneDatabase: exactly one database is left of a change, and it is right.
func (r *registry) oneDatabase(p lab.Pushed, table string) {
	r.Helper()
	r.tidy(p.Number, true)
	if got := r.tables(p.Number); !slices.Equal(got, []string{"first", table}) {
		r.Errorf("tables %v, want first and %s", got, table)
	}
	if from := r.provenance(r.site.Names.Candidate(p.Number)); from.PatchSet != (change.PatchSet{
		Project: p.Project, Change: p.Number, PatchSet: p.PatchSet, Revision: p.Revision,
	}) {
		r.Errorf("the database is said to be of %s, want %+v", from.PatchSet, p)
	}
	r.wantVote(p.Number, 1)
}

// TestOnePatchSetTwiceInTurns: two runs of one patch set, which was deployed
// before or was not; the run that began later never loses to the earlier one.
func TestOnePatchSetTwiceInTurns(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	orders := slices.DeleteFunc(interleavings(), func(order string) bool { return order[0] == 'B' })
	orders = some(append(orders, orders...), 1, 5, 10, 13, 18)
	changes := r.stack(len(orders), func(i int) map[string]string { return newTable(fmt.Sprint("table_", i)) })
	for i, order := range orders {
		before := i >= len(orders)/2
		r.named(fmt.Sprint(order, " deployed before: ", before), func(r *registry) {
			r.Parallel()
			if before {
				r.recovers(changes[i])
				time.Sleep(1100 * time.Millisecond)
			}
			r.twice(changes[i], order, fmt.Sprint("table_", i))
		})
	}
}

// twice: the earlier run has its say if it is through before the later one
// takes the database.
func (r *registry) twice(p lab.Pushed, order, table string) {
	a, b := &walker{registry: r, pushed: p}, &walker{registry: r, pushed: p}
	for _, who := range order {
		if who == 'A' {
			a.move()
			continue
		}
		if b.gone == 0 {
			time.Sleep(1100 * time.Millisecond) // the two attempts differ: Gerrit's clock counts seconds
		}
		b.move()
	}
	through := strings.LastIndex(order, "A") < strings.Index(strings.Replace(order, "B", "-", 1), "B")
	good := []change.Outcome{change.Applied, change.Reused}
	if b.applied == nil || !slices.Contains(good, b.applied.Outcome) {
		r.Errorf("the later run: %+v", b.applied)
	}
	if a.applied != nil && slices.Contains(good, a.applied.Outcome) != through {
		r.Errorf("the earlier run: %+v, through: %v", a.applied, through)
	}
	for _, w := range []*walker{a, b} {
		got := result[change.ReportVerified](r, w.pushed, w.dir, "report-verified", 0).Outcome
		if superseded := w == a && !through; (got == change.Superseded) != superseded {
			r.Errorf("report-verified says %q, superseded: %v", got, superseded)
		}
	}
	r.oneDatabase(p, table)
	if from := r.provenance(r.site.Names.Candidate(p.Number)); from.Attempt != b.applied.Attempt {
		r.Errorf("the database is of attempt %s, want %s", from.Attempt, b.applied.Attempt)
	}
}

// TestTwoPipelinesAtOnce lets them run as they like.
func TestTwoPipelinesAtOnce(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	rounds := len(some(make([]int, 20), 0, 1, 2))
	changes := r.stack(rounds, func(i int) map[string]string { return newTable(fmt.Sprint("one_", i)) })
	for i, first := range changes {
		var running sync.WaitGroup
		var runs [2]*lab.PipelineRun
		start := func(i int, p lab.Pushed) {
			dir := r.TempDir()
			running.Go(func() {
				var err error
				if runs[i], err = r.pipeline.Run(context.Background(), p, dir); err != nil {
					r.Error(err)
				}
			})
		}
		start(0, first)
		later, table := first, fmt.Sprint("one_", i)
		if i%2 == 1 { // else the same patch set once more
			time.Sleep(rand.N(300 * time.Millisecond))
			var err error
			if later, err = r.edit(first, second, newTable("two")[second]); err != nil {
				r.Fatal(err)
			}
			table = "two"
		}
		start(1, later)
		running.Wait()
		r.laterSpoke(runs[0].Reported, runs[1].Reported)
		r.oneDatabase(later, table)
	}
	r.nothingLeft()
}

// laterSpoke: the run that began later has its say; the other may have been
// through before, else it says superseded.
func (r *registry) laterSpoke(a, b *change.ReportVerified) {
	r.Helper()
	spoke := func(v *change.ReportVerified) bool { return v.Outcome == change.Voted || v.Outcome == change.Unchanged }
	if a.Attempt > b.Attempt {
		a, b = b, a
	}
	if a.Attempt != b.Attempt && !spoke(b) || !spoke(a) && a.Outcome != change.Superseded {
		r.Errorf("the earlier run %s says %q, the later %s says %q", a.Attempt, a.Outcome, b.Attempt, b.Outcome)
	}
}

// TestManyChangesOnOneBase: all want the base database, one run makes it.
func TestManyChangesOnOneBase(t *testing.T) {
	t.Parallel()
	_, site := ownServer(t)
	r := quick(t, corner{site: site})
	changes := r.stack(50, func(i int) map[string]string { return newTable(fmt.Sprint("table_", i)) })
	dirs := make([]string, len(changes))
	created := make([]*change.CreateTempDB, len(changes))
	r.each(changes, 4, func(i int) { dirs[i] = r.begin(changes[i]) })
	r.each(changes, len(changes), func(i int) { created[i] = r.create(changes[i], dirs[i], 0) })
	r.each(changes, len(changes), func(i int) { r.apply(changes[i], dirs[i], 0) })
	made := 0
	for _, c := range created {
		if c.BaseMade {
			made++
		}
	}
	if made != 1 {
		t.Errorf("the base database was made by %d runs, want 1", made)
	}
	r.nothingLeft()
	for i, p := range changes {
		if got := r.tables(p.Number); !slices.Equal(got, []string{"first", fmt.Sprint("table_", i)}) {
			t.Errorf("change %d: tables %v", p.Number, got)
		}
	}
}

// each does something for all changes, some at a time.
func (r *registry) each(changes []lab.Pushed, atOnce int, do func(i int)) {
	r.Helper()
	var all sync.WaitGroup
	places := make(chan bool, atOnce)
	for i := range changes {
		places <- true
		all.Go(func() {
			defer func() { <-places }()
			do(i)
		})
	}
	all.Wait()
	if r.Failed() {
		r.FailNow()
	}
}

// TestPlaces: six changes want three places at the same time.
func TestPlaces(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{}).with("PATCHBAY_MAX_CANDIDATES=3")
	changes := r.stack(6, func(i int) map[string]string { return newTable(fmt.Sprint("table_", i)) })
	dirs := make([]string, len(changes))
	outcomes := make([]*change.CreateTempDB, len(changes))
	r.each(changes, 3, func(i int) { dirs[i] = r.begin(changes[i]) })
	r.each(changes, 6, func(i int) { outcomes[i] = r.create(changes[i], dirs[i], 0) })
	places := 0
	for i, c := range outcomes {
		applied := r.apply(changes[i], dirs[i], 0)
		switch c.Outcome {
		case change.Created:
			places++
			r.report(changes[i], dirs[i], vote(1))
		case change.Limited:
			if len(c.Holders) != 3 || applied.Outcome != change.Skipped {
				t.Errorf("limited: holders %v, apply-changelog %q", c.Holders, applied.Outcome)
			}
			r.report(changes[i], dirs[i], vote(0))
		default:
			t.Errorf("change %d: %q", changes[i].Number, c.Outcome)
		}
	}
	if candidates, _ := r.databases(); places != 3 || len(candidates) != 3 {
		t.Errorf("%d places given, databases %v", places, candidates)
	}
	r.nothingLeft()
}
