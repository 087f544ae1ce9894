package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// WorktreeTree stores the work tree as it is (tracked files and untracked ones
// that are not ignored) as a commit on top of HEAD and gives its id. The
// user's index, branches and files stay as they are; git drops the commit by
// its own rules, weeks later.
func (r *Repo) WorktreeTree(ctx context.Context) (string, error) {
	if r.bare {
		return "", change.Failf(change.KindConfiguration, "%s is a bare repository: it has no work tree", r.dir)
	}
	dir, err := os.MkdirTemp("", "patchbay-index-")
	if err != nil {
		return "", fmt.Errorf("make a temporary index: %w", err)
	}
	defer os.RemoveAll(dir)
	commit, err := r.store(ctx, filepath.Join(dir, "index"))
	if err != nil {
		return "", fmt.Errorf("store the working tree of %s: %w", r.dir, err)
	}
	return commit, nil
}

func (r *Repo) store(ctx context.Context, index string) (string, error) {
	commit := []string{"commit-tree", "-m", "working tree"}
	if head, err := r.Resolve(ctx, "HEAD"); err == nil {
		commit = append(commit, "-p", head)
		if _, err := output(r.inWorktree(ctx, index, "read-tree", head)); err != nil {
			return "", err
		}
	}
	if _, err := output(r.inWorktree(ctx, index, "add", "--all", ".")); err != nil {
		return "", err
	}
	tree, err := output(r.inWorktree(ctx, index, "write-tree"))
	if err != nil {
		return "", err
	}
	id, err := output(r.inWorktree(ctx, index, append(commit, strings.TrimSpace(tree))...))
	return strings.TrimSpace(id), err
}

func (r *Repo) inWorktree(ctx context.Context, index string, args ...string) process {
	cmd := r.git(ctx, args...)
	cmd.Dir = r.dir
	cmd.Env = append(cmd.Env, "GIT_WORK_TREE="+r.dir, "GIT_INDEX_FILE="+index,
		"GIT_AUTHOR_NAME=patchbay", "GIT_AUTHOR_EMAIL=patchbay@localhost",
		"GIT_COMMITTER_NAME=patchbay", "GIT_COMMITTER_EMAIL=patchbay@localhost")
	return cmd
}
