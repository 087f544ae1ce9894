package candidate

import (
	"context"
	"errors"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// spareOf finds the spare of a plan's base database: what a run would clone has
// been cloned already. "" when there is none of ours.
func (b *Builder) spareOf(p *Plan, all []Standing) string {
	at := slices.IndexFunc(all, func(s Standing) bool {
		return s.Name == b.Names.Spare(p.BaseDigest) && s.Owner == b.Server.User() && !s.AllowConnections && !s.Invalid
	})
	if at < 0 {
		return ""
	}
	return all[at].Name
}

// makeAttempt makes the attempt of the spare if there is one, else it
// clones the base database.
func (b *Builder) makeAttempt(ctx context.Context, p *Plan, name, comment string, all []Standing) error {
	if spare := b.spareOf(p, all); spare != "" {
		err := b.Server.TakeSpare(ctx, spare, name, pg.Access{Owner: b.Owner, Comment: comment})
		if !errors.Is(err, pg.ErrNoDatabase) { // else another run was faster
			return err
		}
	}
	return b.clone(ctx, p.BaseDatabase, name, comment)
}

// leave gives the change's lock back after a run, and has the server clone the
// base database for the next attempt if there is no spare. A server that has
// just failed is not asked for more.
func (b *Builder) leave(ctx context.Context, lock *pg.Lock, p *Plan, ran error) {
	well := ran == nil || change.AsFailure(ran).Kind == change.KindCandidate
	spare := b.Names.Spare(p.BaseDigest)
	if well {
		if there, err := b.Server.Database(ctx, spare); err == nil && there == nil {
			lock.LeaveSpare(ctx, p.BaseDatabase, spare)
			return
		}
	}
	lock.Release()
}
