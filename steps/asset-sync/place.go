package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// reader reads places.
type reader struct {
	*step.Session
	config    *configuration
	settings  Settings
	snapshots string // directory of snapshots
}

func newReader(s *step.Session, settings Settings, snapshots string) (*reader, error) {
	c, err := readConfiguration(s, settings)
	return &reader{s, c, settings, snapshots}, err
}

// content is what a place holds; of an environment the site too.
type content struct {
	set  *assets.Set
	site *site // nil for files

	databases map[string]*document.Value // of an export: their definitions, by logical name
}

// environment finds an environment by its name.
func (r *reader) environment(name string) (environment, error) {
	e, ok := r.config.Environments[name]
	if !ok {
		return e, change.Failf(change.KindConfiguration, "there is no environment %q", name).
			WithHint("name it under environments in %s, or set PATCHBAY_ASSETS_ENVIRONMENTS and SUPERSET_<NAME>_URL", r.settings.Config)
	}
	return e, nil
}

// site reads an environment.
func (r *reader) site(ctx context.Context, name string, readOnly bool) (*site, error) {
	e, err := r.environment(name)
	if err != nil {
		return nil, err
	}
	cached := &cache{}
	if !r.settings.NoCache {
		dir, err := r.settings.Dir()
		if err != nil {
			return nil, err
		}
		cached = openCache(dir, e)
	}
	return readSite(ctx, r.Session, r.config, e, cached, readOnly)
}

// read reads any place. An environment is only read.
func (r *reader) read(ctx context.Context, place string) (*content, error) {
	switch _, known := r.config.Environments[place]; {
	case known:
		t, err := r.site(ctx, place, true)
		if err != nil {
			return nil, err
		}
		return &content{set: t.set, site: t}, nil
	case strings.HasPrefix(place, "snapshot:"):
		return r.tree(filepath.Join(r.snapshots, strings.TrimPrefix(place, "snapshot:"), "before"), place)
	case strings.HasSuffix(strings.ToLower(place), ".zip"):
		return r.zip(place)
	}
	if info, err := os.Stat(place); err == nil && info.IsDir() {
		return r.tree(place, place)
	}
	if dir, revision, ok := cutLast(place, "@"); ok {
		return r.revision(ctx, dir, revision)
	}
	return nil, change.Failf(change.KindConfiguration, "%q is no place: no environment of that name, no directory, no ZIP, no snapshot", place).
		WithHint("places are an environment of %s, ./dir, dir@REV, file.zip, snapshot:NAME", r.settings.Config)
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 1 || at+1 == len(s) {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

// longTree bounds what is taken of a directory, in bytes.
const longTree = 1 << 30

// tree reads a directory: a tree of ours, or an unpacked export.
func (r *reader) tree(dir, place string) (*content, error) {
	files := map[string][]byte{}
	root, err := os.OpenRoot(dir)
	if err == nil {
		defer root.Close()
		err = readRoot(root, files)
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", place, err)
	}
	return r.files(files, place)
}

// readRoot reads the files that count; links are none of them.
func readRoot(root *os.Root, files map[string][]byte) error {
	total := int64(0)
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(name) != ".yaml" && name != assets.Marker {
			return err
		}
		text, err := root.ReadFile(name)
		if total += int64(len(text)); err == nil && total > longTree {
			err = fmt.Errorf("more than %d MiB", longTree>>20)
		}
		files[name] = text
		return err
	})
}

func (r *reader) files(files map[string][]byte, place string) (*content, error) {
	if _, ours := files[assets.Marker]; !ours && files["metadata.yaml"] != nil {
		raws, err := assets.RawFiles(files)
		return r.raws(raws, place, err)
	}
	set, faults := assets.ReadTree(files)
	if len(faults) > 0 {
		return nil, configurationFaults(place, faults)
	}
	if r.config.Owners != ownersMap {
		assets.WithoutPeople(set)
	}
	return &content{set: set}, nil
}

func (r *reader) zip(path string) (*content, error) {
	bundle, err := os.ReadFile(path)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", path, err)
	}
	raws, err := assets.ReadExport(bundle)
	return r.raws(raws, path, err)
}

// raws makes a place of an export's files. Its ids are those that the files
// themselves name; whose databases they are, nothing says.
func (r *reader) raws(raws []assets.Raw, place string, err error) (*content, error) {
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", place, err)
	}
	var faults []error
	names := map[string]string{}
	set := assets.FromExport(raws, func(name, uuid string) string {
		logical, err := r.config.logicalAnywhere(name, uuid)
		if err != nil {
			faults = append(faults, err)
		}
		names[uuid] = logical
		return logical
	})
	if len(faults) > 0 {
		return nil, configurationFaults(place, faults)
	}
	c := &content{set: set, databases: map[string]*document.Value{}}
	for _, raw := range raws {
		if raw.Kind == assets.Database {
			c.databases[names[raw.UUID]] = raw.Doc
		}
	}
	return c, nil
}

// revision reads a directory as a git revision has it.
func (r *reader) revision(ctx context.Context, dir, revision string) (*content, error) {
	place := dir + "@" + revision
	if strings.HasPrefix(revision, "-") {
		return nil, change.Failf(change.KindConfiguration, "%s: no revision", place)
	}
	archive, err := gitArchive(ctx, dir, revision)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", place, err).
			WithHint("is it a directory in a git checkout, and is the revision there? a shallow clone has one only")
	}
	files, err := members(archive)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", place, err)
	}
	return r.files(files, place)
}

// gitArchive packs a directory of a revision. git wants to be asked from the
// top of the checkout.
func gitArchive(ctx context.Context, dir, revision string) ([]byte, error) {
	where, err := git(ctx, dir, "rev-parse", "--show-toplevel", "--show-prefix")
	if err != nil {
		return nil, err
	}
	top, prefix, _ := strings.Cut(strings.TrimSuffix(string(where), "\n"), "\n")
	return git(ctx, top, "archive", "--format=zip", "--prefix=x/", "-0", revision+":"+strings.TrimSuffix(prefix, "/"))
}

func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, first)
	}
	return out.Bytes(), nil
}

func members(archive []byte) (map[string][]byte, error) {
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	files, total := map[string][]byte{}, 0
	for _, f := range reader.File {
		name := strings.TrimPrefix(f.Name, "x/")
		if !f.Mode().IsRegular() || filepath.Ext(name) != ".yaml" && name != assets.Marker {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(io.LimitReader(in, longTree))
		if total += len(text); err == nil && total > longTree {
			err = fmt.Errorf("more than %d MiB", longTree>>20)
		}
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		files[name] = text
	}
	return files, nil
}
