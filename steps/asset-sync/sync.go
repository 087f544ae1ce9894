package main

import (
	"context"
	"errors"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var syncProgram = step.Program{
	Name: "sync",
	Contract: `Makes an environment like a place: plans, asks, keeps what it will overwrite,
writes, reads everything back and reports. A second run writes nothing.

What others edited, and names that other assets hold, are conflicts: they are
left alone and listed.`,
	Exits: exits,
	Examples: []string{
		"asset-sync sync --from prod --to qa",
		"asset-sync sync --from assets@v1.2 --to qa --only dashboard:sales --yes",
		"asset-sync sync --from assets --to qa --delete --since HEAD~1 --yes",
	},
}

var planProgram = step.Program{
	Name:     "plan",
	Contract: "Shows what sync would do, and writes nothing: the same as sync --dry-run.",
	Exits:    exits,
	Examples: []string{
		"asset-sync plan --from prod --to qa",
		"asset-sync plan --from assets --to qa --format markdown --exit-code",
	},
}

// Planned is the configuration of plan, and the larger part of sync's.
type Planned struct {
	Settings  `embed:""`
	Filter    Filter `embed:""`
	From      string `name:"from" env:"PATCHBAY_ASSETS_FROM" placeholder:"PLACE" help:"What the environment shall be like."`
	To        string `name:"to" env:"PATCHBAY_ASSETS_TO" placeholder:"ENVIRONMENT" help:"What is made so."`
	Snapshots string `name:"snapshots" env:"PATCHBAY_ASSETS_SNAPSHOTS" default:"snapshots" placeholder:"DIR" help:"Where what is overwritten is kept, for rollback."`
	Overwrite bool   `name:"overwrite-conflicts" env:"PATCHBAY_ASSETS_OVERWRITE_CONFLICTS" help:"Overwrite what others edited. Names that other assets hold are never taken over."`
	Delete    bool   `name:"delete" env:"PATCHBAY_ASSETS_DELETE" help:"Delete what an earlier state of the source held (--since) and this one does not."`
	Since     string `name:"since" env:"PATCHBAY_ASSETS_SINCE" placeholder:"REV" help:"With --delete: the earlier state, a git revision of the tree or any place."`
	MaxDelete int    `name:"max-delete" env:"PATCHBAY_ASSETS_MAX_DELETE" default:"10" help:"With --delete: more than this refuses the run."`
	ExitCode  bool   `name:"exit-code" env:"PATCHBAY_ASSETS_EXIT_CODE" help:"With a plan: exit status 4 when there is something to do."`
}

// Sync is the configuration of sync.
type Sync struct {
	Planned  `embed:""`
	DryRun   bool   `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Plan only."`
	Yes      bool   `name:"yes" short:"y" env:"PATCHBAY_ASSETS_YES" help:"Do not ask."`
	Confirm  string `name:"confirm" env:"PATCHBAY_ASSETS_CONFIRM" placeholder:"NAME" help:"The environment's name: needed for a protected one where nobody can type it."`
	Fix      bool   `name:"fix-cross-filters" env:"PATCHBAY_ASSETS_FIX_CROSS_FILTERS" default:"true" negatable:"" help:"Bring filters and cross filters into the target's ids; without, they are left to the server's importer, which knows some of them."`
	Continue bool   `name:"continue-on-error" env:"PATCHBAY_ASSETS_CONTINUE_ON_ERROR" default:"true" negatable:"" help:"Go on with the rest when an asset is refused."`
}

// Faults lists what is missing or does not go together.
func (c Planned) Faults() (faults []error) {
	if c.From == "" {
		faults = append(faults, errors.New("--from is missing: the place to take from"))
	}
	if c.To == "" {
		faults = append(faults, errors.New("--to is missing: the environment to change"))
	}
	if c.From == c.To && c.From != "" {
		faults = append(faults, errors.New("--from and --to are the same"))
	}
	if c.Delete != (c.Since != "") {
		faults = append(faults, errors.New("--delete and --since go together: only what an earlier state held is deleted"))
	}
	if c.MaxDelete < 0 {
		faults = append(faults, errors.New("--max-delete: want 0 or more"))
	}
	return faults
}

func plan(ctx context.Context, s *step.Session, c *Planned) error {
	return (&synchronisation{Session: s, Sync: Sync{Planned: *c, DryRun: true}, command: "plan"}).run(ctx)
}

func synchronise(ctx context.Context, s *step.Session, c *Sync) error {
	return (&synchronisation{Session: s, Sync: *c, command: "sync"}).run(ctx)
}

// synchronisation is one run of plan or sync.
type synchronisation struct {
	*step.Session
	Sync
	command string

	reader *reader
	result *change.AssetSync
	source *assets.Set
	from   *site // nil when the source is files
	to     *site
	plan   assets.Plan
}

func (y *synchronisation) run(ctx context.Context) error {
	y.result = &change.AssetSync{Command: y.command, From: y.From, To: y.To, Counts: map[string]int{}}
	if err := y.prepare(ctx); err != nil {
		return y.Fail(y.result, refusedOr(err, change.Failed), err)
	}
	y.report()
	if reason := y.refusal(); reason != nil {
		return y.end(change.Refused, reason)
	}
	switch {
	case y.DryRun || !y.plan.Pending():
		return y.planned()
	default:
		return y.apply(ctx)
	}
}

// refusedOr is the outcome of what ended a run before it wrote anything.
func refusedOr(err error, otherwise change.Outcome) change.Outcome {
	if change.AsFailure(err).Kind == change.KindConfiguration {
		return change.Refused
	}
	return otherwise
}

// planned ends a run that has nothing to write, or must not.
func (y *synchronisation) planned() error {
	outcome := change.Nothing
	if y.plan.Pending() {
		outcome = change.Done
	}
	if y.DryRun {
		if err := y.end(outcome, nil); err != nil || !y.ExitCode || !y.plan.Pending() {
			return err
		}
		return step.ErrPending
	}
	return y.end(outcome, y.unsettled())
}

// unsettled says that conflicts or broken assets are left.
func (y *synchronisation) unsettled() error {
	if n := y.result.Counts["conflict"] + y.result.Counts["broken"]; n > 0 {
		return change.Failf(change.KindInfrastructure, "%s left alone: conflicts or broken", plural(n, "asset")).
			WithHint("look at the reasons; --overwrite-conflicts overwrites what others edited")
	}
	return nil
}

// begun takes the blame off the configuration once writing has begun, whatever
// ended it: exit status 2 says that nothing was written.
func begun(outcome change.Outcome, err error) error {
	f := change.AsFailure(err)
	if outcome == change.Refused || f.Kind != change.KindConfiguration {
		return err
	}
	ended := *f
	ended.Kind = change.KindInfrastructure
	return errors.Join(append([]error{&ended}, change.Beside(err)...)...)
}

// end writes the result; a failure is told with it.
func (y *synchronisation) end(outcome change.Outcome, failure error) error {
	if failure != nil && outcome == change.Nothing {
		outcome = change.Partial
	}
	y.result.Outcome = outcome
	for _, t := range []*site{y.from, y.to} {
		if t != nil {
			sent, written := t.client.Requests()
			y.result.Requests, y.result.Writes = y.result.Requests+sent, y.result.Writes+written
		}
	}
	if failure != nil {
		failure = begun(outcome, failure)
		y.result.Failure = change.AsFailure(failure)
	}
	return errors.Join(failure, publish(y.Session, y.Format, y.result, y.summary()))
}
