package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var idsProgram = step.Program{
	Name: "ids",
	Contract: `Reads which id each asset has in an environment: UUID, id, name, kind, time of
the last change. Nothing is kept; each run asks the server.`,
	Exits: exits,
	Examples: []string{
		"asset-sync ids --env qa --out ids.json",
		"asset-sync ids --env qa --out ids.csv",
		"asset-sync ids --env qa --out ids.sqlite   # the table resource_mappings",
	},
}

// IDs is the configuration of the sub-command.
type IDs struct {
	Settings `embed:""`
	Env      string `name:"env" env:"PATCHBAY_ASSETS_TO" placeholder:"ENVIRONMENT" help:"The environment that is asked."`
	Out      string `name:"out" env:"PATCHBAY_ASSETS_OUT" default:"ids.json" placeholder:"FILE" help:"Where they are written: .json, .csv or .sqlite."`
}

// Faults lists what is missing.
func (c IDs) Faults() (faults []error) {
	if c.Env == "" {
		faults = append(faults, errors.New("--env is missing: the environment to ask"))
	}
	if !slices.Contains([]string{".json", ".csv", ".sqlite"}, filepath.Ext(c.Out)) {
		faults = append(faults, fmt.Errorf("--out: want a name that ends in .json, .csv or .sqlite, not %q", c.Out))
	}
	return faults
}

// idFile is what ids writes and patch reads.
type idFile struct {
	FormatVersion int     `json:"formatVersion"`
	Environment   string  `json:"environment"`
	Version       string  `json:"version,omitempty"` // of its server
	Assets        []known `json:"assets"`
}

type known struct {
	Kind      assets.Kind `json:"kind"`
	UUID      string      `json:"uuid"`
	ID        int         `json:"id"`
	Title     string      `json:"title"` // of a database: the logical name
	ChangedOn string      `json:"changedOn,omitempty"`
}

func ids(ctx context.Context, s *step.Session, c *IDs) error {
	result := &change.AssetSync{Command: "ids", From: c.Env, To: c.Out, Counts: map[string]int{}}
	err := writeIDs(ctx, s, c, result)
	if err != nil {
		return s.Fail(result, refusedOr(err, change.Failed), err)
	}
	result.Outcome = change.Done
	total := 0
	for _, n := range result.Counts {
		total += n
	}
	return publish(s, c.Format, result, fmt.Sprintf("%s: %d ids in %s", c.Env, total, c.Out))
}

func writeIDs(ctx context.Context, s *step.Session, c *IDs, result *change.AssetSync) error {
	r, err := newReader(s, c.Settings, "")
	if err != nil {
		return err
	}
	e, err := r.environment(c.Env)
	if err != nil {
		return err
	}
	client, err := e.client(s, true)
	if err != nil {
		return err
	}
	t := &site{environment: e, session: s, client: client, config: r.config}
	_, version := client.Version(ctx)
	if err := t.list(ctx); err != nil {
		return err
	}
	all := idFile{FormatVersion: 1, Environment: c.Env, Version: cmp.Or(version, t.oldest.String()), Assets: t.known()}
	for _, k := range all.Assets {
		result.Counts[k.Kind.Folder()]++
	}
	result.Requests, result.Writes = client.Requests()
	if filepath.Ext(c.Out) == ".sqlite" {
		return all.writeTable(ctx, c.Out)
	}
	text, err := all.encode(c.Out)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Out, text, 0o644) //nolint:gosec // no secret is in it
}

// known lists what the environment has, by kind and id.
func (t *site) known() (all []known) {
	for _, kind := range assets.Kinds {
		for _, row := range sortedRows(t.rows, kind) {
			k := known{kind, row.UUID, row.ID, row.Title, row.ChangedOn}
			if kind == assets.Database {
				k.Title = t.config.logical(t.name, row.Title, row.UUID)
			}
			all = append(all, k)
		}
	}
	return all
}

func (f idFile) encode(name string) ([]byte, error) {
	if strings.HasSuffix(name, ".json") {
		text, err := json.MarshalIndent(f, "", "  ")
		return append(text, '\n'), err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"kind", "uuid", "id", "title", "changed_on"}}
	for _, k := range f.Assets {
		rows = append(rows, []string{string(k.Kind), k.UUID, strconv.Itoa(k.ID), harmless(k.Title), k.ChangedOn})
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// harmless keeps a spreadsheet from taking a title for a formula.
func harmless(title string) string {
	if title != "" && strings.ContainsRune("=+-@\t\r", rune(title[0])) {
		return "'" + title
	}
	return title
}
