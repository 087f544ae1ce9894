package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// linksReplaced is the first release whose import of a dashboard takes away the
// charts that left it; older ones only add.
var linksReplaced = assets.Version{Major: 6, Minor: 1}

// members takes charts off the dashboards that were written without them.
func (w *writer) members(ctx context.Context) {
	written := map[int]*assets.Asset{}
	for _, a := range w.of(assets.Dashboard) {
		if row, there := w.to.rows[a.Key()]; there && w.done[a.Key()] {
			written[row.ID] = a
		}
	}
	if len(written) == 0 || !w.to.version.Before(linksReplaced) || w.stopped(ctx) {
		return
	}
	if err := w.to.relist(ctx, assets.Chart); err != nil {
		w.fatal = err
		return
	}
	for key, row := range w.to.rows {
		stays := slices.DeleteFunc(slices.Clone(row.Dashboards), func(id int) bool {
			return written[id] != nil && !slices.Contains(written[id].Charts(), key.UUID)
		})
		if key.Kind != assets.Chart || len(stays) == len(row.Dashboards) || w.stopped(ctx) {
			continue
		}
		if err := w.to.client.Send(context.WithoutCancel(ctx), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", row.ID), map[string]any{"dashboards": append([]int{}, stays...)}, nil); err != nil {
			w.notes = append(w.notes, fmt.Sprintf("chart %q could not be taken off a dashboard: %v", row.Title, err))
		}
	}
}
