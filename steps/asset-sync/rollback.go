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
	Exits: exits,
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
	w.restoreOwnership(ctx, kept)
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
	if kept.roles, err = y.to.client.Roles(ctx); err != nil {
		return nil, err
	}
	if kept.accounts, err = y.to.accounts(ctx); err != nil {
		return nil, err
	}
	y.plan = y.wayBack(kept, c.Force)
	return kept, nil
}

// wayBack is the plan: the kept assets as they were, the made ones deleted.
func (y *synchronisation) wayBack(kept *snapshot, force bool) assets.Plan {
	y.fitPeople()
	doomed := map[assets.Key]bool{}
	for _, key := range kept.Created {
		doomed[key] = key.Kind != assets.Database
	}
	p := assets.MakePlan(y.source, y.target(), assets.Options{Overwrite: force, Delete: doomed, In: assets.Selection{UUIDs: uuids(kept.Created)}})
	for i, s := range p.Steps {
		y.leaveGonePeople(kept, s)
		if _, was := kept.Held[s.Key.UUID]; was && s.Action == assets.Unchanged && !y.to.held(kept, s.Key) {
			p.Steps[i].Action, p.Steps[i].What = assets.Update, []string{"owners or roles as they were"}
		}
	}
	return p
}

// leaveGonePeople takes out of what is to be restored the accounts and roles
// that are not there any more: the server would refuse all of it.
func (y *synchronisation) leaveGonePeople(kept *snapshot, s assets.Step) {
	held, was := kept.Held[s.Key.UUID]
	if !was {
		return
	}
	var left ownership
	for _, id := range held.Owners {
		if kept.accounts[id] {
			left.Owners = append(left.Owners, id)
		} else {
			y.note("%s %q: its owner, the account with the id %d, is not there any more", s.Key.Kind, s.Title, id)
		}
	}
	for _, name := range held.Roles {
		if _, there := kept.roles[name]; there {
			left.Roles = append(left.Roles, name)
		} else {
			y.note("%s %q: its role %q is not there any more", s.Key.Kind, s.Title, name)
		}
	}
	kept.Held[s.Key.UUID] = left
}

// accounts are those that may own an asset. The server may keep some out of
// that list (EXCLUDE_USERS_FROM_LISTS), so whoever owns something counts, too.
func (t *site) accounts(ctx context.Context) (map[int]bool, error) {
	listed, err := t.client.Accounts(ctx)
	there := map[int]bool{}
	for id := range listed {
		there[id] = true
	}
	for _, row := range t.rows {
		for _, id := range idsOf(row.Owners) {
			there[id] = true
		}
	}
	return there, err
}

func uuids(keys []assets.Key) (all []string) {
	for _, key := range keys {
		all = append(all, key.UUID)
	}
	return append(all, "-") // of nothing there is nothing
}

// restoreOwnership gives what was restored its owners, and dashboards their
// roles, back: imports add the account to the owners.
func (w *writer) restoreOwnership(ctx context.Context, kept *snapshot) {
	restored := slices.DeleteFunc(slices.Clone(kept.Before), func(k assets.Key) bool { return !w.done[k] || k.Kind == assets.Database })
	if len(restored) == 0 || w.stopped(ctx) {
		return
	}
	if w.fatal = w.to.refresh(ctx, restored); w.fatal != nil {
		return
	}
	for _, key := range restored {
		row, there := w.to.rows[key]
		if !there || w.to.held(kept, key) || w.stopped(ctx) {
			continue
		}
		body := kept.Held[key.UUID].body(key.Kind, kept.roles)
		if err := w.to.client.Send(context.WithoutCancel(ctx), http.MethodPut, fmt.Sprintf("/api/v1/%s/%d", key.Kind, row.ID), body, nil); err != nil {
			w.fail(key, "its owners: %v", err)
		}
	}
}

// body is what sets owners, and a dashboard's roles.
func (o ownership) body(kind assets.Kind, roles map[string]int) map[string]any {
	body := map[string]any{"owners": append([]int{}, o.Owners...)}
	if kind == assets.Dashboard {
		ids := []int{}
		for _, name := range o.Roles {
			ids = append(ids, roles[name])
		}
		body["roles"] = ids
	}
	return body
}

// held says that an asset has the owners and roles that it had.
func (t *site) held(kept *snapshot, k assets.Key) bool {
	is, was := t.ownership(k), kept.Held[k.UUID]
	return slices.Equal(slices.Sorted(slices.Values(is.Owners)), slices.Sorted(slices.Values(was.Owners))) &&
		slices.Equal(slices.Sorted(slices.Values(is.Roles)), slices.Sorted(slices.Values(was.Roles)))
}

// equal says that an asset of the target is as wanted.
func (t *site) equal(a *assets.Asset) bool {
	there := t.set.Get(a.Key())
	return there != nil && document.Equal(there.Doc, a.Doc)
}
