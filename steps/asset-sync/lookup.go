package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// unanswered is a write without an answer.
type unanswered struct {
	err    error
	before int           // how often the same was sent before
	took   time.Duration // until the connection ended
}

// manySilences in a row end the run. A single asset to which no server answers
// makes fewer: it is found by halves of the largest batch, and sent twice.
const manySilences = 13

// unanswered looks up what of a batch arrived although no answer came, and
// gives what is to be sent again as it is: where the server was not there for
// it, and once an asset that stands alone. Other batches go in halves.
func (w *writer) unanswered(ctx context.Context, kind assets.Kind, batch []*assets.Asset, u unanswered) []*assets.Asset {
	unavailable := errors.Is(u.err, superset.ErrUnavailable)
	patience := max(u.took, 5*time.Second)
	if unavailable {
		patience = 0
	}
	rest, err := w.lookUp(ctx, kind, batch, patience)
	if w.silences++; err != nil || w.silences >= manySilences {
		w.stop(batch, errors.Join(u.err, err))
		return nil
	}
	switch {
	case len(rest) == 0:
	case unavailable && u.before < 3:
		w.pause(ctx, time.Second<<u.before)
		return rest
	case len(rest) == 1 && u.before == 0:
		return rest
	case len(rest) == 1:
		w.fail(rest[0].Key(), "%v", u.err)
	default:
		w.halves(ctx, kind, rest)
	}
	return nil
}

// lookUp finds out what of a batch arrived. What somebody else has changed
// meanwhile is left alone.
func (w *writer) lookUp(ctx context.Context, kind assets.Kind, batch []*assets.Asset, patience time.Duration) (rest []*assets.Asset, err error) {
	w.Log.Warn().Int("assets", len(batch)).Msg("no answer to a write: looking up what arrived")
	before := maps.Clone(w.to.rows)
	if err := w.settle(ctx, kind, batch, before, patience); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := w.to.readKeys(ctx, batch); err != nil {
		return nil, err
	}
	for _, a := range batch {
		was, had := before[a.Key()]
		row, has := w.to.rows[a.Key()]
		changed := w.to.me.ID != 0 && row.ChangedOn != was.ChangedOn
		switch {
		case had && !has:
			w.fail(a.Key(), "somebody deleted it meanwhile: a conflict")
		case w.to.equal(a), changed && row.ChangedBy == w.to.me.ID:
			w.arrived([]*assets.Asset{a})
		case changed:
			w.fail(a.Key(), "%s changed it meanwhile: a conflict", row.By)
		default:
			rest = append(rest, a)
		}
	}
	return rest, nil
}

// settle reads the rows of a batch until they show that it was written. A proxy
// gives up while the server goes on: so they are read for as long again as the
// proxy waited, for what is sent meanwhile would meet the first. A server that
// does not answer at all is asked for a minute.
func (w *writer) settle(ctx context.Context, kind assets.Kind, batch []*assets.Asset, before map[assets.Key]superset.Row, patience time.Duration) error {
	began := time.Now()
	for wait := time.Second; ; wait *= 2 {
		err := w.relist(ctx, kind, keysOf(batch))
		written := slices.ContainsFunc(batch, func(a *assets.Asset) bool {
			return w.to.rows[a.Key()].ChangedOn != before[a.Key()].ChangedOn
		})
		if err != nil {
			patience = time.Minute
		}
		if err == nil && written || time.Since(began) >= patience || ctx.Err() != nil {
			return err
		}
		w.pause(ctx, wait)
	}
}

// pause waits, unless the run is to end.
func (w *writer) pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// readKeys reads assets of one kind again.
func (t *site) readKeys(ctx context.Context, batch []*assets.Asset) error {
	var ids []int
	for _, a := range batch {
		if row, ok := t.rows[a.Key()]; ok {
			ids = append(ids, row.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := t.exportKind(ctx, batch[0].Kind, ids); err != nil {
		return err
	}
	for _, a := range batch {
		raw, ok := t.raws[a.Key()]
		if row, listed := t.rows[a.Key()]; ok && listed {
			t.set.Add(t.asset(raw, row))
		}
	}
	return nil
}
