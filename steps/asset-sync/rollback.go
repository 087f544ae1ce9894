package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var rollbackProgram = step.Program{
	Name: "rollback",
	Contract: `Takes back what a sync wrote, whole or half done: what it overwrote or deleted
becomes what it was, what it made is deleted, dashboards first. What somebody
edited since, or another asset uses, stays and is listed, unless --force.`,
	Examples: []string{
		"asset-sync rollback --to qa",
		"asset-sync rollback --to qa qa-20261124T093000Z --yes",
	},
}

// Rollback is the configuration of the sub-command.
type Rollback struct {
	Settings  `embed:""`
	To        string `name:"to" env:"PATCHBAY_ASSETS_TO" placeholder:"ENVIRONMENT" help:"The environment that was written to."`
	Name      string `arg:"" optional:"" help:"The snapshot; default: the latest of the environment."`
	Snapshots string `name:"snapshots" env:"PATCHBAY_ASSETS_SNAPSHOTS" default:"snapshots" placeholder:"DIR" help:"Where snapshots are kept."`
	Force     bool   `name:"force" env:"PATCHBAY_ASSETS_FORCE" help:"Also what was edited since or is used."`
	DryRun    bool   `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Only show."`
	Yes       bool   `name:"yes" short:"y" env:"PATCHBAY_ASSETS_YES" help:"Do not ask."`
	Confirm   string `name:"confirm" env:"PATCHBAY_ASSETS_CONFIRM" placeholder:"NAME" help:"The environment's name, for a protected one."`
}

// Faults lists what is missing.
func (c Rollback) Faults() []error {
	if c.To == "" {
		return []error{errors.New("--to is missing: the environment that was written to")}
	}
	return nil
}

func rollback(ctx context.Context, s *step.Session, c *Rollback) error {
	y := &synchronisation{Session: s, command: "rollback", Sync: Sync{
		Planned: Planned{Settings: c.Settings, From: "snapshot", To: c.To, Snapshots: c.Snapshots},
		DryRun:  c.DryRun, Yes: c.Yes, Confirm: c.Confirm, Fix: true, Continue: true,
	}}
	y.result = &change.AssetSync{Command: "rollback", To: c.To, Counts: map[string]int{}}
	kept, err := y.prepareRollback(ctx, c)
	if err != nil {
		return y.Fail(y.result, refusedOr(err, change.Failed), err)
	}
	y.report()
	if y.DryRun || !y.plan.Pending() {
		return y.planned()
	}
	if err := y.confirm(ctx); err != nil {
		return y.end(change.Refused, err)
	}
	unlock, err := y.lock()
	if err != nil {
		return y.end(change.Refused, err)
	}
	defer unlock()
	w := y.writer()
	w.force = c.Force
	w.write(ctx, y.wanted(), y.plan.Of(assets.Delete), nil)
	w.restoreOwnership(context.WithoutCancel(ctx), kept)
	return y.finish(ctx, w, w.verify(ctx))
}

// prepareRollback plans the way back.
func (y *synchronisation) prepareRollback(ctx context.Context, c *Rollback) (*snapshot, error) {
	var err error
	if y.reader, err = newReader(y.Session, y.Settings, y.Snapshots); err != nil {
		return nil, err
	}
	kept, err := openSnapshot(c.Snapshots, c.To, c.Name)
	if err != nil {
		return nil, err
	}
	if e, err := y.reader.environment(c.To); err != nil || kept.Environment != c.To || kept.URL != e.URL {
		return nil, errors.Join(err, change.Failf(change.KindConfiguration, "snapshot %s is of %s at %s", kept.name, kept.Environment, kept.URL))
	}
	y.From = "snapshot:" + kept.name
	y.result.From = y.From
	before, err := y.reader.tree(filepath.Join(kept.dir, "before"), y.From)
	if err != nil {
		return nil, err
	}
	y.source = before.set
	if y.to, err = y.reader.site(ctx, c.To, false); err != nil {
		return nil, err
	}
	y.plan = y.wayBack(kept, c.Force)
	return kept, nil
}

// wayBack is the plan: the kept assets as they were, the made ones deleted.
func (y *synchronisation) wayBack(kept *snapshot, force bool) assets.Plan {
	y.fitPeople()
	existing := y.to.existing()
	doomed := map[assets.Key]bool{}
	for _, key := range kept.Created {
		doomed[key] = key.Kind != assets.Database
	}
	p := assets.MakePlan(y.source, assets.Target{Set: y.to.set, Existing: existing, Me: y.to.me.ID, Space: y.to.space},
		assets.Options{Overwrite: force, Delete: doomed, In: assets.Selection{UUIDs: uuids(kept.Created)}})
	return p
}

func uuids(keys []assets.Key) (all []string) {
	for _, key := range keys {
		all = append(all, key.UUID)
	}
	return append(all, "-") // of nothing there is nothing
}

// restoreOwnership gives assets their owners, and dashboards their roles,
// back: imports add the account to the owners.
func (w *writer) restoreOwnership(ctx context.Context, kept *snapshot) {
	roles, err := w.to.client.Roles(ctx)
	if err != nil {
		w.notes = append(w.notes, "roles were not restored: "+err.Error())
	}
	if err := w.to.list(ctx); err != nil {
		w.fatal = err
		return
	}
	for _, key := range kept.Before {
		row, there := w.to.rows[key]
		held := kept.Held[key.UUID]
		if !there || key.Kind == assets.Database || sameOwnership(w.to.ownership(key), held) {
			continue
		}
		body := map[string]any{"owners": held.Owners}
		if held.Owners == nil {
			body["owners"] = []int{}
		}
		if key.Kind == assets.Dashboard && roles != nil {
			ids := []int{}
			for _, name := range held.Roles {
				ids = append(ids, roles[name])
			}
			body["roles"] = ids
		}
		if err := w.to.client.Send(ctx, http.MethodPut, fmt.Sprintf("/api/v1/%s/%d", key.Kind, row.ID), body, nil); err != nil {
			w.fail(key, "its owners: %v", err)
		}
	}
}

func sameOwnership(a, b ownership) bool {
	sorted := func(ids []int) []int { ids = slices.Clone(ids); slices.Sort(ids); return ids }
	names := func(all []string) []string { all = slices.Clone(all); slices.Sort(all); return all }
	return slices.Equal(sorted(a.Owners), sorted(b.Owners)) && slices.Equal(names(a.Roles), names(b.Roles))
}

// equal says that an asset of the target is as wanted.
func (t *site) equal(a *assets.Asset) bool {
	there := t.set.Get(a.Key())
	return there != nil && document.Equal(there.Doc, a.Doc)
}
