package main

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// TestEnded: a try that another one has overtaken has no difference to show.
func TestEnded(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[change.Outcome]bool{
		change.Applied: false, change.Reused: false, change.Superseded: true, change.Limited: true, "": true,
	} {
		err := ended(outcome, "another run has taken over the database")
		if (err != nil) != want {
			t.Errorf("%s: %v", outcome, err)
		}
		if f := change.AsFailure(err); f != nil && (f.Kind != change.KindInfrastructure || f.Hint == "" || !strings.Contains(f.Message, "taken over")) {
			t.Errorf("%s: %+v", outcome, f)
		}
	}
}
