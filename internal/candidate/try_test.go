package candidate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestDropTry: one's own databases go, and attempts that were never finished;
// the others are all named.
func TestDropTry(t *testing.T) {
	w := newWorks(t)
	comment := func(owner string) string {
		text, err := Provenance{PatchSet: change.PatchSet{Project: owner}}.Comment()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, text := range map[string]string{
		w.Names.Candidate(0): "made by hand", w.Names.Attempt(0, 1, 1): "", w.Names.Attempt(0, 1, 2): comment("me"),
		w.Names.Attempt(0, 1, 3): comment("you"), w.Names.Attempt(7, 1, 1): comment("me"),
	} {
		if err := w.Server.Clone(t.Context(), w.Names.Template, name, pg.Access{Owner: w.Owner, Comment: text}, nil); err != nil {
			t.Fatal(err)
		}
	}
	dropped, err := w.DropTry(t.Context(), "me")
	if diff := cmp.Diff([]string{w.Names.Attempt(0, 1, 1), w.Names.Attempt(0, 1, 2)}, dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	w.failed(err, change.KindConfiguration, w.Names.Candidate(0)+", "+w.Names.Attempt(0, 1, 3))
	if w.oid(w.Names.Attempt(7, 1, 1)) == 0 {
		t.Error("the attempt of change 7 is gone")
	}
}
