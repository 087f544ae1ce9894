// Package repo reads git repositories through the git program: an existing
// checkout or a bare cache. Gerrit decides what is fetched; nothing that the
// workspace says about branches is trusted, and no work tree is ever touched.
//
// git runs with an explicit environment and without the machine's and, but
// for fetches, the user's configuration, so that the same objects give the
// same answers everywhere. Needs git 2.31 or newer (GIT_CONFIG_COUNT).
package repo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// What Open answers when the workspace is of no use; a caller may take the
// cache instead.
var (
	// ErrNoRepository: the folder is in no git repository.
	ErrNoRepository = errors.New("not a git repository")
	// ErrPartial: a clone with --filter lacks objects that we would read.
	ErrPartial = errors.New("a partial clone (made with --filter)")
)

// Repo is a git repository on this machine. Its methods may be called at
// once from several goroutines and processes.
type Repo struct {
	dir    string // top of the work tree; of a bare repository, the repository
	gitDir string
	bare   bool
}

// Open opens the checkout that the folder is in, at any depth. ErrNoRepository
// when there is none, ErrPartial when it is a partial clone. The folder is
// trusted also when another user owns it, as CI containers have it; a
// repository above the folder must be the user's own.
func Open(ctx context.Context, workspace string) (*Repo, error) {
	dir, err := filepath.Abs(workspace)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "open the workspace: %w", err).
			WithHint("PATCHBAY_WORKSPACE names the folder of the checkout")
	}
	partial := make(chan error, 1)
	go func() { partial <- refusePartial(ctx, dir) }()
	r, err := discover(ctx, dir)
	if err != nil {
		return nil, err
	}
	return r, <-partial
}

func discover(ctx context.Context, dir string) (*Repo, error) {
	answer, err := output(inFolder(ctx, dir, "rev-parse", "--is-bare-repository", "--absolute-git-dir"))
	if err != nil {
		return nil, discoveryError(dir, err)
	}
	bare, gitDir, _ := strings.Cut(strings.TrimSuffix(answer, "\n"), "\n")
	if bare == "true" {
		return &Repo{dir: gitDir, gitDir: gitDir, bare: true}, nil
	}
	top, err := output(inFolder(ctx, dir, "rev-parse", "--show-toplevel"))
	if err != nil {
		return nil, discoveryError(dir, err)
	}
	return &Repo{dir: strings.TrimSuffix(top, "\n"), gitDir: gitDir}, nil
}

func discoveryError(dir string, err error) error {
	switch text := messageOf(err); {
	case strings.Contains(text, "not a git repository"), strings.Contains(text, "must be run in a work tree"):
		return change.Failf(change.KindConfiguration, "%s: %w", dir, ErrNoRepository).
			WithHint("PATCHBAY_WORKSPACE names the folder of the checkout")
	case strings.Contains(text, "dubious ownership"):
		return change.Failf(change.KindConfiguration, "the repository that %s is in belongs to another user", dir).
			WithHint("let PATCHBAY_WORKSPACE name the top folder of the checkout")
	}
	return fmt.Errorf("open the repository in %s: %w", dir, err)
}

// refusePartial: git would fetch what is missing from the clone's own remote
// in the middle of a read, with credentials that we do not have.
func refusePartial(ctx context.Context, dir string) error {
	_, err := output(inFolder(ctx, dir, "config", "--local", "--get-regexp", `^(extensions\.partialclone|remote\..*\.promisor)$`))
	if err == nil {
		return change.Failf(change.KindConfiguration, "%s: %w", dir, ErrPartial).
			WithHint("clone without --filter")
	}
	if exitCode(err) == 1 { // no such key
		return nil
	}
	return fmt.Errorf("read the configuration of %s: %w", dir, err)
}

// OpenRecorded opens the repository that get-changes recorded in its result.
// Its absence is a fault of the configuration: the steps of one run need to
// share their workspace or cache directory.
func OpenRecorded(ctx context.Context, path string) (*Repo, error) {
	if path == "" {
		return nil, change.Failf(change.KindConfiguration, "get-changes recorded no repository").
			WithHint("begin again with get-changes")
	}
	r, err := Open(ctx, path)
	if err != nil && errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "open the repository that get-changes used: %w", err).
			WithHint("the steps of one run share PATCHBAY_WORKSPACE or PATCHBAY_CACHE_DIR; begin again with get-changes here")
	}
	return r, nil
}

// Path is where the repository is: the top of the work tree, or the bare
// repository. OpenRecorded takes it.
func (r *Repo) Path() string { return r.dir }
