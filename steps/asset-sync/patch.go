package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var patchProgram = step.Program{
	Name: "patch",
	Contract: `Brings an export into the ids of another environment, by the file that ids
wrote, for an import by hand: /api/v1/assets/import/ with sparse=true. Databases
are not in it: no connection is touched. A UUID that the file does not have ends
it without an output, unless --partial.`,
	Exits: exits,
	Examples: []string{
		"asset-sync ids --env qa --out ids.json",
		"asset-sync patch dashboard_export.zip --ids ids.json qa.zip",
	},
}

// Patch is the configuration of the sub-command.
type Patch struct {
	Settings `embed:""`
	In       string `arg:"" optional:"" placeholder:"IN" help:"An export of Superset (a ZIP or unpacked), or a tree."`
	Out      string `arg:"" optional:"" placeholder:"OUT.zip" help:"The bundle to import."`
	IDs      string `name:"ids" env:"PATCHBAY_ASSETS_IDS" placeholder:"FILE" help:"What asset-sync ids wrote of the environment."`
	Partial  bool   `name:"partial" env:"PATCHBAY_ASSETS_PARTIAL" help:"Leave out what the file has no id for."`
}

// Faults lists what is missing.
func (c Patch) Faults() (faults []error) {
	if c.In == "" || c.Out == "" {
		faults = append(faults, errors.New("two names are wanted: asset-sync patch IN OUT.zip"))
	}
	if c.IDs == "" {
		faults = append(faults, errors.New("--ids is missing: the file that asset-sync ids wrote"))
	}
	return faults
}

func patch(ctx context.Context, s *step.Session, c *Patch) error {
	result := &change.AssetSync{Command: "patch", From: c.In, To: c.Out, Counts: map[string]int{}}
	r, err := newReader(s, c.Settings, "")
	if err != nil {
		return s.Fail(result, change.Refused, err)
	}
	read, err := r.read(ctx, c.In)
	if err != nil {
		return s.Fail(result, refusedOr(err, change.Failed), err)
	}
	space, err := readIDs(c.IDs)
	if err != nil {
		return s.Fail(result, change.Refused, err)
	}
	files, lost := patched(read.set, space)
	result.Counts = count(read.set)
	if len(lost) > 0 && !c.Partial {
		result.Notes = lost
		failure := change.Failf(change.KindInfrastructure, "%s has no id for %s", c.IDs, plural(len(lost), "reference")).WithHint("sync what is missing first, or give --partial")
		result.Outcome, result.Failure = change.Failed, failure
		return errors.Join(failure, publish(s, c.Format, result, "nothing was written"))
	}
	bundle, err := assets.Bundle("", files, time.Now())
	if err == nil {
		err = os.WriteFile(c.Out, bundle, 0o644) //nolint:gosec // an export like any other
	}
	if err != nil {
		return s.Fail(result, change.Failed, err)
	}
	result.Notes, result.Outcome = lost, change.Done
	return publish(s, c.Format, result, fmt.Sprintf("%s: %d files in %s", c.In, len(files), c.Out))
}

// patched brings everything but databases into the ids of a space. What has no
// dataset there is left out.
func patched(set *assets.Set, space *assets.Space) (files []assets.File, lost []string) {
	for _, a := range set.All() {
		if a.Kind == assets.Database {
			continue
		}
		for _, what := range a.Unresolved {
			if !strings.Contains(what, "annotation layer") { // which no import takes
				lost = append(lost, fmt.Sprintf("%s: %s, which the export does not hold", a, what))
			}
		}
		l := space.Localise(a, assets.Version{})
		for _, what := range l.Lost {
			lost = append(lost, fmt.Sprintf("%s: %s", a, what))
		}
		files = append(files, assets.File{Name: assets.FileOf(l.Key), Doc: l.Doc})
	}
	slices.Sort(lost)
	return files, slices.Compact(lost)
}

func readIDs(path string) (*assets.Space, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read the ids: %w", err)
	}
	var f idFile
	if err := json.Unmarshal(text, &f); err != nil || f.FormatVersion != 1 {
		return nil, change.Failf(change.KindConfiguration, "%s is not what asset-sync ids writes", path)
	}
	space := assets.NewSpace()
	for _, k := range f.Assets {
		space.Add(k.Kind, k.ID, k.UUID)
		if k.Kind == assets.Database {
			space.AddDatabase(k.UUID, k.Title)
		}
	}
	return space, nil
}
