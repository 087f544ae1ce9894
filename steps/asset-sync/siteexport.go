package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// export takes what the cache has and asks for the rest: everything at once
// where much is missing and the account may, else by kinds.
func (t *site) export(ctx context.Context, cache *cache) error {
	t.raws = map[assets.Key]assets.Raw{}
	missing := map[assets.Kind][]int{}
	total := 0
	for key, row := range t.rows {
		if raw, ok := cache.raw(row, t.members(row)); ok {
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
	if total > 20 {
		all, err := t.exportAll(ctx)
		if err != nil {
			return err
		}
		if all {
			missing = t.stillMissing()
		}
	}
	for _, kind := range assets.Kinds {
		if err := t.exportKind(ctx, kind, missing[kind]); err != nil {
			return err
		}
	}
	t.nameRows()
	t.readRows = maps.Clone(t.rows)
	return cache.write(t)
}

// exportAll is false where the account may not, or the server cannot.
func (t *site) exportAll(ctx context.Context) (bool, error) {
	bundle, err := t.client.ExportAll(ctx)
	var refused *superset.Refused
	if change.AsFailure(err) != nil && (errors.As(err, &refused) || change.AsFailure(err).Kind == change.KindConfiguration || errors.Is(err, superset.ErrNotFound)) {
		return false, ctx.Err()
	}
	if err != nil {
		return false, err
	}
	return true, t.take(bundle)
}

func (t *site) exportKind(ctx context.Context, kind assets.Kind, ids []int) error {
	slices.Sort(ids)
	bundles, _, err := t.client.Export(ctx, kind, ids) // what went away meanwhile is not there
	if err != nil {
		return err
	}
	for _, bundle := range bundles {
		if err := t.take(bundle); err != nil {
			return err
		}
	}
	return nil
}

func (t *site) take(bundle []byte) error {
	raws, err := assets.ReadExport(bundle)
	if err != nil {
		return change.Failf(change.KindInfrastructure, "read the export of %s: %w", t.name, err)
	}
	for _, raw := range raws {
		t.raws[assets.Key{Kind: raw.Kind, UUID: raw.UUID}] = raw
	}
	return nil
}

// stillMissing: two assets of one file name are one in an export.
func (t *site) stillMissing() map[assets.Kind][]int {
	missing := map[assets.Kind][]int{}
	for key, row := range t.rows {
		if _, ok := t.raws[key]; !ok && row.UUID != "" && row.Kind != assets.Database {
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

// nameRows gives rows the UUID that old servers do not list, by what was
// exported.
func (t *site) nameRows() {
	for key, row := range t.rows {
		if row.UUID != "" {
			continue
		}
		for _, raw := range t.raws {
			if raw.Kind == row.Kind && (raw.ID == row.ID && raw.ID != 0 || raw.Kind == assets.Dataset && t.sameTable(raw, row)) {
				delete(t.rows, key)
				row.UUID = raw.UUID
				t.rows[row.Key()] = row
				break
			}
		}
	}
}

func (t *site) sameTable(raw assets.Raw, row superset.Row) bool {
	return raw.Doc.Get("table_name").Str() == row.Title && raw.Doc.Get("schema").Str() == row.Schema &&
		(row.Database == "" || raw.Doc.Get("database_uuid").Str() == row.Database)
}
