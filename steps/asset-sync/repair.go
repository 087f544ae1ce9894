package main

import (
	"context"
	"errors"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var repairProgram = step.Program{
	Name: "repair",
	Contract: `Finds dashboards of an environment whose filters, cross filters and links refer
to nothing, or to the wrong chart, and charts made of wrong charts, as after an
import by another tool, shows them, and mends them in place. Another place that
has them right is the witness; without one only what refers to nothing is taken
out. Nothing but references changes.`,
	Exits: exits,
	Examples: []string{
		"asset-sync repair --env qa --from prod --dry-run",
		"asset-sync repair --env qa --from assets --yes",
	},
}

// Repairing is the configuration of the sub-command.
type Repairing struct {
	Settings  `embed:""`
	Filter    Filter `embed:""`
	Env       string `name:"env" env:"PATCHBAY_ASSETS_TO" placeholder:"ENVIRONMENT" help:"The environment to mend."`
	From      string `name:"from" env:"PATCHBAY_ASSETS_FROM" placeholder:"PLACE" help:"The witness: a place where the same dashboards are right."`
	Snapshots string `name:"snapshots" env:"PATCHBAY_ASSETS_SNAPSHOTS" default:"snapshots" placeholder:"DIR" help:"Where what is overwritten is kept, for rollback."`
	DryRun    bool   `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Only show."`
	Yes       bool   `name:"yes" short:"y" env:"PATCHBAY_ASSETS_YES" help:"Do not ask."`
	Confirm   string `name:"confirm" env:"PATCHBAY_ASSETS_CONFIRM" placeholder:"NAME" help:"The environment's name, for a protected one."`
	ExitCode  bool   `name:"exit-code" env:"PATCHBAY_ASSETS_EXIT_CODE" help:"With --dry-run: exit status 4 when something is broken."`
}

// Faults lists what is missing.
func (c Repairing) Faults() []error {
	if c.Env == "" {
		return []error{errors.New("--env is missing: the environment to mend")}
	}
	return nil
}

func repair(ctx context.Context, s *step.Session, c *Repairing) error {
	y := &synchronisation{Session: s, command: "repair", Sync: Sync{
		Planned: Planned{Settings: c.Settings, Filter: c.Filter, From: c.From, To: c.Env, Snapshots: c.Snapshots, ExitCode: c.ExitCode},
		DryRun:  c.DryRun, Yes: c.Yes, Confirm: c.Confirm, Fix: true, Continue: true,
	}}
	y.result = &change.AssetSync{Command: "repair", From: c.From, To: c.Env, Counts: map[string]int{}}
	if err := y.prepareRepair(ctx); err != nil {
		return y.Fail(y.result, refusedOr(err, change.Failed), err)
	}
	y.report()
	if y.DryRun || !y.plan.Pending() {
		return y.planned()
	}
	return y.apply(ctx)
}

// prepareRepair makes a plan of the dashboards that are to be mended.
func (y *synchronisation) prepareRepair(ctx context.Context) (err error) {
	if y.reader, err = newReader(y.Session, y.Settings, y.Snapshots); err != nil {
		return err
	}
	selection, err := y.reader.config.selection(y.Filter)
	if err != nil {
		return err
	}
	witness := assets.NewSet()
	if y.From != "" {
		read, err := y.reader.read(ctx, y.From)
		if err != nil {
			return err
		}
		witness, y.from = read.set, read.site
	}
	if y.to, err = y.reader.site(ctx, y.To, false); err != nil {
		return err
	}
	y.source = assets.NewSet()
	selected := selection.Select(y.to.set)
	for _, a := range slices.Concat(selected.Of(assets.Chart), selected.Of(assets.Dashboard)) {
		step := assets.Step{Key: a.Key(), Title: a.Title(), Action: assets.Unchanged}
		if mended, what := assets.Repair(a, witness.Get(a.Key()), y.titleOf(witness)); mended != nil {
			y.source.Add(mended)
			step.Action, step.What = assets.Update, what
		}
		y.plan.Steps = append(y.plan.Steps, step)
	}
	return nil
}

func (y *synchronisation) titleOf(witness *assets.Set) assets.Titles {
	return func(k assets.Key) string {
		for _, set := range []*assets.Set{y.to.set, witness} {
			if a := set.Get(k); a != nil {
				return a.Title()
			}
		}
		return ""
	}
}
