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
		var keys []assets.Key
		for _, s := range doomed {
			if s.Key.Kind == kind {
				keys = append(keys, s.Key)
			}
		}
		if len(keys) == 0 || w.stopped(ctx) {
			continue
		}
		if err := w.to.refresh(ctx, keys); err != nil {
			w.fatal = err
			return
		}
		for _, k := range keys {
			if !w.stopped(ctx) {
				w.removeOne(ctx, k)
			}
		}
	}
}

// removeOne deletes an asset, unless somebody changed it since the plan was
// made, or uses it. What is gone already is as wanted.
func (w *writer) removeOne(ctx context.Context, k assets.Key) {
	if row, there := w.to.rows[k]; there {
		if reason := w.stays(ctx, row); reason != "" && !w.force {
			w.fail(k, "%s", reason)
			return
		}
		if err := w.to.client.Delete(context.WithoutCancel(ctx), k.Kind, []int{row.ID}); err != nil && !errors.Is(err, superset.ErrNotFound) {
			w.fail(k, "%v", err)
			return
		}
	}
	w.done[k] = true
	w.own.Remove(k)
	w.to.space.Forget(k.Kind, k.UUID)
}

// stays says why an asset is not deleted.
func (w *writer) stays(ctx context.Context, row superset.Row) string {
	if moved := w.moved(row.Key()); moved != "" {
		return moved + " meanwhile: a conflict"
	}
	if user := w.used(row.Key()); user != "" {
		return user + " uses it"
	}
	switch users, err := w.users(ctx, row); {
	case err != nil:
		return "who uses it could not be asked: " + err.Error()
	case len(users) > 0:
		return users[0] + " uses it"
	}
	return ""
}

// used says what would lose the asset, as far as it was read: Superset deletes
// it all the same.
func (w *writer) used(k assets.Key) string {
	for _, a := range w.own.All() {
		if a.Key() != k && slices.Contains(a.Needs(), k) {
			return a.String()
		}
	}
	return ""
}

// users are what the server counts as using the asset now: somebody may have
// made it since everything was read.
func (w *writer) users(ctx context.Context, row superset.Row) (users []string, err error) {
	if row.Kind == assets.Dataset {
		return w.to.client.ChartsOf(ctx, row.ID)
	}
	for _, id := range row.Dashboards {
		uuid, _ := w.to.space.UUID(assets.Dashboard, id)
		if title := w.title(assets.Key{Kind: assets.Dashboard, UUID: uuid}); title != "" {
			users = append(users, fmt.Sprintf("dashboard %q", title))
		} else {
			users = append(users, fmt.Sprintf("dashboard %d", id))
		}
	}
	return users, nil
}
