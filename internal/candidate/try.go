package candidate

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// DropTry removes the databases of somebody's local try and names them.
func (b *Builder) DropTry(ctx context.Context, owner string) (dropped []string, err error) {
	lock, err := b.lock(ctx, b.Names.Candidate(0), "the local try")
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	all, err := b.standing(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if !s.isTry() {
			continue
		}
		if s.Provenance == nil || s.Provenance.Foreign("", owner) {
			return dropped, change.Failf(change.KindConfiguration, "database %s is somebody else's try", s.Name).
				WithHint("set PATCHBAY_PREFIX to a prefix of your own")
		}
		if err := b.discard(ctx, s.Name); err != nil {
			return dropped, err
		}
		dropped = append(dropped, s.Name)
	}
	return dropped, nil
}

func (s Standing) isTry() bool {
	return (s.Parsed.Kind == pg.Candidate || s.Parsed.Kind == pg.Attempt) && s.Parsed.Change == 0
}
