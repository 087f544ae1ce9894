package steps_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// found is a database as a superuser sees it.
type found struct {
	oid        string
	provenance *candidate.Provenance
}

// standing is what is there, by name.
func (w *world) standing() map[string]found {
	w.Helper()
	all := map[string]found{}
	for _, line := range w.column("postgres", "SELECT datname || '|' || oid || '|' || coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datconnlimit <> -2") {
		part := strings.SplitN(line, "|", 3)
		all[part[0]] = found{part[1], candidate.ParseProvenance(part[2])}
	}
	return all
}

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

func names(all map[string]found) []string { return slices.Sorted(maps.Keys(all)) }

// check looks at what became of what was there. Only a run for a patch set
// that does not deploy may take away the database of an open change.
func (w *world) check(before map[string]found, running []*modelled) {
	w.Helper()
	w.calm()
	after := w.standing()
	for _, c := range w.changes {
		name := w.site.Names.Candidate(c.Number)
		_, had := before[name]
		_, has := after[name]
		if had && !has && isOpen(c) && !(c.bad && slices.Contains(running, c)) {
			w.Errorf("seed %d, step %d: %s of the open change %d is lost", w.seed, len(w.journal), name, c.Number)
		}
	}
	for name, oid := range w.planted {
		if after[name].oid != oid {
			w.Errorf("seed %d, step %d: %s was touched: OID %q, was %q", w.seed, len(w.journal), name, after[name].oid, oid)
		}
	}
	if _, there := after[w.site.Names.Template]; !there {
		w.Errorf("seed %d, step %d: the template is gone", w.seed, len(w.journal))
	}
	if w.Failed() {
		w.Logf("the last steps:\n%s", strings.Join(w.journal[max(0, len(w.journal)-40):], "\n"))
		w.FailNow()
	}
}

// calm waits until what a killed step had asked for is done: its session goes
// on with a statement that nobody waits for any more.
func (w *world) calm() {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if len(w.column("postgres", "SELECT pid::text FROM pg_stat_activity WHERE usename = "+pg.Literal(w.site.ServiceRole()))) == 0 {
			return
		}
	}
	w.Errorf("seed %d, step %d: sessions of the service role do not end", w.seed, len(w.journal))
}

// deployed looks at a change after a run of its pipeline that nothing
// disturbed.
func (w *world) deployed(c *modelled, log string) {
	w.Helper()
	if !isOpen(c) || c.private {
		return
	}
	d, there := w.standing()[w.site.Names.Candidate(c.Number)]
	switch {
	case there == c.bad:
		w.Errorf("seed %d: change %d, bad %t: database there %t\n%s", w.seed, c.Number, c.bad, there, log)
	case there && (d.provenance == nil || d.provenance.Revision != c.Revision):
		w.Errorf("seed %d: the database of change %d is not of its current patch set %s: %+v\n%s", w.seed, c.Number, c.Revision, d.provenance, log)
	}
}

// reconcileAny runs reconcile, however it ends.
func (w *world) reconcileAny(args []string) stepRun {
	w.Helper()
	run := w.reconcileIn(w.TempDir(), args...)
	var result change.Reconcile
	if json.Unmarshal([]byte(run.stdout), &result) == nil && !result.DryRun {
		w.drops.Lock()
		defer w.drops.Unlock()
		for _, one := range result.Dropped {
			w.dropped[one.Proof]++
		}
	}
	return run
}

// settle: all is well again; one run of each open change's pipeline and one
// reconcile that is told to be quick.
func (w *world) settle() {
	w.proxy.Reset()
	w.network.CutAfter(1 << 40)
	if err := w.view(true); err != nil {
		w.Fatal(err)
	}
	witness := w.onMaster("a private change that proves the sight", map[string]string{"note": "x\n"})
	w.must(w.act(witness, "POST", "private", "{}"))
	time.Sleep(1100 * time.Millisecond) // the runs are later than all that were before
	for _, c := range w.changes {
		if isOpen(c) {
			run := w.run(c.Pushed)
			w.deployed(&modelled{Pushed: c.Pushed, state: c.state, bad: c.bad}, logs(run))
		}
	}
	time.Sleep(2 * time.Second) // all ages of a second are over
	got := w.reconcileAny([]string{"--grace", "1s", "--attempt-age", "1s", "--keep-base", "0", "--yes"})
	if got.status != 0 {
		w.Errorf("seed %d: the last reconcile: exit status %d\n%s", w.seed, got.status, got.stderr)
	}
	w.expected(got.stderr)
}

// expected compares what is there with what should be: a database for each
// open change that deploys, the base databases that they need, the template.
func (w *world) expected(log string) {
	w.Helper()
	want, bases := []string{w.site.Names.Template}, map[string]bool{}
	there := w.standing()
	for _, c := range w.changes {
		if name := w.site.Names.Candidate(c.Number); isOpen(c) && !c.bad {
			want = append(want, name)
			if d := there[name]; d.provenance != nil {
				bases[w.site.Names.Base(d.provenance.BaseDigest)] = true
			}
		}
	}
	var got []string
	for name := range there {
		n := w.site.Names.Parse(name)
		if _, planted := w.planted[name]; n.Kind == pg.Foreign || planted {
			continue
		}
		if n.Kind == pg.Spare { // a cache; the last run's may still be in the making
			continue
		}
		if n.Kind == pg.Base && !bases[name] && !w.basedOn(there[name]) {
			w.Errorf("seed %d: base database %s is not needed", w.seed, name)
		}
		if n.Kind != pg.Base {
			got = append(got, name)
		}
		delete(bases, name)
	}
	for _, role := range w.column("postgres", "SELECT rolname FROM pg_roles") {
		if _, login := w.site.Names.LoginOf(role); login {
			got = append(got, role)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(bases) > 0 {
		w.Errorf("seed %d: at the end (-want +got):\n%s\nbase databases that are missing: %v\n%s", w.seed, diff, bases, log)
	}
}

// basedOn says that the branch's commit that a base database was made from is
// the parent of an open change.
func (w *world) basedOn(d found) bool {
	if d.provenance == nil {
		return false
	}
	for _, c := range w.changes {
		if isOpen(c) {
			w.clone.Git(w.T, "fetch", "-q", "origin", fmt.Sprintf("refs/changes/%02d/%d/%d", c.Number%100, c.Number, c.PatchSet))
			if w.clone.Git(w.T, "rev-parse", "FETCH_HEAD^") == d.provenance.Base {
				return true
			}
		}
	}
	return false
}

// quietly does what must not be disturbed, also after a failure.
func (w *world) quietly(do func()) {
	if !w.Failed() {
		do()
	}
}
