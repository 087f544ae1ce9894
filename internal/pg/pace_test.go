package pg

import (
	"context"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func TestPace(t *testing.T) {
	t.Parallel()
	pace, began := Pace{Every: 50 * time.Millisecond}, time.Now()
	for range 4 {
		if err := pace.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("four drops began within %s, want at least 150 ms", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	slow := Pace{Every: time.Hour}
	if err := slow.Wait(ctx); err != nil {
		t.Errorf("the first need not wait: %v", err)
	}
	if err := slow.Wait(ctx); change.AsFailure(err) == nil || change.AsFailure(err).Kind != change.KindCancelled {
		t.Errorf("cancelled: %v", err)
	}
}
