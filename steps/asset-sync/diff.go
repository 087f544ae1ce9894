package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var diffProgram = step.Program{
	Name: "diff",
	Contract: `Says in words what is different between two places: charts added and moved,
filters and their scopes, columns and metrics, SQL as a text difference.`,
	Exits: exits,
	Examples: []string{
		"asset-sync diff prod qa",
		"asset-sync diff assets@HEAD~1 assets --format markdown",
	},
}

// Diff is the configuration of the sub-command.
type Diff struct {
	Settings  `embed:""`
	Filter    Filter `embed:""`
	A         string `arg:"" optional:"" placeholder:"PLACE" help:"Before."`
	B         string `arg:"" optional:"" placeholder:"PLACE" help:"After."`
	Snapshots string `name:"snapshots" env:"PATCHBAY_ASSETS_SNAPSHOTS" default:"snapshots" placeholder:"DIR" help:"Where snapshots are."`
	ExitCode  bool   `name:"exit-code" env:"PATCHBAY_ASSETS_EXIT_CODE" help:"Exit status 4 when something differs."`
}

// Faults lists what is missing.
func (c Diff) Faults() []error {
	if c.A == "" || c.B == "" {
		return []error{errors.New("two places are wanted, for example: asset-sync diff prod qa")}
	}
	return nil
}

func diff(ctx context.Context, s *step.Session, c *Diff) error {
	result := &change.AssetSync{Command: "diff", From: c.A, To: c.B, Counts: map[string]int{}}
	r, err := newReader(s, c.Settings, c.Snapshots)
	if err != nil {
		return s.Fail(result, change.Refused, err)
	}
	var sides [2]*assets.Set
	for i, place := range []string{c.A, c.B} {
		if sides[i], err = r.selected(ctx, place, c.Filter, result); err != nil {
			return s.Fail(result, refusedOr(err, change.Failed), err) // it names the place
		}
	}
	result.Notes = nil // what refers to nothing is no difference
	texts := differences(sides[0], sides[1], result)
	result.Outcome = change.Done
	if len(result.Assets) == 0 {
		result.Outcome = change.Nothing
	}
	if err := publishDiff(s, c.Format, result, texts); err != nil {
		return err
	}
	if c.ExitCode && len(result.Assets) > 0 {
		return step.ErrPending
	}
	return nil
}

// differences fills the result, and gives the long texts by asset.
func differences(a, b *assets.Set, result *change.AssetSync) map[string][]assets.Difference {
	title := func(k assets.Key) string {
		for _, set := range []*assets.Set{b, a} {
			if found := set.Get(k); found != nil {
				return found.Title()
			}
		}
		return k.UUID
	}
	texts := map[string][]assets.Difference{}
	note := func(asset *assets.Asset, action string, found []assets.Difference) {
		c := change.AssetChange{Kind: string(asset.Kind), UUID: asset.UUID, Title: asset.Title(), Action: action}
		for _, d := range found {
			c.What = append(c.What, d.What)
		}
		result.Counts[action]++
		result.Assets = append(result.Assets, c)
		texts[asset.UUID] = found
	}
	for _, after := range b.All() {
		before := a.Get(after.Key())
		if before == nil {
			note(after, "create", nil)
		} else if found := assets.Differences(before, after, title); len(found) > 0 {
			note(after, "update", found)
		}
	}
	for _, before := range a.All() {
		if b.Get(before.Key()) == nil {
			note(before, "delete", nil)
		}
	}
	return texts
}

func publishDiff(s *step.Session, format string, result *change.AssetSync, texts map[string][]assets.Difference) error {
	if format == "json" {
		return s.Write(result)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s → %s: %d added, %d changed, %d removed\n", result.From, result.To, result.Counts["create"], result.Counts["update"], result.Counts["delete"])
	for _, a := range result.Assets {
		if format == "markdown" {
			fmt.Fprintf(&b, "\n**%s %s %s**\n\n", signs[a.Action], a.Kind, markdown(a.Title))
		} else {
			fmt.Fprintf(&b, "%s %s %q\n", signs[a.Action], a.Kind, change.OneLine(a.Title))
		}
		for _, d := range texts[a.UUID] {
			writeDifference(&b, format, d)
		}
	}
	text := b.String()
	if format == "markdown" {
		if err := s.CI.Summary(text); err != nil {
			return err
		}
	}
	return s.Publish(result, text)
}

func writeDifference(b *strings.Builder, format string, d assets.Difference) {
	if format == "markdown" {
		fmt.Fprintf(b, "- %s\n", markdown(d.What))
	} else {
		fmt.Fprintf(b, "    %s\n", change.OneLine(d.What))
	}
	if d.Text == "" {
		return
	}
	if format == "markdown" {
		fmt.Fprint(b, "\n````diff\n")
	}
	for i, line := range strings.Split(strings.TrimSuffix(d.Text, "\n"), "\n") {
		if i < 2 {
			continue // the names of both sides
		}
		if shown := change.OneLine(line); shown != "" {
			indent := "      "
			if format == "markdown" {
				indent = ""
			}
			fmt.Fprintf(b, "%s%s%s\n", indent, line[:1], change.OneLine(line[1:]))
		}
	}
	if format == "markdown" {
		fmt.Fprint(b, "````\n\n")
	}
}
