package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// CheckoutLimits bound what a candidate can put onto the disk. 0 stands for
// the default.
type CheckoutLimits struct {
	Files      int   // default 20000: all below the paths, also those left out
	FileBytes  int64 // default 16 MiB: of one file
	TotalBytes int64 // default 256 MiB
}

const (
	defaultFiles      = 20000
	defaultFileBytes  = 16 << 20
	defaultTotalBytes = 256 << 20
)

func (l CheckoutLimits) orDefault() CheckoutLimits {
	return CheckoutLimits{
		Files:      cmp.Or(l.Files, defaultFiles),
		FileBytes:  cmp.Or(l.FileBytes, defaultFileBytes),
		TotalBytes: cmp.Or(l.TotalBytes, defaultTotalBytes),
	}
}

// suffixes are the files that an engine may see.
var suffixes = map[string]bool{
	".xml": true, ".yaml": true, ".yml": true, ".json": true, ".sql": true, ".csv": true, ".txt": true, ".properties": true,
}

// Checkout writes the files below paths in a commit's tree into a folder (made
// when absent, else empty), from git's objects: no work tree, filter, hook or
// attribute has a say. Modes are 0600 and 0700. Files of other kinds than the
// engine reads are left out and listed. Symbolic links, submodules and names
// that could reach beyond the folder or be taken for code are the candidate's
// fault; too many or too long files exceed a limit. After an error the folder
// may hold a part.
func (r *Repo) Checkout(ctx context.Context, revision string, paths []string, dir string, limits CheckoutLimits) (ignored []string, err error) {
	names, err := within(paths)
	if err != nil {
		return nil, err
	}
	files, ignored, err := r.choose(ctx, revision, names, limits.orDefault())
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the checkout's folder: %w", err)
	}
	return ignored, r.write(ctx, files, dir)
}

// choose sorts the tree's entries before anything is written.
func (r *Repo) choose(ctx context.Context, revision string, names []string, l CheckoutLimits) (files []entry, ignored []string, err error) {
	count, total := counter{limit: l.Files}, int64(0)
	err = r.entries(ctx, listing(revision, names), func(e entry) error {
		if err := errors.Join(count.add(), refusal(e)); err != nil {
			return err
		}
		if !isForEngine(e.path) {
			ignored = append(ignored, e.path)
			return nil
		}
		files, total = append(files, e), total+e.size
		return tooLong(e, total, l)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("check out %s: %w", revision, err)
	}
	return files, ignored, nil
}

func listing(revision string, names []string) []string {
	return append([]string{"ls-tree", "-r", "-z", "-l", "--full-tree", revision, "--"}, names...)
}

// counter refuses what comes after the limit.
type counter struct{ seen, limit int }

func (c *counter) add() error {
	if c.seen++; c.seen > c.limit {
		return change.Failf(change.KindLimit, "the model has more than %d files", c.limit)
	}
	return nil
}

func tooLong(e entry, total int64, l CheckoutLimits) error {
	if e.size > l.FileBytes {
		return at(change.Failf(change.KindLimit, "has %d bytes: more than %d", e.size, l.FileBytes), e.path)
	}
	if total > l.TotalBytes {
		return at(change.Failf(change.KindLimit, "with this file the model has %d bytes: more than %d", total, l.TotalBytes), e.path)
	}
	return nil
}

// refusal says why an entry is not given to the engine, nil when it is.
func refusal(e entry) error {
	switch e.mode {
	case modeLink:
		return at(change.Failf(change.KindCandidate, "a symbolic link is not given to the engine").
			WithHint("commit the file itself"), e.path)
	case modeSubmodule:
		return at(change.Failf(change.KindCandidate, "a submodule is not given to the engine").
			WithHint("commit its files"), e.path)
	}
	if strings.ContainsFunc(e.path, unseen) {
		return at(change.Failf(change.KindCandidate, "a name with control or format characters is not given to the engine").
			WithHint("rename the file"), e.path)
	}
	for part := range strings.SplitSeq(e.path, "/") {
		switch strings.ToLower(part) {
		case "", ".", "..", ".git", "meta-inf":
			return at(change.Failf(change.KindCandidate, "a path with %q in it is not given to the engine", part), e.path)
		}
	}
	return nil
}

// unseen characters of a name forge lines of logs or turn its text around.
func unseen(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// isForEngine: by suffix, in any case of letters. Liquibase would take
// settings, among them the database's address, from its own properties file.
func isForEngine(file string) bool {
	name := strings.ToLower(path.Base(file))
	suffix := path.Ext(name)
	if suffix == ".properties" && strings.HasPrefix(name, "liquibase.") {
		return false
	}
	return suffixes[suffix]
}

// write puts the files below the folder, out of which os.Root lets no path.
func (r *Repo) write(ctx context.Context, files []entry, dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the checkout's folder: %w", err)
	}
	defer root.Close()
	blobs, err := r.openBlobs(ctx)
	if err != nil {
		return err
	}
	defer blobs.close()
	for _, e := range files {
		if err := writeFile(root, blobs, e); err != nil {
			return fmt.Errorf("check out %s: %w", change.OneLine(e.path), err)
		}
	}
	return nil
}

func writeFile(root *os.Root, blobs *blobs, e entry) error {
	if err := root.MkdirAll(path.Dir(e.path), 0o700); err != nil {
		return unwritable(e, err)
	}
	file, err := root.OpenFile(e.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return unwritable(e, err)
	}
	return errors.Join(blobs.copy(file, e), file.Close())
}

// unwritable: git stores trees that no file system takes, with too long names
// or two entries of one name.
func unwritable(e entry, err error) error {
	for _, fault := range []error{syscall.ENAMETOOLONG, syscall.EEXIST, syscall.ENOTDIR, syscall.EISDIR} {
		if errors.Is(err, fault) {
			return at(change.Failf(change.KindCandidate, "cannot be a file here: %w", fault), e.path)
		}
	}
	return err
}
