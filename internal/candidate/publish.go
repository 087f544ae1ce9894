package candidate

import (
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// differenceLimit is how much of a comment the compressed difference takes.
const differenceLimit = 64 << 10

// publish swaps the attempt into the public name and drops what it replaced.
func (b *Builder) publish(ctx context.Context, in Application, a *Applied) error {
	p := b.provenance(in.Run, in.Plan, StatePublished)
	p.Difference, _ = schema.Encode(a.Difference, differenceLimit)
	comment, err := p.Comment()
	if err != nil {
		return err
	}
	now, err := b.Server.Now(ctx)
	if err != nil {
		return err
	}
	retired := b.Names.Attempt(in.Run.PatchSet.Change, in.Run.PatchSet.PatchSet, stamp(now))
	if retired == in.Attempt { // cloned within this very second
		retired = b.Names.Attempt(in.Run.PatchSet.Change, in.Run.PatchSet.PatchSet, stamp(now)+1)
	}
	swap, err := b.Server.Publish(ctx, pg.Publication{
		Attempt: in.Attempt, Public: a.Database, Retired: retired, Comment: comment, Owner: b.Owner, Reader: b.Reader,
	})
	if err != nil {
		return fmt.Errorf("swap %s into %s: %w", in.Attempt, a.Database, err)
	}
	if swap.Rounds > 0 {
		b.Say(fmt.Sprintf("the swap of %s had to wait for sessions to end: %d rounds", a.Database, swap.Rounds))
	}
	if swap.Replaced {
		if err := b.Server.Drop(ctx, b.Names, retired); err != nil { // published all the same
			a.Warnings = append(a.Warnings, fmt.Sprintf("the replaced database stays as %s until the next run: %s", retired, change.AsFailure(err).Message))
		}
	}
	return nil
}
