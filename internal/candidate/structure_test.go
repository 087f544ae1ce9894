package candidate

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestRecordedStructure: a base database says itself what is in it; when it
// cannot, or another program has read it, the attempt is read.
func TestRecordedStructure(t *testing.T) {
	w := newWorks(t)
	same := w.run(7, 1, "")
	plan := w.planOf(same)
	read := func(state string, recorded bool) {
		t.Helper()
		all, err := w.standing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := w.recorded(Application{Run: same, Plan: plan, standing: all}) != nil; got != recorded {
			t.Errorf("%s: recorded %t", state, got)
		}
		a, err := w.apply(same, nil)
		if err != nil || a.Outcome != change.Applied || !a.Difference.Empty() {
			t.Fatalf("%s: got %+v, %v", state, a, err)
		}
		public := w.observe(w.Names.Candidate(7))
		live, err := public.Read(t.Context())
		public.End(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for what, snapshot := range map[string]string{"base": a.Base.Digest(), "candidate": a.Candidate.Digest()} {
			if snapshot != live.Digest() {
				t.Errorf("%s: the structure of the %s is not what is there", state, what)
			}
		}
		w.site.Super(t, "postgres", "DROP DATABASE "+pg.Ident(w.Names.Candidate(7))+" WITH (FORCE)")
	}
	w.create(w.run(8, 1, good), change.Created) // makes the base database
	good := *ParseProvenance(w.comment(plan.BaseDatabase))
	read("as it was made", true)
	for state, spoil := range map[string]func(*Provenance){
		"another program's": func(p *Provenance) { p.ReadBy = "patchbay 0" },
		"too large":         func(p *Provenance) { p.Structure = "" },
		"cut":               func(p *Provenance) { p.Structure = p.Structure[:len(p.Structure)/2] },
		"no text":           func(p *Provenance) { p.Structure = "?" },
	} {
		p := good
		spoil(&p)
		comment, err := p.Comment()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Server.Comment(t.Context(), plan.BaseDatabase, comment); err != nil {
			t.Fatal(err)
		}
		read(state, false)
	}
}
