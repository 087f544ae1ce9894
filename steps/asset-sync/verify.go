package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// verify reads back what was written and compares: a server answers 200 for
// what it left out.
func (w *writer) verify(ctx context.Context) error {
	if len(w.done) == 0 {
		return nil
	}
	known := memory(w.to, w.to.raws, w.to.readRows)
	before, err := w.readBack(ctx)
	if err != nil {
		return err
	}
	if err := w.to.export(ctx, known, before); err != nil {
		return err
	}
	if err := w.to.canonicalise(ctx); err != nil {
		return err
	}
	for key := range w.done {
		if key.Kind != assets.Database {
			w.compare(key)
		}
	}
	return nil
}

// readBack reads the rows that the run has changed and, where that is more
// than a few, everything beside them.
func (w *writer) readBack(ctx context.Context) (*early, error) {
	before := &early{rows: maps.Clone(w.to.rows)}
	var failed error
	var export sync.WaitGroup
	if len(w.done) > manyMissing {
		export.Go(func() { before.bundle, failed = w.to.exportAll(ctx) })
	}
	err := w.to.refresh(ctx, w.touched())
	export.Wait()
	if before.bundle == nil { // not asked for, or not allowed
		before = nil
	}
	return before, errors.Join(err, failed)
}

// touched are the assets whose rows the run has changed: what was written, and
// the charts that came to or left a dashboard.
func (w *writer) touched() []assets.Key {
	keys := map[assets.Key]bool{}
	for key := range w.done {
		keys[key] = true
		for _, a := range []*assets.Asset{w.wanted[key], w.to.set.Get(key)} {
			if a != nil && key.Kind == assets.Dashboard {
				for _, uuid := range a.Charts() {
					keys[assets.Key{Kind: assets.Chart, UUID: uuid}] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(keys))
}

func (w *writer) compare(key assets.Key) {
	wanted, there := w.wanted[key], w.to.set.Get(key)
	switch {
	case wanted == nil && there != nil:
		w.fail(key, "it is still there")
	case wanted == nil:
	case there == nil:
		w.fail(key, "the server said OK and did not make it")
	case document.Equal(there.Doc, wanted.Doc):
		if title := w.unlinked(wanted); title != "" {
			w.fail(key, "it shows the chart %q and is not linked to it", title)
		}
	case w.without(wanted) != "":
		w.fail(key, "it arrived without %s, which failed", w.without(wanted))
	case !w.fix && key.Kind == assets.Dashboard && assets.SameButReferences(there, wanted):
		w.notes = append(w.notes, fmt.Sprintf("%s: the importer left references that asset-sync repair mends: %s", wanted, w.differences(there, wanted)))
	default:
		w.fail(key, "it is not as sent: %s", w.differences(there, wanted))
	}
}

// unlinked is a chart in a dashboard's layout that the server does not count
// among its charts.
func (w *writer) unlinked(a *assets.Asset) string {
	if a.Kind != assets.Dashboard {
		return ""
	}
	row := w.to.rows[a.Key()]
	for _, uuid := range a.Charts() {
		key := assets.Key{Kind: assets.Chart, UUID: uuid}
		if chart, there := w.to.rows[key]; there && !slices.Contains(chart.Dashboards, row.ID) {
			return chart.Title
		}
	}
	return ""
}

func (w *writer) differences(there, wanted *assets.Asset) string {
	var all []string
	for _, d := range assets.Differences(there, wanted, w.title) {
		all = append(all, d.What)
	}
	return strings.Join(all, "; ")
}

// without names what an asset needs and what failed, of those that are not in
// the target at all.
func (w *writer) without(a *assets.Asset) string {
	var names []string
	for _, need := range a.Needs() {
		if _, bad := w.failed[need]; bad && w.to.set.Get(need) == nil {
			names = append(names, fmt.Sprint(w.wanted[need]))
		}
	}
	return strings.Join(names, ", ")
}

func (w *writer) title(k assets.Key) string {
	if a := w.own.Get(k); a != nil {
		return a.Title()
	}
	return ""
}
