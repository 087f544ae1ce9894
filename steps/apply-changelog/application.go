package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "apply-changelog",
	Contract: `apply-changelog applies a candidate's changelog and publishes its database.

Reads:  get-changes.json, create-temp-db.json, git objects, PostgreSQL; asks
        Gerrit once more whether the patch set is still the current one.
Does:   snapshot, the candidate's changelog on the attempt, snapshot,
        difference, swap into the public name registry-dev-<change>. When the
        candidate fails, no database stays under the public name.
Writes: apply-changelog.json (also to stdout), schema-base.json, schema.json,
        diff.json. Outcomes: applied, reused, failed, superseded, skipped.`,
	Examples: []string{
		"apply-changelog                 in a pipeline, after create-temp-db",
		"apply-changelog --keep-failed   leave a failed attempt for inspection",
		"apply-changelog --warm-cache    make the class data archive that speeds up Liquibase",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	PatchSet    step.PatchSet    `embed:""`
	Gerrit      step.Gerrit      `embed:""`
	Build       candidate.Config `embed:""`
	Timeout     time.Duration    `name:"gerrit-timeout" env:"PATCHBAY_GERRIT_TIMEOUT" default:"30s" placeholder:"TIME" help:"How long to wait for one answer of Gerrit."`
	KeepFailed  bool             `name:"keep-failed" env:"PATCHBAY_KEEP_FAILED" help:"Leave the database of a failed attempt for inspection, until the change's next run."`
	WarmCache   bool             `name:"warm-cache" help:"Make the JVM's class data archive for the Liquibase installation, and end."`
}

// WaivesFaults: making an archive needs no patch set, no Gerrit, no database.
func (c *Config) WaivesFaults() bool { return c.WarmCache }

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	if cfg.WarmCache {
		return warm(ctx, s, cfg)
	}
	patchSet := cfg.PatchSet.Value()
	result := &change.ApplyChangelog{Header: change.Header{PatchSet: patchSet}, Changesets: []string{}, Summary: []string{}}
	in, err := readInput(s, patchSet)
	if err != nil {
		return s.Fail(result, change.Failed, err)
	}
	result.Base, result.Attempt = in.changes.Base, in.changes.Attempt
	if in.ended != "" {
		result.Outcome, result.Reason = change.Skipped, in.ended
		return s.Write(result)
	}
	if err := apply(ctx, s, cfg, in, result); err != nil {
		return s.Fail(result, change.Failed, err)
	}
	s.Log.Info().Str("outcome", string(result.Outcome)).Str("database", result.Database).Msg(result.Reason)
	return errors.Join(s.Write(result), s.CI.Output("database", result.Database))
}

// input is what the earlier steps left.
type input struct {
	changes *change.GetChanges
	created *change.CreateTempDB
	ended   string // why there is nothing to do; empty when there is
}

func readInput(s *step.Session, p change.PatchSet) (in input, err error) {
	if in.changes, err = step.Require[change.GetChanges](s.RunDir, "get-changes", p, ""); err != nil {
		return in, err
	}
	if reason, ended := in.changes.EndedTheWay(); ended {
		in.ended = reason
		return in, nil
	}
	if in.created, err = step.Require[change.CreateTempDB](s.RunDir, "create-temp-db", p, in.changes.Attempt); err != nil {
		return in, err
	}
	in.ended, _ = in.created.EndedTheWay()
	return in, nil
}

func apply(ctx context.Context, s *step.Session, cfg *Config, in input, result *change.ApplyChangelog) error {
	builder, err := cfg.Build.Open(ctx, s, candidate.Recorded(in.changes))
	if err != nil {
		return err
	}
	defer builder.Close(ctx)
	result.BaseDigest, result.InputDigest = in.created.BaseDigest, in.created.InputDigest
	result.Engine = builder.Engine.Name()
	if in.created.Outcome == change.Reused {
		return reuse(ctx, s, builder, in, result)
	}
	current, err := asker(ctx, s, cfg)
	if err != nil {
		return err
	}
	run := candidate.RunOf(in.changes, string(cfg.Gerrit.URL), s.Version)
	plan, err := builder.PlanAgain(ctx, run, in.created)
	if err != nil {
		return err
	}
	applied, err := builder.Apply(ctx, candidate.Application{
		Run: run, Plan: plan, Attempt: in.created.Database, KeepFailed: cfg.KeepFailed, Current: current,
	})
	if applied != nil {
		fill(result, applied)
	}
	if err != nil || applied.Outcome == change.Superseded {
		return err
	}
	return documents(s, result, applied)
}

