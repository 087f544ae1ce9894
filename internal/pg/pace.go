package pg

import (
	"context"
	"time"
)

// Pace spaces drops out: each forces a checkpoint. Its zero value does not
// wait.
type Pace struct {
	Every time.Duration // at least, from the begin of one drop to the begin of the next

	last time.Time
}

// Wait waits until the next drop may begin. Its error is a cancellation.
func (p *Pace) Wait(ctx context.Context) error {
	if rest := p.Every - time.Since(p.last); rest > 0 && !p.last.IsZero() {
		if err := sleep(ctx, rest); err != nil {
			return err
		}
	}
	p.last = time.Now()
	return nil
}
