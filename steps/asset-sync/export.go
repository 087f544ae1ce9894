package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var exportProgram = step.Program{
	Name: "export",
	Contract: `Reads a place and writes it as a tree for git: one YAML file per asset, without
anything of the environment. Exporting twice gives the same bytes; what is gone
leaves the tree. What looks like a secret stops it before anything is written.`,
	Exits: exits,
	Examples: []string{
		"asset-sync export --from prod",
		"asset-sync export --from prod --dir assets --tag release",
		"asset-sync export --from dashboard_export.zip --dir assets",
	},
}

// Export is the configuration of the sub-command.
type Export struct {
	Settings  `embed:""`
	Filter    Filter `embed:""`
	From      string `name:"from" env:"PATCHBAY_ASSETS_FROM" placeholder:"PLACE" help:"What is read."`
	To        string `name:"dir" env:"PATCHBAY_ASSETS_DIR" default:"assets" placeholder:"DIR" help:"The tree: a directory of its own."`
	Snapshots string `name:"snapshots" env:"PATCHBAY_ASSETS_SNAPSHOTS" default:"snapshots" placeholder:"DIR" help:"Where snapshots are."`
}

// Faults lists what is missing.
func (c Export) Faults() []error {
	if c.From == "" {
		return []error{errors.New("--from is missing: the place to export, for example --from prod")}
	}
	return nil
}

func export(ctx context.Context, s *step.Session, c *Export) error {
	result := &change.AssetSync{Command: "export", From: c.From, To: c.To}
	r, err := newReader(s, c.Settings, c.Snapshots)
	if err != nil {
		return s.Fail(result, change.Refused, err)
	}
	set, err := r.selected(ctx, c.From, c.Filter, result)
	if err != nil {
		return s.Fail(result, refusedOr(err, change.Failed), err)
	}
	if found := assets.Secrets(set, r.config.Secrets.Allow); len(found) > 0 {
		return s.Fail(result, change.Refused, change.Failf(change.KindConfiguration, "what looks like a secret stands in %s", strings.Join(found, "; ")).
			WithHint("take it out in Superset, or, where it is none, name the place under secrets.allow in %s", c.Config))
	}
	changed, err := writeTree(c.To, assets.TreeFiles(set))
	if err != nil {
		return s.Fail(result, refusedOr(err, change.Failed), err)
	}
	result.Counts = count(set)
	result.Counts["files changed"] = changed
	result.Outcome = change.Done
	if changed == 0 {
		result.Outcome = change.Nothing
	}
	return publish(s, c.Format, result, fmt.Sprintf("%s: %s in %s, %d files changed", c.From, counted(set), c.To, changed))
}

// selected reads a place and takes what is selected of it.
func (r *reader) selected(ctx context.Context, place string, f Filter, result *change.AssetSync) (*assets.Set, error) {
	selection, err := r.config.selection(f)
	if err != nil {
		return nil, err
	}
	read, err := r.read(ctx, place)
	if err != nil {
		return nil, err
	}
	if read.site != nil {
		sent, written := read.site.client.Requests()
		result.Requests, result.Writes = result.Requests+sent, result.Writes+written
	}
	set := selection.Select(read.set)
	if set.Len("") == 0 && read.set.Len("") > 0 && !selection.Empty() {
		return nil, change.Failf(change.KindConfiguration, "nothing in %s is selected", place).WithHint("look at the filters")
	}
	for _, a := range set.All() {
		for _, what := range a.Unresolved {
			result.Notes = append(result.Notes, fmt.Sprintf("%s: refers to nothing: %s", a, what))
		}
	}
	return set, nil
}

func count(set *assets.Set) map[string]int {
	counts := map[string]int{}
	for _, kind := range assets.Kinds {
		counts[kind.Folder()] = set.Len(kind)
	}
	return counts
}

func counted(set *assets.Set) string {
	var parts []string
	for _, kind := range assets.Kinds {
		parts = append(parts, plural(set.Len(kind), string(kind)))
	}
	return strings.Join(parts, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// writeTree makes a directory hold these files and no other assets, and gives
// how many files changed. A directory that is not empty must be a tree.
func writeTree(dir string, files map[string][]byte) (changed int, err error) {
	old, err := oldFiles(dir)
	if err != nil {
		return 0, err
	}
	for _, name := range old {
		if _, stays := files[name]; !stays {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return changed, fmt.Errorf("remove %s: %w", name, err)
			}
			_ = os.Remove(filepath.Join(dir, filepath.Dir(name))) // if it is empty
			changed++
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a checkout is read by others
			return changed, fmt.Errorf("make %s: %w", filepath.Dir(path), err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // the same
			return changed, fmt.Errorf("write %s: %w", name, err)
		}
		changed++
	}
	return changed, nil
}

// oldFiles are the assets in a tree; other files of it are nobody's business.
func oldFiles(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", dir, err)
	}
	ours := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == assets.Marker })
	foreign := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") })
	if !ours && foreign {
		return nil, change.Failf(change.KindConfiguration, "%s is not empty and no tree of asset-sync: nothing is written there", dir).
			WithHint("give --dir a directory of its own")
	}
	for _, kind := range assets.Kinds {
		folder := filepath.Join(dir, kind.Folder())
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			name, err := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", folder, err)
		}
	}
	return names, nil
}
