package candidate

import (
	"context"
	"errors"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/repo"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// Config is what every step that builds databases takes.
type Config struct {
	Database step.Database `embed:""`
	Cache    step.Cache    `embed:""`
	Settings Settings      `embed:""`
}

func (c Config) names() pg.Names {
	return pg.Names{Prefix: c.Database.Prefix, Template: c.Database.Template}
}

// Faults lists what is malformed.
func (c Config) Faults() []error { return c.names().Faults() }

// Open finds the engine, connects to the server and opens the repository, all
// at the same time. The caller closes the builder.
func (c Config) Open(ctx context.Context, s *step.Session, repository Repository) (*Builder, error) {
	return c.open(ctx, s, repository, "")
}

// OpenToCreate is Open for a caller of Create, which needs to know what the
// template holds: that is looked at in the meantime, too.
func (c Config) OpenToCreate(ctx context.Context, s *step.Session, repository Repository) (*Builder, error) {
	return c.open(ctx, s, repository, c.Database.Template)
}

// Repository opens the repository that base and revision are in.
type Repository func(context.Context) (*repo.Repo, error)

func (c Config) open(ctx context.Context, s *step.Session, repository Repository, lookAt string) (*Builder, error) {
	cache, err := c.Cache.Dir()
	if err != nil {
		return nil, err
	}
	b := &Builder{
		Names: c.names(), Settings: c.Settings, LockTimeout: c.Database.LockTimeout,
		Owner: c.Database.OwnerRole, Reader: c.Database.ReaderRole,
		Say: func(message string) { s.Log.Info().Msg(message) },
	}
	var opening sync.WaitGroup
	var noRepository, noEngine, noServer error
	opening.Go(func() { b.Repo, noRepository = repository(ctx) })
	opening.Go(func() { b.Engine, noEngine = changelog.Open(ctx, c.Settings.Changelog, cache, s.Getenv) })
	b.Server, noServer = pg.Connect(ctx, pg.Config{
		URL: c.Database.URL.Value(), AdminDatabase: c.Database.AdminDatabase, SSLRootCert: s.Getenv("PGSSLROOTCERT"),
		WillLock: true, WillLookAt: lookAt,
	})
	opening.Wait()
	if err := errors.Join(noRepository, noEngine, noServer); err != nil {
		if b.Server != nil {
			b.Close(ctx)
		}
		return nil, err
	}
	return b, nil
}

// Close ends the builder's sessions.
func (b *Builder) Close(ctx context.Context) { b.Server.Close(context.WithoutCancel(ctx)) }

// Recorded opens the repository that get-changes recorded in its result.
func Recorded(g *change.GetChanges) Repository {
	return func(ctx context.Context) (*repo.Repo, error) { return repo.OpenRecorded(ctx, g.Repository) }
}

// RunOf is the run that get-changes began.
func RunOf(g *change.GetChanges, gerrit, version string) Run {
	return Run{
		Gerrit: gerrit, PatchSet: g.PatchSet, Branch: g.Branch, Base: g.Base, Attempt: g.Attempt,
		BaseTrees: g.BaseTrees, Trees: g.ModelTrees, Version: version,
	}
}
