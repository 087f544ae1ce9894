package repo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Modes of tree entries, see https://git-scm.com/docs/git-fast-import#_filemodify.
const (
	modeLink      = "120000"
	modeSubmodule = "160000"
	modeTree      = "040000"
)

// entry is one line of git ls-tree.
type entry struct {
	mode string
	id   string
	size int64 // of a file; 0 of all else
	path string
}

// Trees are the object ids of paths (folders or files) in a commit's tree, ""
// for one that is absent. Equal ids mean equal content. The path "." is all.
// The revision "", a root commit's base, has nothing.
func (r *Repo) Trees(ctx context.Context, revision string, paths []string) (map[string]string, error) {
	trees := map[string]string{}
	for _, p := range paths {
		trees[p] = ""
		if revision == "" {
			continue
		}
		found, err := r.entry(ctx, revision, p)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the tree of %s: %w", revision, err)
		}
		trees[p] = found.id
	}
	return trees, nil
}

// Within says what is wrong with paths that are to name something below a
// tree's root; nil when nothing is.
func Within(paths []string) error {
	_, err := within(paths)
	return err
}

// within cleans paths; none at all stands for the whole tree.
func within(paths []string) ([]string, error) {
	var names []string
	for _, p := range paths {
		name := path.Clean(p)
		if p == "" || path.IsAbs(p) || name == ".." || strings.HasPrefix(name, "../") || strings.ContainsRune(p, 0) {
			return nil, change.Failf(change.KindConfiguration, "%q: want a path below the repository's root", p).
				WithHint("paths use / and begin with the name of a folder or file, for example data-model")
		}
		names = append(names, name)
	}
	for _, name := range names {
		if name == "." {
			if len(names) > 1 {
				return nil, change.Failf(change.KindConfiguration, "%q holds all other paths", ".").
					WithHint("name either . or folders")
			}
			return nil, nil
		}
	}
	return names, nil
}

// ReadFile is the content of one file, at most limit bytes. fs.ErrNotExist
// when there is none; a link or a folder in its place is the candidate's
// fault; a longer one exceeds a limit.
func (r *Repo) ReadFile(ctx context.Context, revision, file string, limit int64) ([]byte, error) {
	found, err := r.entry(ctx, revision, file)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", file, err)
	case found.mode == modeTree || found.mode == modeLink || found.mode == modeSubmodule:
		return nil, at(change.Failf(change.KindCandidate, "is not a regular file"), file)
	case found.size > limit:
		return nil, at(change.Failf(change.KindLimit, "has %d bytes: more than %d", found.size, limit), file)
	}
	blobs, err := r.openBlobs(ctx)
	if err != nil {
		return nil, err
	}
	defer blobs.close()
	var content bytes.Buffer
	if err := blobs.copy(&content, found); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return content.Bytes(), nil
}

// entry finds one path, one process each: of two paths of which one holds the
// other, git ls-tree shows the inner one only.
func (r *Repo) entry(ctx context.Context, revision, file string) (entry, error) {
	names, err := within([]string{file})
	if err != nil {
		return entry{}, err
	}
	if len(names) == 0 {
		id, err := output(r.git(ctx, "rev-parse", "--verify", "--end-of-options", revision+"^{tree}"))
		return entry{mode: modeTree, id: strings.TrimSpace(id), path: "."}, err
	}
	found := entry{}
	args := []string{"ls-tree", "-z", "-l", "--full-tree", revision, "--", names[0]}
	err = r.entries(ctx, args, func(e entry) error { found = e; return nil })
	if err == nil && found.path == "" {
		err = fs.ErrNotExist
	}
	return found, err
}

// at names the file that a failure is about.
func at(f *change.Failure, file string) *change.Failure {
	f.File = change.OneLine(file)
	return f
}

// entries gives each entry of a git ls-tree -z -l to a function as it comes;
// the function's error ends the listing. A tree can name far more files than
// it holds, so nothing is collected here.
func (r *Repo) entries(ctx context.Context, args []string, each func(entry) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := r.git(inner, args...)
	stderr := &bounded{limit: 64 << 10, cut: true}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return explain(cmd, err, "")
	}
	if err := eachRecord(bufio.NewScanner(out), each); err != nil && ctx.Err() == nil {
		cancel()
		_ = cmd.Wait() // ended by us
		return err
	}
	return explain(cmd, cmd.Wait(), stderr.String())
}

func eachRecord(records *bufio.Scanner, each func(entry) error) error {
	records.Split(untilNUL)
	records.Buffer(nil, 1<<20) // far more than any file system takes as a path
	for records.Scan() {
		found, err := parseEntry(records.Text())
		if err == nil {
			err = each(found)
		}
		if err != nil {
			return err
		}
	}
	return records.Err()
}

func untilNUL(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errors.New("git ls-tree: the last record is cut")
	}
	return 0, nil, nil
}

// parseEntry reads "<mode> SP <type> SP <id> SP* <size> TAB <path>".
func parseEntry(record string) (entry, error) {
	meta, name, ok := strings.Cut(record, "\t")
	fields := strings.Fields(meta)
	if !ok || len(fields) != 4 || name == "" || !sha.MatchString(fields[2]) {
		return entry{}, fmt.Errorf("git ls-tree: unknown record %q", record)
	}
	e := entry{mode: fields[0], id: fields[2], path: name}
	if fields[3] == "-" {
		return e, nil
	}
	size, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil || size < 0 {
		return entry{}, fmt.Errorf("git ls-tree: unknown size in %q", record)
	}
	e.size = size
	return e, nil
}
