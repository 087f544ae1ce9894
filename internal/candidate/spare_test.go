package candidate

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// spare waits for the spare that a run has left the server to make.
func (w *works) spare(p *Plan) *pg.Database {
	w.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		d, err := w.Server.Database(w.Context(), w.Names.Spare(p.BaseDigest))
		if err != nil {
			w.Fatal(err)
		}
		if d != nil {
			return d
		}
	}
	w.Fatal("no spare has come")
	return nil
}

// rights are what is set on a database, but for its name.
func (w *works) rights(database string) []string {
	w.Helper()
	return w.column(fmt.Sprintf(`SELECT concat_ws(' ', datdba::regrole, datacl, datallowconn, datistemplate, datconnlimit)
		FROM pg_database WHERE datname = %s`, pg.Literal(database)))
}

func (w *works) column(sql string) (values []string) {
	w.Helper()
	conn, err := w.Server.Catalog(w.Context(), w.site.AdminDatabase())
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close(w.Context())
	if values, err = pg.Texts(w.Context(), conn, sql); err != nil {
		w.Fatal(err)
	}
	return values
}

// TestSpare: a run that has published leaves a clone of its base, closed, to
// the next run, whose attempt is no other than a clone made for it.
func TestSpare(t *testing.T) {
	w := newWorks(t)
	first := w.run(7, 1, good)
	w.published(first)
	plan := w.planOf(first)
	spare := w.spare(plan)
	if spare.AllowConnections || spare.Owner != w.Server.User() {
		t.Errorf("the spare is %+v", spare)
	}
	taken := w.create(w.run(8, 1, good), change.Created)
	if w.oid(taken.Database) != spare.OID || w.oid(spare.Name) != 0 {
		t.Errorf("the attempt is database %d, the spare %d", w.oid(taken.Database), spare.OID)
	}
	cloned := w.create(w.run(9, 1, good), change.Created)
	if diff := cmp.Diff(w.rights(cloned.Database), w.rights(taken.Database)); diff != "" {
		t.Errorf("cloned (-) and taken (+):\n%s", diff)
	}
	a, err := w.Apply(t.Context(), Application{Run: w.run(8, 1, good), Plan: taken.Plan, Attempt: taken.Database})
	if err != nil || a.Outcome != change.Applied || len(a.Difference.Changes) != 1 {
		t.Errorf("got %+v, %v", a, err)
	}
}

// TestSpareForMany: one run takes it, the others clone, all at once.
func TestSpareForMany(t *testing.T) {
	w := newWorks(t)
	w.LockTimeout = time.Minute
	first := w.run(7, 1, good)
	w.published(first)
	spare := w.spare(w.planOf(first))
	var runs []Run
	for number := range 5 {
		runs = append(runs, w.run(10+number, 1, good))
	}
	var running sync.WaitGroup
	made := make([]*Created, len(runs))
	for i, r := range runs {
		running.Go(func() { made[i], _ = w.Create(context.WithoutCancel(t.Context()), r) })
	}
	running.Wait()
	took := 0
	for i, c := range made {
		switch {
		case c == nil || c.Outcome != change.Created || w.oid(c.Database) == 0:
			t.Errorf("run %d: %+v", i, c)
		case w.oid(c.Database) == spare.OID:
			took++
		}
	}
	if took != 1 {
		t.Errorf("%d runs have taken the spare", took)
	}
}

// TestSpareOfOthers: what merely has a spare's name is not taken, nor is a
// half dropped one; the run does without.
func TestSpareOfOthers(t *testing.T) {
	for name, spoil := range map[string]string{
		"of another owner": "ALTER DATABASE %s OWNER TO postgres",
		"open":             "ALTER DATABASE %s ALLOW_CONNECTIONS true",
		"half dropped":     "UPDATE pg_database SET datconnlimit = -2 WHERE quote_ident(datname) = '%s'",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorks(t)
			first := w.run(7, 1, good)
			w.published(first)
			spare := w.spare(w.planOf(first))
			w.site.Super(t, "postgres", fmt.Sprintf(spoil, pg.Ident(spare.Name)))
			c := w.create(w.run(8, 1, good), change.Created)
			if w.oid(spare.Name) != spare.OID || w.oid(c.Database) == spare.OID {
				t.Errorf("the attempt is database %d, the spare was %d and is %d", w.oid(c.Database), spare.OID, w.oid(spare.Name))
			}
		})
	}
}
