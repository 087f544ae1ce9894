package changelog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/patchbay-ci/patchbay/internal/change"
)

const gooseModule = "github.com/pressly/goose/v3"

type gooseEngine struct {
	settings Settings
	root     Root
	digest   string
}

func openGoose(s Settings, roots []Root) (*gooseEngine, error) {
	if len(roots) != 1 {
		return nil, change.Failf(change.KindConfiguration, "goose applies one folder, not %d", len(roots)).
			WithHint("PATCHBAY_CHANGELOG names one folder: versions of two would share one table")
	}
	e := &gooseEngine{settings: s, root: roots[0]}
	var err error
	e.digest, err = digestOf(s, roots, e.Name())
	return e, err
}

// Name has the version of the library that this binary was built with.
func (e *gooseEngine) Name() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "goose"
	}
	for _, module := range info.Deps {
		if module.Path == gooseModule {
			return "goose " + module.Version
		}
	}
	return "goose"
}

func (e *gooseEngine) Digest() string { return e.digest }

// Apply runs what is pending in the folder, in sessions of the throw-away login.
func (e *gooseEngine) Apply(ctx context.Context, job Job) (*Report, error) {
	if err := job.ready(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	report, err := e.apply(ctx, job)
	if err == nil {
		return report, nil
	}
	failure := change.AsFailure(err)
	if errors.Is(context.Cause(ctx), errTimeout) {
		failure.Kind, failure.Message = change.KindLimit, fmt.Sprintf("goose ran longer than %s and was ended", e.settings.Timeout)
		failure.Hint = "PATCHBAY_TIMEOUT limits one run"
	}
	return nil, endSessions(ctx, job, failure)
}

var errTimeout = errors.New("time limit")

func (e *gooseEngine) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if e.settings.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, e.settings.Timeout, errTimeout)
}

func (e *gooseEngine) apply(ctx context.Context, job Job) (*Report, error) {
	now, err := e.migrations(job.Dir)
	if err != nil {
		return nil, err
	}
	if !now.there {
		return e.absent(job)
	}
	previous := &migrations{}
	if job.Previous != "" {
		if previous, err = e.migrations(job.Previous); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(now.fault(), now.guard(previous)); err != nil {
		return nil, change.AsFailure(err)
	}
	return e.up(ctx, job, now, previous)
}

// absent: a base may have no migrations yet, a candidate must have some.
func (e *gooseEngine) absent(job Job) (*Report, error) {
	if job.Previous == "" {
		return &Report{Changesets: []string{}}, nil
	}
	return nil, change.Failf(change.KindCandidate, "the folder %s with migrations does not exist", e.folder()).
		WithHint("PATCHBAY_CHANGELOG names the folder")
}

func (e *gooseEngine) folder() string { return path.Join(e.settings.SearchPath, e.root.Path) }

// up runs the pending migrations between two looks at the tracking table.
func (e *gooseEngine) up(ctx context.Context, job Job, now, previous *migrations) (*Report, error) {
	before, err := e.readVersions(ctx, job, "")
	if err != nil {
		return nil, err
	}
	if err := e.guardVersions(before, now, previous); err != nil {
		return nil, err
	}
	seen := &statements{progress: job.progress}
	applied, err := e.run(ctx, job, seen)
	if err != nil {
		return nil, now.failure(err, seen)
	}
	after, err := e.readVersions(ctx, job, before.schema)
	if err != nil {
		return nil, err
	}
	if err := before.compare(after, now); err != nil {
		return nil, err
	}
	return &Report{Changesets: applied, Warnings: now.warnings()}, nil
}

// run holds one connection and closes it, also when goose fails.
func (e *gooseEngine) run(ctx context.Context, job Job, seen *statements) (applied []string, err error) {
	db := stdlib.OpenDB(*job.Server.ConfigFor(job.Login))
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := e.provider(db, os.DirFS(filepath.Join(job.Dir, filepath.FromSlash(e.folder()))), seen)
	if err != nil {
		return nil, change.Failf(change.KindCandidate, "goose cannot use the folder %s: %w", e.folder(), err)
	}
	results, err := provider.Up(ctx)
	applied = []string{}
	for _, result := range results {
		applied = append(applied, path.Join(e.folder(), result.Source.Path))
	}
	return applied, err
}

func (e *gooseEngine) provider(db *sql.DB, files fs.FS, seen *statements) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(e.settings.gooseTable()),
		goose.WithDisableGlobalRegistry(true),
		goose.WithVerbose(true), // so that the log names each statement before it runs
		goose.WithSlog(slog.New(seen)))
}
