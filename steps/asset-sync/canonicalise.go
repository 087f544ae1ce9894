package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

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
			a := t.asset(raw, row)
			a.Doc = t.scalars.Share(a.Doc)
			t.set.Add(a)
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
