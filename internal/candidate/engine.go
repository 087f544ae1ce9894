package candidate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

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
}

// deploy lays the tree out, makes the throw-away login, runs the engine and
// removes both again.
func (b *Builder) deploy(ctx context.Context, d deployment) (_ *changelog.Report, err error) {
	dir, err := os.MkdirTemp("", "patchbay-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the engine: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	job := changelog.Job{
		Server: b.Server, Parameters: d.parameters,
		Progress: func(line string) { b.Say(change.OneLine(line)) },
	}
	if job.Scratch, err = subdirectory(dir, "scratch"); err != nil {
		return nil, err
	}
	if job.Dir, err = b.checkout(ctx, d.revision, dir, "tree"); err != nil {
		return nil, err
	}
	if d.candidate {
		if job.Previous, err = b.checkout(ctx, d.previous, dir, "base"); err != nil {
			return nil, err
		}
	}
	return b.withLogin(ctx, d.database, job)
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
func (b *Builder) withLogin(ctx context.Context, database string, job changelog.Job) (report *changelog.Report, err error) {
	login, err := b.Server.CreateLogin(ctx, b.Names.Login(database), database, b.Owner, pg.LoginLimits{
		ValidFor: b.Settings.Changelog.Timeout + time.Minute, Connections: 5, // one is used; ended ones count for a moment
		StatementTimeout: b.Settings.Changelog.StatementTimeout, LockTimeout: 10 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("make the engine's login: %w", err)
	}
	defer func() {
		ctx, cancel := cleanup(ctx)
		defer cancel()
		err = errors.Join(err, b.Server.DropLogin(ctx, *login))
	}()
	job.Login = *login
	return b.Engine.Apply(ctx, job)
}

// cleanup is a context for undoing: it outlives the cancellation that made it
// necessary, but not by much.
func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// discard drops a half-made database and its login.
func (b *Builder) discard(ctx context.Context, database string) error {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	if err := b.Server.Drop(ctx, b.Names, database); err != nil {
		return fmt.Errorf("drop database %s: %w", database, err)
	}
	return b.Server.DropRoleAfterDatabase(ctx, b.Names.Login(database))
}
