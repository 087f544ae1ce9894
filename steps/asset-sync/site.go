package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// site is one environment as it was read.
type site struct {
	environment
	client  *superset.Client
	config  *configuration
	me      superset.Me
	version assets.Version
	rows    map[assets.Key]superset.Row
	people  *assets.People // nil where owners are kept
	cache   *cache

	readRows map[assets.Key]superset.Row // as they were when raws was read
	raws     map[assets.Key]assets.Raw   // databases by UUID, with the environment's own definition
	space    *assets.Space
	set      *assets.Set
}

// readSite reads a whole environment: its lists, and what changed since the
// cache was written.
func readSite(ctx context.Context, s *step.Session, c *configuration, e environment, cache *cache, readOnly bool) (*site, error) {
	client, err := e.client(s, readOnly)
	if err != nil {
		return nil, err
	}
	t := &site{environment: e, client: client, config: c, cache: cache}
	if !readOnly { // who only reads does not ask
		t.version, _ = client.Version(ctx)
	}
	if !readOnly || c.Owners == ownersMap {
		if t.me, err = client.Me(ctx); err != nil {
			s.Log.Debug().Err(err).Msg("who the account is could not be asked")
		}
	}
	if c.Owners == ownersMap {
		if t.people, err = readPeople(ctx, client, t.me.ID); err != nil {
			return nil, err
		}
	}
	if err := t.list(ctx); err != nil {
		return nil, err
	}
	s.Log.Info().Str("environment", e.name).Int("assets", len(t.rows)).Msg("listed")
	if err := t.export(ctx, cache); err != nil {
		return nil, err
	}
	s.Log.Info().Str("environment", e.name).Int("assets", len(t.raws)).Msg("read")
	return t, t.canonicalise(ctx)
}

// list reads the lists of all kinds.
func (t *site) list(ctx context.Context) error {
	t.rows = map[assets.Key]superset.Row{}
	for _, kind := range assets.Kinds {
		if err := t.relist(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

// relist reads the list of a kind again.
func (t *site) relist(ctx context.Context, kind assets.Kind) error {
	rows, err := t.client.List(ctx, kind)
	if err != nil {
		return err
	}
	for key := range t.rows {
		if key.Kind == kind {
			delete(t.rows, key)
		}
	}
	for _, row := range rows {
		t.rows[row.Key()] = row
	}
	return nil
}

// refresh reads the rows of some assets again: by their UUIDs where the server
// can and they are few, else the whole lists of their kinds.
func (t *site) refresh(ctx context.Context, keys []assets.Key) error {
	byKind := map[assets.Kind][]string{}
	for _, key := range keys {
		byKind[key.Kind] = append(byKind[key.Kind], key.UUID)
	}
	for kind, uuids := range byKind {
		if len(uuids) > superset.ManyUUIDs || kind == assets.Database || t.version.Before(assets.Version{Major: 6}) || t.version == (assets.Version{}) {
			if err := t.relist(ctx, kind); err != nil {
				return err
			}
			continue
		}
		rows, err := t.client.ListByUUID(ctx, kind, uuids)
		if err != nil {
			return err
		}
		for _, uuid := range uuids {
			delete(t.rows, assets.Key{Kind: kind, UUID: uuid})
		}
		for _, row := range rows {
			t.rows[row.Key()] = row
		}
	}
	return nil
}

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

// canonicalise brings everything into the canonical form.
func (t *site) canonicalise(ctx context.Context) error {
	t.space = assets.NewSpace()
	seen := map[string]string{}
	for _, row := range t.rows {
		t.space.Add(row.Kind, row.ID, row.UUID)
		if row.Kind != assets.Database {
			continue
		}
		logical := t.config.logical(t.name, row.Title, row.UUID)
		if other, taken := seen[logical]; taken {
			return change.Failf(change.KindConfiguration, "%s: the databases %q and %q are both %q", t.name, other, row.Title, logical).
				WithHint("give one of them another logical name under databases in asset-sync.yaml")
		}
		seen[logical] = row.Title
		t.space.AddDatabase(row.UUID, logical)
	}
	if err := t.layers(ctx); err != nil {
		return err
	}
	t.set = assets.NewSet()
	for key, row := range t.rows {
		if raw, ok := t.raws[key]; ok {
			t.set.Add(t.asset(raw, row))
			if key.Kind != assets.Database { // its text is enough from here on
				raw.Doc = nil
				t.raws[key] = raw
			}
		} else if row.Kind == assets.Database {
			t.set.Add(assets.Canonical(assets.Raw{Kind: row.Kind, UUID: row.UUID}, t.space))
		}
	}
	return nil
}

// asset takes the tags from the list: an export has them as they were when the
// asset was last changed otherwise, or not at all.
func (t *site) asset(raw assets.Raw, row superset.Row) *assets.Asset {
	a := assets.Canonical(raw, t.space)
	if row.Kind == assets.Chart || row.Kind == assets.Dashboard {
		a.SetTags(row.Tags)
	}
	if t.people != nil && row.Kind != assets.Database {
		a.SetPeople(t.people.Owners(idsOf(row.Owners)), row.Roles)
	}
	return a
}

// layers reads the annotation layers where a chart has one.
func (t *site) layers(ctx context.Context) error {
	used := false
	for _, raw := range t.raws {
		used = used || raw.Kind == assets.Chart && bytes.Contains(raw.Text, []byte("NATIVE"))
	}
	if !used {
		return nil
	}
	return t.addLayers(ctx)
}

func (t *site) addLayers(ctx context.Context) error {
	layers, err := t.client.Layers(ctx)
	if err != nil {
		return fmt.Errorf("list the annotation layers: %w", err)
	}
	for id, name := range layers {
		t.space.AddLayer(id, name)
	}
	return nil
}
