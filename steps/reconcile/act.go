package main

import (
	"context"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
)

// act drops one after the other, at a pace. What cannot be dropped does not
// stop the rest; a server that does not answer any more does.
func (r *reconcile) act(ctx context.Context, drops []item) error {
	for n, i := range drops {
		said, err := "", r.pace.Wait(ctx)
		if err == nil {
			said, err = r.one(ctx, i)
		}
		if err != nil {
			r.unreached(drops[n:])
			return err
		}
		r.session.Log.Info().Msgf("%d of %d: %s %s: %s", n+1, len(drops), i.What, i.Name, said)
	}
	return nil
}

func (r *reconcile) unreached(rest []item) {
	for _, i := range rest {
		put(&r.result.Undecided, i, "the run ended before; "+i.Reason)
	}
}

// one drops one database or login, if it is still to be dropped when its lock
// is held, and notes what became of it. Its error ends the run.
func (r *reconcile) one(ctx context.Context, i item) (said string, err error) {
	lock, err := r.observer.server.TryLock(ctx, i.lock)
	if err != nil {
		return "", err
	}
	if lock == nil {
		return put(&r.result.Locked, i, "another run holds its lock"), nil
	}
	defer lock.Release()
	v, err := r.again(ctx, i)
	if err != nil {
		return "", err
	}
	if v.action != drop || v.proof != i.proof && v.proof != closed {
		return r.spare(i, v), nil
	}
	i.Proof = string(v.proof)
	if r.cfg.DryRun {
		put(&r.result.Dropped, i, v.reason)
		return "would be dropped: " + v.reason, nil
	}
	if err := lock.Held(ctx); err != nil {
		return "", err
	}
	if err := r.discard(ctx, i); err != nil {
		return put(&r.result.Left, i, why(err)), r.lost(ctx)
	}
	put(&r.result.Dropped, i, v.reason)
	return "dropped: " + v.reason, nil
}

// spare notes what is not dropped after all.
func (r *reconcile) spare(i item, v verdict) string {
	switch v.action {
	case undecided:
		return put(&r.result.Undecided, i, v.reason)
	case wait:
		return put(&r.result.Waiting, i, v.reason)
	case foreign:
		return put(&r.result.Foreign, i, v.reason)
	}
	return put(&r.result.Spared, i, v.reason)
}

func put(into *[]change.Reconciled, i item, reason string) string {
	i.Reason = reason
	*into = append(*into, i.Reconciled)
	return reason
}

func why(err error) string {
	f := change.AsFailure(err)
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " (" + f.Hint + ")"
}

// lost says that the server does not answer any more.
func (r *reconcile) lost(ctx context.Context) error {
	_, err := r.observer.server.Now(ctx)
	return err
}

// dropTime is how long one drop may take. A signal does not break it off:
// half a drop leaves an invalid database.
const dropTime = 2 * time.Minute

func (r *reconcile) discard(ctx context.Context, i item) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	if i.proof == stray {
		return r.observer.server.DropRoleAfterDatabase(ctx, i.Name)
	}
	return candidate.Discard(ctx, r.observer.server, r.observer.rules.names, i.Name)
}

var gone = say(keep, "it is gone, or another took its place meanwhile")

// again judges once more, by what is there now. The lock is held.
func (r *reconcile) again(ctx context.Context, i item) (verdict, error) {
	switch i.proof {
	case stray:
		return r.strayAgain(ctx, i)
	case unneeded:
		return r.unneededAgain(ctx, i)
	}
	d, err := r.observer.again(ctx, i)
	if err != nil || d == nil {
		return gone, err
	}
	f, see, now := fact{}, sight{}, r.state.clocks
	if i.proof == closed || i.proof == absent {
		if f, see, now, err = r.observer.ask(ctx, d, r.state); err != nil {
			return verdict{}, err
		}
	}
	return r.observer.rules.judge(*d, f, see, now), nil
}

func (r *reconcile) strayAgain(ctx context.Context, i item) (verdict, error) {
	d, err := r.observer.server.Database(ctx, i.database)
	if err != nil {
		return verdict{}, err
	}
	if d != nil {
		return say(keep, "its database is there"), nil
	}
	return i.verdict, nil
}

// unneededAgain plans again with the databases that are there now.
func (r *reconcile) unneededAgain(ctx context.Context, i item) (verdict, error) {
	now := r.state
	var err error
	if now.databases, err = candidate.List(ctx, r.observer.server, r.observer.rules.names); err != nil {
		return verdict{}, err
	}
	drops := r.observer.rules.decide(now).drops
	at := slices.IndexFunc(drops, func(other item) bool { return other.Name == i.Name && other.oid == i.oid })
	if at < 0 {
		return say(keep, "a database that was made meanwhile needs it, or it is gone"), nil
	}
	return drops[at].verdict, nil
}
