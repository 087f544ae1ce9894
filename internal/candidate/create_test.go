package candidate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// interrupted is what a killed DROP DATABASE leaves.
func (w *works) interrupted(database string) {
	w.Helper()
	w.site.Super(w.T, "postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = "+pg.Literal(database))
}

// TestHalfDroppedBase is made again, by the next run that needs it.
func TestHalfDroppedBase(t *testing.T) {
	w := newWorks(t)
	first := w.create(w.run(7, 1, good), change.Created)
	before := w.oid(first.Plan.BaseDatabase)
	w.interrupted(first.Plan.BaseDatabase)
	next := w.create(w.run(8, 1, good), change.Created)
	if after := w.oid(next.Plan.BaseDatabase); !next.BaseMade || next.Plan.BaseDatabase != first.Plan.BaseDatabase || after == before || after == 0 {
		t.Errorf("made %t, %s: OID %d, before %d", next.BaseMade, next.Plan.BaseDatabase, after, before)
	}
}

// TestBaseDroppedMeanwhile: between finding the base database and cloning it,
// reconcile drops it.
func TestBaseDroppedMeanwhile(t *testing.T) {
	w := newWorks(t)
	w.LockTimeout = time.Minute
	r := w.run(7, 1, good)
	plan := w.planOf(r)
	places, err := w.Server.TryLock(t.Context(), w.Names.Prefix+"places")
	if err != nil {
		t.Fatal(err)
	}
	dropped := make(chan error, 1)
	go func() {
		defer places.Release()
		for w.oid(plan.BaseDatabase) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		dropped <- w.Server.Drop(t.Context(), w.Names, plan.BaseDatabase)
	}()
	c := w.create(r, change.Created)
	if err := <-dropped; err != nil || !c.BaseMade || w.oid(plan.BaseDatabase) == 0 || w.oid(c.Database) == 0 {
		t.Errorf("%v, got %+v", err, c)
	}
	if p := ParseProvenance(w.comment(c.Database)); p == nil || p.Branch != "master" {
		t.Errorf("provenance %+v, want branch master", p)
	}
}

func (w *works) comment(database string) string {
	w.Helper()
	d, err := w.Server.Database(w.Context(), database)
	if err != nil || d == nil {
		w.Fatalf("look at %s: %v", database, err)
	}
	return d.Comment
}

func TestHalfDroppedTemplate(t *testing.T) {
	w := newWorks(t)
	w.interrupted(w.Names.Template)
	_, err := w.Create(t.Context(), w.run(7, 1, good))
	w.failed(err, change.KindConfiguration, "is invalid: dropping it was interrupted")
}

// TestStrayLogins: a run that was killed between dropping its database and
// dropping its login leaves no open door for longer than to the next run.
func TestStrayLogins(t *testing.T) {
	w := newWorks(t)
	plan := w.planOf(w.run(7, 2, good))
	mine := []string{w.Names.Attempt(7, 1, 1), w.Names.BaseAttempt(plan.BaseDigest, 1)}
	others := []string{w.Names.Attempt(77, 1, 1), w.Names.BaseAttempt("0123456789abcdef", 1)}
	for _, database := range slices.Concat(mine, others) {
		w.site.Super(t, "postgres", "SET ROLE "+pg.Ident(w.site.ServiceRole())+"; CREATE ROLE "+pg.Ident(w.Names.Login(database))+" LOGIN")
	}
	w.create(w.run(7, 2, good), change.Created)
	logins, err := w.Server.Logins(t.Context(), w.Names)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{w.Names.Login(others[0]): others[0], w.Names.Login(others[1]): others[1]}
	if diff := cmp.Diff(want, logins); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
}
