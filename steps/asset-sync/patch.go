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
are not in it: no connection is touched. Servers before 6.0 cannot do that: for
them it is /api/v1/dashboard/import/ with overwrite=true, which brings what is
new and the dashboards, and leaves the databases that it names as they are. A
UUID that the file does not have ends it without an output, unless --partial.`,
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
	ids, err := readIDs(c.IDs)
	if err != nil {
		return s.Fail(result, change.Refused, err)
	}
	p := patching{space: ids.space(), version: assets.ParseVersion(ids.Version)}
	p.bring(read.set)
	if p.version.Before(sparseImport) {
		if err := p.bringDatabases(read); err != nil {
			return s.Fail(result, change.Refused, err)
		}
	}
	slices.Sort(p.lost)
	lost := slices.Compact(p.lost)
	result.Counts = count(read.set)
	if len(lost) > 0 && !c.Partial {
		result.Notes = lost
		failure := change.Failf(change.KindInfrastructure, "%s has no id for %s", c.IDs, plural(len(lost), "reference")).WithHint("sync what is missing first, or give --partial")
		result.Outcome, result.Failure = change.Failed, failure
		return errors.Join(failure, publish(s, c.Format, result, "nothing was written"))
	}
	kind, where := p.endpoint(read.set)
	bundle, err := assets.Bundle(kind, p.files, time.Now())
	if err == nil {
		err = os.WriteFile(c.Out, bundle, 0o644) //nolint:gosec // an export like any other
	}
	if err != nil {
		return s.Fail(result, change.Failed, err)
	}
	result.Notes, result.Outcome = append(lost, p.notes...), change.Done
	return publish(s, c.Format, result, fmt.Sprintf("%s: %s in %s, for %s", c.In, plural(len(p.files), "file"), c.Out, where))
}

// sparseImport is the first release whose assets/import takes a bundle without
// what its assets stand on.
var sparseImport = assets.Version{Major: 6}

// patching brings assets into the ids of a space.
type patching struct {
	space   *assets.Space
	version assets.Version

	files       []assets.File
	lost, notes []string
}

// bring takes everything but databases.
func (p *patching) bring(set *assets.Set) {
	p.notes = assets.FitVersion(set, p.version)
	for _, a := range set.All() {
		if a.Kind == assets.Database {
			continue
		}
		for _, what := range a.Unresolved {
			if !strings.Contains(what, "annotation layer") { // which no import takes
				p.lost = append(p.lost, fmt.Sprintf("%s: %s, which the export does not hold", a, what))
			}
		}
		l := p.space.Localise(a, p.version)
		for _, what := range l.Lost {
			p.lost = append(p.lost, fmt.Sprintf("%s: %s", a, what))
		}
		p.files = append(p.files, assets.File{Name: assets.FileOf(l.Key), Doc: l.Doc})
	}
}

// bringDatabases adds databases under the UUIDs of the space: a kind's own
// endpoint wants them, and leaves those that are there as they are.
func (p *patching) bringDatabases(read *content) error {
	for _, a := range read.set.Of(assets.Database) {
		uuid, known := p.space.DatabaseUUID(a.UUID)
		own := read.databases[a.UUID]
		if own == nil {
			return change.Failf(change.KindConfiguration, "Superset %s takes no bundle without its databases, and a tree has no definition of them", p.version).WithHint("take an export of Superset")
		}
		if known {
			doc := connection(a.UUID, own.Get("sqlalchemy_uri").Str(), uuid)
			p.files = append(p.files, assets.File{Name: assets.FileOf(assets.Key{Kind: assets.Database, UUID: uuid}), Doc: doc})
		}
	}
	return nil
}

// endpoint is where the bundle is imported.
func (p *patching) endpoint(set *assets.Set) (kind assets.Kind, where string) {
	if !p.version.Before(sparseImport) {
		return "", "/api/v1/assets/import/ with sparse=true"
	}
	for _, kind = range []assets.Kind{assets.Dashboard, assets.Chart, assets.Dataset} {
		if set.Len(kind) > 0 {
			break
		}
	}
	return kind, fmt.Sprintf("/api/v1/%s/import/ with overwrite=true", kind)
}

func readIDs(path string) (f idFile, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return f, change.Failf(change.KindConfiguration, "read the ids: %w", err)
	}
	if err := json.Unmarshal(text, &f); err != nil || f.FormatVersion != 1 {
		return f, change.Failf(change.KindConfiguration, "%s is not what asset-sync ids writes", path)
	}
	return f, nil
}

func (f idFile) space() *assets.Space {
	space := assets.NewSpace()
	for _, k := range f.Assets {
		space.Add(k.Kind, k.ID, k.UUID)
		if k.Kind == assets.Database {
			space.AddDatabase(k.UUID, k.Title)
		}
	}
	return space
}
