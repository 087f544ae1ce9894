package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// emptyTree is known to every git without being stored.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// Files are the files below paths that differ between base and revision, with
// renames found; base "" has none. A file moved out of the paths counts as
// deleted, one moved in as added. More than 20000 files in the
// revision exceed a limit, before git compares them.
func (r *Repo) Files(ctx context.Context, base, revision string, paths []string) ([]change.File, error) {
	names, err := within(paths)
	if err != nil {
		return nil, err
	}
	if err := r.refuseBomb(ctx, revision, names); err != nil {
		return nil, err
	}
	if base == "" {
		base = emptyTree
	}
	args := append([]string{"diff-tree", "-r", "-z", "-M", "--raw", "--no-abbrev", "--end-of-options", base, revision, "--"}, names...)
	text, err := output(r.git(ctx, args...))
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", base, revision, err)
	}
	return parseDiff(text)
}

// refuseBomb: a few nested trees can name billions of files.
func (r *Repo) refuseBomb(ctx context.Context, revision string, names []string) error {
	count := counter{limit: defaultFiles}
	return r.entries(ctx, listing(revision, names), func(entry) error { return count.add() })
}

var errDiff = errors.New("git diff-tree: unknown record")

// parseDiff reads ":<mode> <mode> <id> <id> <status>[score] NUL <path> NUL
// [<new path> NUL]", again and again.
func parseDiff(text string) ([]change.File, error) {
	files := []change.File{}
	for text != "" {
		file, rest, err := parseDiffRecord(text)
		if err != nil {
			return nil, err
		}
		files, text = append(files, file), rest
	}
	return files, nil
}

func parseDiffRecord(text string) (change.File, string, error) {
	meta, rest, ok := strings.Cut(text, "\x00")
	fields := strings.Fields(meta)
	if !ok || len(fields) != 5 || !strings.HasPrefix(meta, ":") {
		return change.File{}, "", errDiff
	}
	file := change.File{Status: fields[4][:1]}
	if file.Path, rest, ok = strings.Cut(rest, "\x00"); ok && (file.Status == "R" || file.Status == "C") {
		file.OldPath = file.Path
		file.Path, rest, ok = strings.Cut(rest, "\x00")
	}
	if !ok || file.Path == "" {
		return change.File{}, "", errDiff
	}
	return file, rest, nil
}
