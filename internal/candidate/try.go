package candidate

import (
	"context"
	"errors"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// DropTry removes the databases of somebody's local try and names them. What
// is not known to be theirs stays and is named in the error, after the rest.
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
	own, others := tries(all, owner)
	var errs []error
	for _, name := range own {
		if err := b.discard(ctx, name); err != nil {
			errs = append(errs, err)
			continue
		}
		dropped = append(dropped, name)
	}
	return dropped, errors.Join(append(errs, notYours(others), b.clear(ctx, 0, nil, all))...)
}

// tries are the databases of local tries, told apart by their owner. An
// attempt without provenance was never finished; nobody works on it, since the
// lock is held, so it is removed with one's own.
func tries(all []Standing, owner string) (own, others []string) {
	for _, s := range all {
		switch {
		case !s.isTry():
		case s.Provenance == nil && s.Parsed.Kind == pg.Attempt,
			s.Provenance != nil && !s.Provenance.Foreign("", owner):
			own = append(own, s.Name)
		default:
			others = append(others, s.Name)
		}
	}
	return own, others
}

func notYours(names []string) error {
	if len(names) == 0 {
		return nil
	}
	return change.Failf(change.KindConfiguration, "this is somebody else's try, or its comment cannot be read: %s", strings.Join(names, ", ")).
		WithHint("set PATCHBAY_PREFIX to a prefix of your own, or have it dropped by its owner")
}

func (s Standing) isTry() bool {
	return (s.Parsed.Kind == pg.Candidate || s.Parsed.Kind == pg.Attempt) && s.Parsed.Change == 0
}
