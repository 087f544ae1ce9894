package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// freeSlugs takes the slugs that dashboards are to get from those that have
// them and are to lose them: an import would take these over. Two may exchange
// theirs, so each has one of its own in between.
func (w *writer) freeSlugs(ctx context.Context, doomed []assets.Step) {
	holders := w.losing(doomed)
	if len(holders) == 0 || w.stopped(ctx) {
		return
	}
	if w.fatal = w.to.refresh(ctx, holders); w.fatal != nil {
		return
	}
	for _, k := range holders {
		row := w.to.rows[k]
		if w.moved(k) != "" || w.stopped(ctx) {
			continue // told when its turn comes
		}
		body := map[string]any{"slug": fmt.Sprintf("%.200s-%.8s", row.Slug, k.UUID)}
		if err := w.to.client.Send(context.WithoutCancel(ctx), http.MethodPut, fmt.Sprintf("/api/v1/dashboard/%d", row.ID), body, nil); err != nil {
			w.fail(k, "its slug: %v", err)
			continue
		}
		w.between = append(w.between, k)
	}
	if w.fatal = w.to.refresh(context.WithoutCancel(ctx), holders); w.fatal != nil {
		return
	}
	for _, k := range w.between {
		if row := w.to.rows[k]; w.to.me.ID == 0 || row.ChangedBy == w.to.me.ID {
			w.plan[k] = row
		}
	}
}

// slugsBetween tells of dashboards that were left with a slug in between.
func (w *writer) slugsBetween() {
	for _, k := range w.between {
		if row := w.to.rows[k]; !w.done[k] {
			w.notes = append(w.notes, fmt.Sprintf("dashboard %q has the slug %q until it can be written", row.Title, row.Slug))
		}
	}
}

// losing are the dashboards whose slugs go to others.
func (w *writer) losing(doomed []assets.Step) (keys []assets.Key) {
	wanted := w.of(assets.Dashboard)
	for k, row := range w.plan {
		goes := slices.ContainsFunc(doomed, func(s assets.Step) bool { return s.Key == k }) || w.wanted[k] != nil && w.wanted[k].Slug() != row.Slug
		taken := slices.ContainsFunc(wanted, func(a *assets.Asset) bool { return a.Key() != k && a.Slug() == row.Slug })
		if k.Kind == assets.Dashboard && row.Slug != "" && goes && taken {
			keys = append(keys, k)
		}
	}
	return keys
}
