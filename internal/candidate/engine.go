package candidate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

// deployment is one engine run: a tree onto a database.
type deployment struct {
	database   string
	revision   string
	parameters map[string]string
	candidate  bool   // the candidate's run, not the base's
	previous   string // the base's commit, when it has a model
}

// deploy lays the tree out, makes the throw-away login, runs the engine and
// removes both again. The report is there with an error, too: its warnings say
// what could not be removed.
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
	if job.Dir, err = b.checkout(ctx, d.revision, dir, "tree"); err != nil {
		return report, err
	}
	if d.candidate {
		if job.Previous, err = b.checkout(ctx, d.previous, dir, "base"); err != nil {
			return report, err
		}
	}
	return report, b.withLogin(ctx, d.database, job, report)
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

// checkout lays out the model of a commit; of no commit, nothing.
func (b *Builder) checkout(ctx context.Context, revision, dir, name string) (string, error) {
	path, err := subdirectory(dir, name)
	if err != nil || revision == "" {
		return path, err
	}
	_, err = b.Repo.Checkout(ctx, revision, b.Settings.ModelDir, path, repo.CheckoutLimits{})
	return path, err
}

// withLogin runs the engine as a login that exists for this run only. Its
// removal is part of the result: a role that stays is an open door.
func (b *Builder) withLogin(ctx context.Context, database string, job changelog.Job, report *changelog.Report) (err error) {
	login, err := b.Server.CreateLogin(ctx, b.Names.Login(database), database, b.Owner, b.Settings.loginLimits())
	if err != nil {
		return fmt.Errorf("make the engine's login: %w", err)
	}
	defer func() {
		ctx, cancel := cleanup(ctx)
		defer cancel()
		err = removed(report, err, b.Server.DropLogin(ctx, *login))
	}()
	job.Login = *login
	done, err := b.Engine.Apply(ctx, job)
	if done != nil {
		*report = *done
	}
	return err
}
