package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// ErrShallow says that the history is cut off where an answer needs it. Deepen, or
// clone with all history (fetch-depth: 0).
var ErrShallow = errors.New("the repository is shallow")

// Has says whether the commit is there.
func (r *Repo) Has(ctx context.Context, revision string) bool {
	_, err := r.Resolve(ctx, revision)
	return err == nil
}

// Resolve is the commit, 40 hex digits, that a ref or another of git's names
// for revisions stands for.
func (r *Repo) Resolve(ctx context.Context, ref string) (string, error) {
	id, err := output(r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}"))
	switch {
	case exitCode(err) == 1:
		return "", change.Failf(change.KindConfiguration, "there is no commit %q in %s", ref, r.dir)
	case err != nil:
		return "", fmt.Errorf("resolve %s: %w", ref, err)
	}
	return strings.TrimSpace(id), nil
}

// Parents are the ids of the commit's parents in order: none for a root
// commit. They are the commit's own words, also where a shallow clone ends.
func (r *Repo) Parents(ctx context.Context, revision string) ([]string, error) {
	text, err := output(r.git(ctx, "cat-file", "commit", revision))
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", revision, err)
	}
	return parents(text), nil
}

func parents(commit string) (ids []string) {
	header, _, _ := strings.Cut(commit, "\n\n")
	for line := range strings.Lines(header) {
		if id, ok := strings.CutPrefix(line, "parent "); ok {
			ids = append(ids, strings.TrimSpace(id))
		}
	}
	return ids
}

// Subject is the first paragraph of the commit's message, in one line.
func (r *Repo) Subject(ctx context.Context, revision string) (string, error) {
	text, err := output(r.git(ctx, "log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%s", "--end-of-options", revision))
	if err != nil {
		return "", fmt.Errorf("read the subject of %s: %w", revision, err)
	}
	return change.OneLine(text), nil
}

// MergeBase is the commit of the branch that the revision was created from or
// last rebased on. Of a merge commit, it is its first parent's. "" when there
// is none: a root commit, or an unrelated history. When the revision is part
// of the branch already, it is its first parent. ErrShallow when the history
// that is needed for the answer is not all there.
func (r *Repo) MergeBase(ctx context.Context, revision, branchTip string) (string, error) {
	parents, err := r.Parents(ctx, revision)
	if err != nil || len(parents) == 0 {
		return "", err
	}
	start := revision
	if len(parents) > 1 {
		start = parents[0]
	}
	if err := r.refuseCut(ctx, start, branchTip); err != nil {
		return "", err
	}
	base, err := r.mergeBase(ctx, start, branchTip)
	if base == revision {
		return parents[0], err
	}
	return base, err
}

func (r *Repo) mergeBase(ctx context.Context, a, b string) (string, error) {
	base, err := output(r.git(ctx, "merge-base", a, b))
	if exitCode(err) == 1 {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the merge base of %s and %s: %w", a, b, err)
	}
	return strings.TrimSpace(base), nil
}

// refuseCut: in a shallow repository a commit whose parents were left out
// looks like a root. It must be none of the commits' ancestors.
func (r *Repo) refuseCut(ctx context.Context, commits ...string) error {
	cut, err := r.cutOff(ctx)
	if err != nil || len(cut) == 0 {
		return err
	}
	roots, err := output(r.git(ctx, append([]string{"rev-list", "--max-parents=0"}, commits...)...))
	if err != nil && !r.Has(ctx, commits[0]) {
		return r.shallow() // the merge's parent itself was left out
	}
	if err != nil {
		return fmt.Errorf("look for the beginning of the history: %w", err)
	}
	for _, root := range strings.Fields(roots) {
		if cut[root] {
			return r.shallow()
		}
	}
	return nil
}

func (r *Repo) shallow() error {
	return change.Failf(change.KindConfiguration, "%s: %w", r.dir, ErrShallow).
		WithHint("git fetch --unshallow, or clone with all history (fetch-depth: 0)")
}

// cutOff are the commits whose parents a shallow clone left out.
func (r *Repo) cutOff(ctx context.Context) (map[string]bool, error) {
	path, err := output(r.git(ctx, "rev-parse", "--git-path", "shallow"))
	if err != nil {
		return nil, fmt.Errorf("find the shallow file: %w", err)
	}
	text, err := os.ReadFile(strings.TrimSuffix(path, "\n"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the shallow file: %w", err)
	}
	cut := map[string]bool{}
	for _, id := range strings.Fields(string(text)) {
		cut[id] = true
	}
	return cut, nil
}
