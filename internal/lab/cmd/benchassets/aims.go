package main

import "fmt"

// aim is what does not depend on the machine.
type aim struct{ requests, writes int }

// few are the requests for the sites that the aims were set for; more charts
// and dashboards are more pages of lists, on both sides.
func (b *bench) few(requests int) int { return requests + max(0, b.size.Charts-600)/40 }

// missed says by what a run misses its aims. References are to be right always.
func (w way) missed(c cost) error {
	switch {
	case w.most == nil:
	case c.right != c.references:
		return fmt.Errorf("%d of %d references are right", c.right, c.references)
	case c.requests > w.most.requests || c.writes > w.most.writes:
		return fmt.Errorf("%d requests (%d writes), want at most %d (%d)", c.requests, c.writes, w.most.requests, w.most.writes)
	case c.mib >= 128:
		return fmt.Errorf("%d MiB, want less than 128", c.mib)
	}
	return nil
}
