package main

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/assets"
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