// asker asks Gerrit whether the patch set is still current, in one call.
func asker(ctx context.Context, s *step.Session, cfg *Config) (func(context.Context) (bool, string, error), error) {
	client, err := gerrit.New(ctx, gerrit.Config{
		URL: string(cfg.Gerrit.URL), Username: cfg.Gerrit.Username, Password: cfg.Gerrit.Password.Value(),
		UserAgent: "patchbay-apply-changelog/" + s.Version, Timeout: cfg.Timeout,
	})
	if err != nil {
		return nil, err
	}
	p := cfg.PatchSet.Value()
	return func(ctx context.Context) (bool, string, error) {
		now, err := client.Change(ctx, p.Project, p.Change)
		if errors.Is(err, gerrit.ErrNotFound) {
			return false, "the change is not visible any more", nil
		}
		if err != nil {
			return false, "", fmt.Errorf("ask Gerrit whether %s is current: %w", p, err)
		}
		return judge(p, now)
	}, nil
}

// judge says whether the patch set is the current one of an open change, or
// why not. An answer from before get-changes' is no answer: a replica of
// Gerrit may lag behind, and what it does not know has not been superseded.
func judge(p change.PatchSet, now *gerrit.Change) (current bool, reason string, err error) {
	switch {
	case now.Status != gerrit.StatusNew:
		return false, "the change is closed: " + now.Status, nil
	case now.PatchSet > p.PatchSet:
		return false, fmt.Sprintf("patch set %d is the current one", now.PatchSet), nil
	case now.PatchSet < p.PatchSet:
		return false, "", change.Failf(change.KindInfrastructure, "%s: Gerrit does not know it any more, its current patch set is %d", p, now.PatchSet).
			WithHint("does a replica of Gerrit lag behind?")
	case now.Revision != p.Revision:
		return false, "", change.Failf(change.KindInfrastructure, "%s is commit %s now, not %s", p, now.Revision, p.Revision).
			WithHint("was this patch set replaced in Gerrit, or is another server answering?")
	}
	return true, "", nil
}

func fill(result *change.ApplyChangelog, a *candidate.Applied) {
	result.Outcome, result.Reason = a.Outcome, a.Reason
	if a.Outcome == change.Applied || a.Outcome == change.Reused {
		result.Database = a.Database
	}
	result.EngineRan, result.Kept = a.EngineRan, a.Kept
	result.Changesets = append(result.Changesets, a.Changesets...)
	result.Warnings = a.Warnings
}

// summaryLines is how many lines of a difference a result repeats.
const summaryLines = 40

func documents(s *step.Session, result *change.ApplyChangelog, a *candidate.Applied) error {
	result.Summary = append(result.Summary, a.Difference.Lines(summaryLines)...)
	result.Counts, result.Hazards = a.Difference.Counts(), a.Difference.Hazards()
	var writing sync.WaitGroup
	var errs [3]error
	writing.Go(func() { errs[0] = s.WriteFile("schema.json", a.Candidate) })
	writing.Go(func() { errs[1] = s.WriteFile("diff.json", a.Difference) })
	if a.Base != nil {
		writing.Go(func() { errs[2] = s.WriteFile("schema-base.json", a.Base) })
	}
	writing.Wait()
	return errors.Join(errs[:]...)
}

// reuse repeats what the reused database says of itself.
func reuse(ctx context.Context, s *step.Session, b *candidate.Builder, in input, result *change.ApplyChangelog) error {
	reused, err := b.Reused(ctx, in.created)
	if err != nil {
		return err
	}
	fill(result, reused)
	if reused.Outcome != change.Reused {
		return nil
	}
	return documents(s, result, reused)
}

// warm makes the archive that later runs of Liquibase start faster with.
func warm(ctx context.Context, s *step.Session, cfg *Config) error {
	cache, err := cfg.Build.Cache.Dir()
	if err != nil {
		return err
	}
	s.Log.Info().Str("cache", cache).Msg("making the class data archive; this takes some seconds")
	return changelog.WarmCache(ctx, cfg.Build.Settings.Changelog, cache, s.Getenv)
}
