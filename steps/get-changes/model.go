package main

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

// compare finds the base and what of the model differs from it. All of it
// comes from git: Gerrit's list of files covers the last commit of a stack.
func (g *getter) compare(ctx context.Context, c *gerrit.Change) (change.Outcome, error) {
	remote := g.remote()
	repository, err := g.open(ctx, remote.URL)
	if err != nil {
		return "", err
	}
	r := g.result
	r.Repository = repository.Path()
	if r.Base, err = g.fetch(ctx, repository, remote, c); err != nil {
		return "", err
	}
	if r.ModelTrees, err = repository.Trees(ctx, r.Revision, r.ModelPaths); err != nil {
		return "", err
	}
	if r.BaseTrees, err = repository.Trees(ctx, r.Base, r.ModelPaths); err != nil {
		return "", err
	}
	if maps.Equal(r.ModelTrees, r.BaseTrees) {
		return change.Unchanged, nil
	}
	r.Files, err = repository.Files(ctx, r.Base, r.Revision, r.ModelPaths)
	return change.Changed, err
}

// remote is where to fetch from. Gerrit's login goes to Gerrit's host only.
func (g *getter) remote() repo.Remote {
	remote := repo.Remote{URL: g.cfg.FetchURL, Wait: g.cfg.FetchWait, Getenv: g.Getenv}
	if remote.URL == "" {
		remote.URL = g.client.GitURL(g.patchSet.Project)
	}
	if repo.SameHost(remote.URL, string(g.cfg.Gerrit.URL)) {
		remote.Username, remote.Password = g.cfg.Gerrit.Username, g.cfg.Gerrit.Password.Value()
	}
	return remote
}

// open takes the workspace's repository, of whatever project it is, else the
// cache's.
func (g *getter) open(ctx context.Context, remoteURL string) (*repo.Repo, error) {
	repository, err := repo.Open(ctx, g.cfg.Workspace)
	if !errors.Is(err, repo.ErrNoRepository) && !errors.Is(err, repo.ErrPartial) {
		return repository, err
	}
	g.Log.Debug().Err(err).Msg("the workspace is of no use, the cache is used")
	dir, err := g.cfg.Cache.Dir()
	if err != nil {
		return nil, err
	}
	return repo.OpenCache(ctx, dir, remoteURL)
}

// fetch gets the patch set and the tip of its branch, as the server has them
// now, and gives the base. The branch of a root commit need not exist yet.
func (g *getter) fetch(ctx context.Context, r *repo.Repo, remote repo.Remote, c *gerrit.Change) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.FetchTimeout)
	defer cancel()
	refs := []string{gerrit.ChangeRef(g.patchSet.Change, g.patchSet.PatchSet)}
	if len(c.Parents) > 0 {
		refs = append(refs, fullBranch(c.Branch))
	}
	err := r.Fetch(ctx, remote, refs...)
	if err == nil {
		err = g.isRevision(ctx, r, refs[0])
	}
	if err != nil {
		return "", g.late(ctx, err)
	}
	base, err := g.base(ctx, r, refs[1:])
	if errors.Is(err, repo.ErrShallow) {
		g.Log.Info().Str("repository", r.Path()).Msg("the clone is shallow: fetching its whole history")
		if err = r.Deepen(ctx, remote, refs...); err == nil {
			base, err = g.base(ctx, r, refs[1:])
		}
	}
	return base, g.late(ctx, err)
}

// isRevision: what is deployed and voted on has to be the commit that was
// asked for, whatever a mirror offers under the patch set's ref.
func (g *getter) isRevision(ctx context.Context, r *repo.Repo, ref string) error {
	commit, err := r.Fetched(ctx, ref)
	if err == nil && commit != g.patchSet.Revision {
		err = change.Failf(change.KindConfiguration, "%s is commit %s, not %s", ref, commit, g.patchSet.Revision).
			WithHint("is PATCHBAY_FETCH_URL a mirror of this Gerrit's project?")
	}
	return err
}

func (g *getter) base(ctx context.Context, r *repo.Repo, branch []string) (tip string, err error) {
	if len(branch) > 0 {
		if tip, err = r.Fetched(ctx, branch[0]); err != nil {
			return "", err
		}
	}
	return r.MergeBase(ctx, g.patchSet.Revision, tip)
}

func (g *getter) late(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return change.Failf(change.KindInfrastructure, "fetching took longer than %s: %w", g.cfg.FetchTimeout, err).
			WithHint("raise PATCHBAY_FETCH_TIMEOUT when the repository is large")
	}
	return err
}

// Gerrit names branches without refs/heads/, but refs/meta/config in full.
func fullBranch(name string) string {
	if strings.HasPrefix(name, "refs/") {
		return name
	}
	return "refs/heads/" + name
}

func shortBranch(name string) string { return strings.TrimPrefix(name, "refs/heads/") }
