package liquibase

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Running is a run of Liquibase whose Java process is started ahead: it loads
// its classes while the caller makes trees and database ready. Until Finish a
// gate keeps it from the database, and from the trees, which it reads after it
// has connected.
type Running struct {
	process process
	gate    *gate // nil: the process is started by Finish
	ctx     context.Context
	stop    context.CancelCauseFunc
	end     chan error
}

var errNotWanted = errors.New("the run is not wanted any more")

// Start starts one Java process. The caller ends it with Finish or Stop.
func (h *Home) Start(ctx context.Context, u Update) (*Running, error) {
	r := &Running{end: make(chan error, 1)}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	if u.Database.throughGate() {
		var err error
		if r.gate, err = newGate(r.ctx, u.Database.address()); err != nil {
			return nil, change.Failf(change.KindInfrastructure, "open a port for Liquibase: %w", err)
		}
		u.Database.Host, u.Database.Port = r.gate.host(), r.gate.port()
	}
	var err error
	if r.process, err = h.prepare(u); err != nil {
		r.Stop()
		return nil, err
	}
	if r.gate != nil {
		go func() { r.end <- r.process.run(r.ctx) }()
	}
	return r, nil
}

// Finish lets the process to the database and waits for its end. The error is
// a *change.Failure; when the kind is limit or cancelled, the process group is
// gone but what it started in the database may run on: the caller ends the
// login's sessions.
func (r *Running) Finish() error {
	if r.process.timeout > 0 {
		defer time.AfterFunc(r.process.timeout, func() { r.stop(errTimeout) }).Stop()
	}
	if r.gate == nil {
		return r.process.run(r.ctx)
	}
	close(r.gate.opened)
	err := <-r.end
	r.end <- err // for Stop
	return r.gate.explain(err)
}

// Stop ends the process, if it still runs, and waits until it is gone.
func (r *Running) Stop() {
	r.stop(errNotWanted)
	if r.gate != nil {
		r.gate.close()
		if r.process.argv != nil {
			<-r.end //nolint:errcheck // Finish has told it, or nobody wants to know
		}
	}
}
