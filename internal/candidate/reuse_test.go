package candidate

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func createdBy(r Run, c *Created) *change.CreateTempDB {
	return &change.CreateTempDB{
		Header:   change.Header{PatchSet: r.PatchSet, Attempt: r.Attempt},
		Database: c.Database, InputDigest: c.Plan.InputDigest,
	}
}

// TestReused: a database is repeated for the run that has adopted it last, and
// looked at under the change's lock.
func TestReused(t *testing.T) {
	w := newWorks(t)
	r := w.run(7, 1, good)
	w.published(r)
	var found []*change.CreateTempDB
	for patchSet := 2; patchSet < 4; patchSet++ {
		next := r
		next.PatchSet.PatchSet, next.Attempt = patchSet, r.Attempt[:7]+string(rune('0'+patchSet))
		found = append(found, createdBy(next, w.create(next, change.Reused)))
	}
	for i, want := range []change.Outcome{change.Superseded, change.Reused} {
		got, err := w.Reused(t.Context(), found[i])
		if err != nil || got.Outcome != want || (got.Difference != nil) != (want == change.Reused) {
			t.Errorf("%d: got %+v, %v; want %s", i, got, err, want)
		}
	}
	other := *found[1]
	other.Attempt = "65000009"
	if got, err := w.Reused(t.Context(), &other); err != nil || got.Outcome != change.Superseded {
		t.Errorf("another attempt: %+v, %v", got, err)
	}
	lock, err := w.Server.Lock(t.Context(), w.Names.Candidate(7), w.LockTimeout, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	_, err = w.Reused(t.Context(), found[1])
	w.failed(err, change.KindInfrastructure, "another run holds the lock")
}
