package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
)

// apply asks, keeps, writes, reads back and reports.
func (y *synchronisation) apply(ctx context.Context) error {
	if err := y.confirm(ctx); err != nil {
		return y.end(change.Refused, err)
	}
	unlock, err := y.lock()
	if err != nil {
		return y.end(change.Refused, err)
	}
	defer unlock()
	kept, err := y.keep()
	if err != nil {
		return y.end(refusedOr(err, change.Failed), err)
	}
	y.result.Snapshot = kept.name
	w := y.writer()
	w.write(ctx, y.wanted(), y.plan.Of(assets.Delete), y.reader.config.create)
	return y.finish(ctx, w, w.verify(ctx))
}

// wanted are the assets that are to be written.
func (y *synchronisation) wanted() (all []*assets.Asset) {
	for _, s := range y.plan.Of(assets.Create, assets.Update) {
		all = append(all, y.source.Get(s.Key))
	}
	return all
}

// finish tells what became of each asset.
func (y *synchronisation) finish(ctx context.Context, w *writer, verified error) error {
	failed := 0
	for i := range y.result.Assets {
		c := &y.result.Assets[i]
		key := assets.Key{Kind: assets.Kind(c.Kind), UUID: c.UUID}
		if !slices.Contains([]string{"create", "update", "delete"}, c.Action) {
			continue
		}
		c.URL = y.pageOf(key)
		switch reason, bad := w.failed[key]; {
		case bad:
			c.Done, c.Reason = "failed", change.OneLine(reason)
			failed++
		case w.done[key]:
			c.Done = "done"
		default:
			c.Done = "skipped"
			failed++
		}
	}
	for _, note := range w.notes {
		y.note("%s", note)
	}
	switch {
	case ctx.Err() != nil:
		return y.end(change.Partial, y.cancelled())
	case w.fatal != nil:
		return y.end(outcomeOf(w), errors.Join(w.fatal, verified))
	case verified != nil:
		return y.end(change.Partial, fmt.Errorf("read back: %w", verified))
	case failed > 0:
		return y.end(outcomeOf(w), change.Failf(change.KindInfrastructure, "%s did not arrive as planned", plural(failed, "asset")).WithHint("the reasons stand beside them; a second run goes on"))
	}
	if left := y.unsettled(); left != nil {
		return y.end(change.Partial, left)
	}
	return y.end(change.Synced, nil)
}

// cancelled says how to go on. What was written has not been read back: the
// next run does that.
func (y *synchronisation) cancelled() error {
	f := change.Failf(change.KindCancelled, "cancelled after the request under way; run the same command again to finish")
	if y.result.Snapshot != "" {
		f.Message += fmt.Sprintf(", or asset-sync rollback --to %s %s", y.To, y.result.Snapshot)
	}
	return f
}

func outcomeOf(w *writer) change.Outcome {
	if len(w.done) == 0 {
		return change.Failed
	}
	return change.Partial
}

// moment is a name that sorts by time.
func moment(now time.Time) string { return now.UTC().Format("20060102T150405Z") }
