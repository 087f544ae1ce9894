package main

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// export takes what the cache has and asks for the rest: everything at once
// where much is missing and the account may, else by kinds. What was asked for
// before the rows were read is taken, but for what has moved since.
func (t *site) export(ctx context.Context, cache *cache, before *early) error {
	t.raws = map[assets.Key]assets.Raw{}
	missing, many := t.takeCached(cache)
	switch {
	case before != nil:
		if err := t.take(t.raws, before.bundle); err != nil {
			return err
		}
		missing = t.stillMissing(before.rows)
	case many > manyMissing:
		told := newProgress(t.session, total(missing), "%s: assets read at once", t.name)
		told.add(0)
		all, err := t.exportAll(ctx)
		if err != nil {
			return err
		}
		if all != nil {
			if err := t.take(t.raws, all); err != nil {
				return err
			}
			told.add(told.of)
			missing = t.stillMissing(nil)
		}
	}
	if err := t.exportMissing(ctx, missing); err != nil {
		return err
	}
	t.readRows = maps.Clone(t.rows)
	return cache.write(t)
}

const manyMissing = 20 // charts and dashboards for which a whole export is quicker than one by kinds

// early is an export of everything, and the rows as they were before it.
type early struct {
	bundle []byte
	rows   map[assets.Key]superset.Row
}

// takeCached says what the cache does not have, by kind, and how many charts
// and dashboards that are.
func (t *site) takeCached(cache *cache) (missing map[assets.Kind][]int, total int) {
	missing = map[assets.Kind][]int{}
	for key, row := range t.rows {
		raw, ok := t.fresh[key]
		if !ok {
			raw, ok = cache.raw(t, row)
		}
		if ok {
			t.raws[key] = raw
			continue
		}
		if row.Kind != assets.Database {
			missing[row.Kind] = append(missing[row.Kind], row.ID)
		}
		if row.Kind == assets.Chart || row.Kind == assets.Dashboard {
			total++
		}
	}
	return missing, total
}

// exportAll is nil where the account may not, or the server cannot: a large
// site takes longer than proxies wait. Then the kinds are read in batches.
func (t *site) exportAll(ctx context.Context) ([]byte, error) {
	if t.byKinds {
		return nil, nil
	}
	bundle, err := t.client.ExportAll(ctx)
	if t.byKinds = err != nil; t.byKinds {
		t.session.Log.Info().Str("environment", t.name).AnErr("because", err).Msg("reading by kinds, not everything at once")
	}
	return bundle, ctx.Err()
}

// exportMissing reads the kinds side by side, then alone what came in no bundle.
// What went away meanwhile is not there.
func (t *site) exportMissing(ctx context.Context, missing map[assets.Kind][]int) error {
	told := newProgress(t.session, total(missing), "%s: assets read", t.name)
	bundles, faults := make([][][]byte, len(assets.Kinds)), make([]error, len(assets.Kinds))
	var all sync.WaitGroup
	for i, kind := range assets.Kinds {
		slices.Sort(missing[kind])
		all.Go(func() { bundles[i], _, faults[i] = t.client.Export(ctx, kind, missing[kind], told.add) })
	}
	all.Wait()
	if err := firstOf(faults); err != nil {
		return err
	}
	if err := t.take(t.raws, slices.Concat(bundles...)...); err != nil || len(missing[assets.Dataset]) < 2 {
		return err
	}
	for _, id := range t.lost(missing[assets.Dataset]) {
		if err := t.exportKind(ctx, assets.Dataset, []int{id}); err != nil {
			return err
		}
	}
	return nil
}

func total(ids map[assets.Kind][]int) (n int) {
	for _, some := range ids {
		n += len(some)
	}
	return n
}

func (t *site) exportKind(ctx context.Context, kind assets.Kind, ids []int) error {
	return t.exportMissing(ctx, map[assets.Kind][]int{kind: ids})
}

// exportInto exports assets of a kind and names those that are gone.
func (t *site) exportInto(ctx context.Context, kind assets.Kind, ids []int, into map[assets.Key]assets.Raw) (gone []int, err error) {
	told := newProgress(t.session, len(ids), "%s: %s read", t.name, kind.Folder())
	bundles, gone, err := t.client.Export(ctx, kind, ids, told.add)
	if err != nil {
		return nil, err
	}
	return gone, t.take(into, bundles...)
}

// lost are the datasets that an export left out: before 6.0 two tables of one
// name in different schemas have one file name.
func (t *site) lost(ids []int) (lost []int) {
	for key, row := range t.rows {
		if _, there := t.raws[key]; key.Kind == assets.Dataset && !there && slices.Contains(ids, row.ID) {
			lost = append(lost, row.ID)
		}
	}
	return lost
}

func (t *site) take(into map[assets.Key]assets.Raw, bundles ...[]byte) error {
	for _, bundle := range bundles {
		raws, err := assets.ReadExport(bundle)
		if err != nil {
			return change.Failf(change.KindInfrastructure, "read the export of %s: %w", t.name, err)
		}
		for _, raw := range raws {
			into[assets.Key{Kind: raw.Kind, UUID: raw.UUID}] = raw
		}
	}
	return nil
}

// stillMissing: two assets of one file name are one in an export, and what
// changed after the rows were read, if such are given, may be older in it.
func (t *site) stillMissing(before map[assets.Key]superset.Row) map[assets.Kind][]int {
	missing := map[assets.Kind][]int{}
	for key, row := range t.rows {
		_, ok := t.raws[key]
		moved := before != nil && before[key].ChangedOn != row.ChangedOn
		if (!ok || moved) && row.UUID != "" && row.Kind != assets.Database {
			missing[row.Kind] = append(missing[row.Kind], row.ID)
		}
	}
	return missing
}

// members are the ids of the charts on a dashboard, by the charts' own list.
func (t *site) members(row superset.Row) (ids []int) {
	if row.Kind != assets.Dashboard {
		return nil
	}
	for _, chart := range t.rows {
		if chart.Kind == assets.Chart && slices.Contains(chart.Dashboards, row.ID) {
			ids = append(ids, chart.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
