package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/repo"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "try-change",
	Contract: `try-change shows what the commit at hand does to the database.

Reads:  the checkout in the current directory, PostgreSQL; no Gerrit.
Does:   the way of a patch set, for HEAD or the working tree, as change 0:
        base database, attempt, changelog, difference, registry-dev-0.
Writes: the difference, or the failure with its line, to the terminal;
        schema-base.json, schema.json, diff.json to the run directory.`,
	Exits: `0 it deploys; 1 infrastructure, a broken base, a limit, cancelled;
2 bad input or configuration; 3 it does not deploy.`,
	Examples: []string{
		"try-change                        the commit at hand against origin/master",
		"try-change --dirty                what is not committed yet, too",
		"try-change --base origin/release  a change for another branch",
		"try-change --drop                 remove the database again",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	Build       candidate.Config `embed:""`
	Workspace   string           `name:"workspace" env:"PATCHBAY_WORKSPACE" default:"." placeholder:"DIR" help:"The checkout."`
	Base        string           `name:"base" default:"origin/master" placeholder:"REF" help:"The branch that the commit is meant for."`
	Dirty       bool             `name:"dirty" help:"Try the working tree as it is, with what is not committed."`
	KeepFailed  bool             `name:"keep-failed" env:"PATCHBAY_KEEP_FAILED" help:"Leave the database of a failed try for inspection."`
	Drop        bool             `name:"drop" help:"Remove the database of the last try, and end."`
}

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	builder, err := cfg.Build.OpenToCreate(ctx, s, cfg.checkout)
	if err != nil {
		return err
	}
	defer builder.Close(ctx)
	owner, err := owner(cfg.Workspace)
	if err != nil {
		return err
	}
	if cfg.Drop {
		return drop(ctx, s, builder, owner)
	}
	attempt, err := begin(ctx, cfg, builder, owner)
	if err != nil {
		return err
	}
	return try(ctx, s, cfg, builder, attempt)
}

func (cfg *Config) checkout(ctx context.Context) (*repo.Repo, error) {
	repository, err := repo.Open(ctx, cfg.Workspace)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "open the checkout %s: %w", cfg.Workspace, err).
			WithHint("run try-change inside a git checkout, or give --workspace")
	}
	return repository, nil
}

// owner tells one person's tries from another's on a shared server: it stands
// where a change's project does.
func owner(workspace string) (string, error) {
	who, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find out who you are: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("find out where you are: %w", err)
	}
	path, err := filepath.Abs(workspace)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	return fmt.Sprintf("%s@%s:%s", who.Username, host, path), nil
}

func drop(ctx context.Context, s *step.Session, b *candidate.Builder, owner string) error {
	dropped, err := b.DropTry(ctx, owner)
	for _, name := range dropped {
		fmt.Fprintln(s.Stdout, "dropped", name)
	}
	if len(dropped) == 0 && err == nil {
		fmt.Fprintln(s.Stdout, "there is no database of a try")
	}
	return err
}

// begin is what get-changes does for a patch set.
func begin(ctx context.Context, cfg *Config, b *candidate.Builder, owner string) (r candidate.Run, err error) {
	revision, err := head(ctx, cfg, b.Repo)
	if err != nil {
		return r, err
	}
	tip, err := b.Repo.Resolve(ctx, cfg.Base)
	if err != nil {
		return r, change.Failf(change.KindConfiguration, "--base %s: %w", cfg.Base, err).WithHint("fetch it, or name another branch")
	}
	now, err := b.Server.Now(ctx)
	if err != nil {
		return r, err
	}
	r = candidate.Run{
		PatchSet: change.PatchSet{Project: owner, PatchSet: 1, Revision: revision},
		Attempt:  fmt.Sprintf("%08x", now.Unix()), Version: step.Version(),
	}
	if r.Base, err = b.Repo.MergeBase(ctx, revision, tip); err != nil {
		return r, err
	}
	if r.Trees, err = b.Repo.Trees(ctx, revision, cfg.Build.Settings.ModelDir); err != nil || r.Base == "" {
		return r, err
	}
	r.BaseTrees, err = b.Repo.Trees(ctx, r.Base, cfg.Build.Settings.ModelDir)
	return r, err
}

func head(ctx context.Context, cfg *Config, r *repo.Repo) (string, error) {
	if cfg.Dirty {
		return r.WorktreeTree(ctx)
	}
	return r.Resolve(ctx, "HEAD")
}

// try creates, applies and shows.
func try(ctx context.Context, s *step.Session, cfg *Config, b *candidate.Builder, r candidate.Run) error {
	created, err := b.Create(ctx, r)
	if err != nil {
		return err
	}
	applied, err := apply(ctx, cfg, b, r, created)
	if applied != nil && applied.Kept != "" {
		fmt.Fprintf(s.Stdout, "the failed attempt is kept: %s (as an administrator)\n", psql(b, applied.Kept))
	}
	if err != nil {
		return err
	}
	if err := ended(applied.Outcome, applied.Reason); err != nil {
		return err
	}
	return show(s, b, r, applied)
}

func apply(ctx context.Context, cfg *Config, b *candidate.Builder, r candidate.Run, created *candidate.Created) (*candidate.Applied, error) {
	switch created.Outcome {
	case change.Reused:
		return b.Reused(ctx, &change.CreateTempDB{
			Header:   change.Header{PatchSet: r.PatchSet, Attempt: r.Attempt},
			Database: created.Database, InputDigest: created.Plan.InputDigest,
		})
	case change.Created:
		return b.Apply(ctx, candidate.Application{
			Run: r, Plan: created.Plan, Attempt: created.Database, KeepFailed: cfg.KeepFailed,
		})
	}
	return &candidate.Applied{Outcome: created.Outcome, Reason: created.Reason}, nil
}

// ended is the failure of a try that another one has overtaken: there is no
// difference to show.
func ended(outcome change.Outcome, reason string) error {
	if outcome == change.Applied || outcome == change.Reused {
		return nil
	}
	return change.Failf(change.KindInfrastructure, "%s: %s", outcome, reason).
		WithHint("another try-change of this checkout runs or has just run: see its result, or begin again")
}

// show prints the difference for a person and leaves the documents.
func show(s *step.Session, b *candidate.Builder, r candidate.Run, a *candidate.Applied) error {
	fmt.Fprintf(s.Stdout, "%.12s on %.12s: %s\n", r.PatchSet.Revision, r.Base, a.Difference.Counts())
	for _, line := range a.Difference.Lines(len(a.Difference.Changes)) {
		fmt.Fprintln(s.Stdout, " ", line)
	}
	for _, warning := range a.Warnings {
		fmt.Fprintln(s.Stdout, "warning:", warning)
	}
	fmt.Fprintf(s.Stdout, "look at it: %s (with a login of your own, a member of %s)\n", psql(b, a.Database), b.Reader)
	var base error
	if a.Base != nil {
		base = s.WriteFile("schema-base.json", a.Base)
	}
	return errors.Join(base, s.WriteFile("schema.json", a.Candidate), s.WriteFile("diff.json", a.Difference))
}

// psql is the command that opens a database. It names no role: the service
// role must not look into a database that a candidate has filled.
func psql(b *candidate.Builder, database string) string {
	e := b.Server.Endpoint()
	return fmt.Sprintf("psql -h %s -p %d %s", e.Host, e.Port, database)
}
