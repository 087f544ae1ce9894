package candidate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// place is a change's public name as Apply found it under the change's lock.
type place struct {
	lock *pg.Lock
	name string
	oid  uint32 // of the database that stood there; 0: none
}

func oidOf(database string, all []Standing) uint32 {
	for _, s := range all {
		if s.Name == database {
			return s.OID
		}
	}
	return 0
}

// settle clears up after an attempt that was not published. What cannot be
// cleared up is a warning beside the failure: it does not hide the reason.
func (b *Builder) settle(ctx context.Context, in Application, a *Applied, public place, err error) error {
	switch {
	case err == nil && a.Outcome == change.Applied:
		return nil
	case err == nil: // superseded
		return b.discard(ctx, in.Attempt)
	case a.Outcome != change.Failed:
		b.warn(a, b.discard(ctx, in.Attempt))
		return err
	}
	if in.KeepFailed {
		a.Kept = in.Attempt
		b.warn(a, b.keep(ctx, in))
	} else {
		b.warn(a, b.discard(ctx, in.Attempt))
	}
	b.warn(a, b.retireOlder(ctx, public))
	return err
}

// warn notes what a clean-up could not do, and tells it.
func (b *Builder) warn(a *Applied, err error) {
	if err == nil {
		return
	}
	a.Warnings = append(a.Warnings, leftBehind(err))
	b.Say(leftBehind(err))
}

func leftBehind(err error) string {
	return "the clean-up is not complete, the next run goes on with it: " + change.OneLine(err.Error())
}

// keep marks a failed attempt, which the change's next run removes.
func (b *Builder) keep(ctx context.Context, in Application) error {
	comment, err := b.provenance(in.Run, in.Plan, StateFailed).Comment()
	if err != nil {
		return err
	}
	return b.Server.Comment(ctx, in.Attempt, comment)
}

// retireOlder drops what stands under the public name: the current patch set
// has no complete database. It must be the very database that was found to be
// ours under the lock: when the lock is lost, another run may have published
// its own by now.
func (b *Builder) retireOlder(ctx context.Context, public place) error {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	if public.oid == 0 {
		return nil
	}
	if err := public.lock.Held(ctx); err != nil {
		return fmt.Errorf("drop %s: %w", public.name, err)
	}
	now, err := b.Server.Database(ctx, public.name)
	if err != nil || now == nil || now.OID != public.oid {
		return err
	}
	return b.Server.Drop(ctx, b.Names, public.name)
}

// discard drops a half-made database and its login.
func (b *Builder) discard(ctx context.Context, database string) error {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	return Discard(ctx, b.Server, b.Names, database)
}

// dropStrayLogins drops the logins whose database is gone: a run was killed
// between the two drops. ours picks those that the caller's lock covers.
func (b *Builder) dropStrayLogins(ctx context.Context, all []pg.Database, ours func(pg.Name) bool) error {
	logins, err := b.Server.Logins(ctx, b.Names)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, d := range all {
		there[d.Name] = true
	}
	var errs []error
	for role, database := range logins {
		if !there[database] && ours(b.Names.Parse(database)) {
			errs = append(errs, b.Server.DropRoleAfterDatabase(ctx, role))
		}
	}
	return errors.Join(errs...)
}

// cleanup is a context for undoing: it outlives the cancellation that made it
// necessary, but not by much.
func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}
