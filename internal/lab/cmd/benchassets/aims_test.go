package main

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

// TestAims: each is missed by one more than it allows, and kept by what it does.
func TestAims(t *testing.T) {
	t.Parallel()
	b := &bench{size: seed.Size{Charts: 600}}
	w := way{most: &aim{b.few(30), 0}}
	for want, c := range map[string]cost{
		"":                             {requests: 30, mib: 127, right: 7, references: 7},
		"6 of 7 references are right":  {right: 6, references: 7},
		"31 requests (0 writes), want": {requests: 31},
		"30 requests (1 writes), want": {requests: 30, writes: 1},
		"128 MiB, want less than 128":  {mib: 128},
	} {
		if err := w.missed(c); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := (way{}).missed(cost{requests: 797, right: 1, references: 3}); err != nil {
		t.Errorf("others than asset-sync have no aim: %v", err)
	}
}
