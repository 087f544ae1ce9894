package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// remove deletes what the plan says, dashboards first.
func (w *writer) remove(ctx context.Context, doomed []assets.Step) {
	for _, kind := range []assets.Kind{assets.Dashboard, assets.Chart, assets.Dataset} {
		for _, s := range doomed {
			if s.Key.Kind != kind || w.stopped(ctx) {
				continue
			}
			if reason := w.used(s.Key); reason != "" && !w.force {
				w.fail(s.Key, "%s", reason)
				continue
			}
			id, ok := w.to.space.ID(kind, s.Key.UUID)
			if !ok {
				continue
			}
			if err := w.to.client.Delete(context.WithoutCancel(ctx), kind, []int{id}); err != nil && !errors.Is(err, superset.ErrNotFound) {
				w.fail(s.Key, "%v", err)
				continue
			}
			w.done[s.Key] = true
			w.own.Remove(s.Key)
			w.to.space.Forget(kind, s.Key.UUID)
		}
	}
}

// used says what would lose the asset: Superset deletes it all the same.
func (w *writer) used(k assets.Key) string {
	for _, a := range w.own.All() {
		if a.Key() != k && slices.Contains(a.Needs(), k) {
			return fmt.Sprintf("%s uses it", a)
		}
	}
	return ""
}
