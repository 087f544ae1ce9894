package candidate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

// deployment is one engine run: a tree onto a database.
type deployment struct {
	database   string
	revision   string
	parameters map[string]string
	candidate  bool   // the candidate's run, not the base's
	previous   string // the base's commit, when it has a model

	first func(context.Context) error // done to the database before the engine enters it; may be nil
}

// deploy starts the engine and meanwhile lays the tree out and makes the
// throw-away login; it removes both again. The report is there with an error,
// too: its warnings say what could not be removed.
func (b *Builder) deploy(ctx context.Context, d deployment) (report *changelog.Report, err error) {
	report = &changelog.Report{}
	dir, err := os.MkdirTemp("", "patchbay-")
	if err != nil {
		return report, fmt.Errorf("make a directory for the engine: %w", err)
	}
	defer func() { err = removed(report, err, os.RemoveAll(dir)) }()
	job := changelog.Job{
		Server: b.Server, Parameters: d.parameters,
		Progress: func(line string) { b.Say(change.OneLine(line)) },
	}
	if job.Scratch, err = subdirectory(dir, "scratch"); err != nil {
		return report, err
	}
	if job.Dir, err = subdirectory(dir, "tree"); err != nil {
		return report, err
	}
	if d.candidate {
		if job.Previous, err = subdirectory(dir, "base"); err != nil {
			return report, err
		}
	}
	return report, b.withLogin(ctx, d, job, report)
}

// removed is the error of a run after its clean-up: the run's own, else the
// clean-up's. A clean-up that fails after the run has failed is a warning.
func removed(report *changelog.Report, ran, cleaned error) error {
	if ran == nil || cleaned == nil {
		return errors.Join(ran, cleaned)
	}
	report.Warnings = append(report.Warnings, leftBehind(cleaned))
	return ran
}

func subdirectory(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.Mkdir(path, 0o700)
}

// layOut writes the model of a commit into a directory; of no commit, nothing.
func (b *Builder) layOut(ctx context.Context, revision, dir string) error {
	if revision == "" {
		return nil
	}
	_, err := b.Repo.Checkout(ctx, revision, b.Settings.ModelDir, dir, repo.CheckoutLimits{})
	return err
}

// ready is what the engine waits for.
func (b *Builder) ready(ctx context.Context, d deployment, job changelog.Job) error {
	if d.first != nil {
		if err := d.first(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(b.layOut(ctx, d.revision, job.Dir), b.layOut(ctx, d.previous, job.Previous)); err != nil {
		return err
	}
	if err := b.Server.CreateLogin(ctx, job.Login, b.Settings.loginLimits()); err != nil {
		return fmt.Errorf("make the engine's login: %w", err)
	}
	return nil
}

// withLogin runs the engine as a login that exists for this run only. Its
// removal is part of the result: a role that stays is an open door.
func (b *Builder) withLogin(ctx context.Context, d deployment, job changelog.Job, report *changelog.Report) (err error) {
	job.Login = pg.NewLogin(b.Names.Login(d.database), d.database, b.Owner)
	job.Ready = func(ctx context.Context) error { return b.ready(ctx, d, job) }
	defer func() {
		ctx, cancel := cleanup(ctx)
		defer cancel()
		err = removed(report, err, b.Server.DropLogin(ctx, job.Login))
	}()
	done, err := b.Engine.Apply(ctx, job)
	if done != nil {
		*report = *done
	}
	return err
}
