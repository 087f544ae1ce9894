package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
)

func (y *synchronisation) note(format string, args ...any) {
	if text := change.OneLine(fmt.Sprintf(format, args...)); !slices.Contains(y.result.Notes, text) {
		y.result.Notes = append(y.result.Notes, text)
	}
}

// report puts the plan into the result.
func (y *synchronisation) report() {
	for _, s := range y.plan.Steps {
		y.result.Counts[string(s.Action)]++
		if s.Action == assets.Unchanged {
			continue
		}
		y.result.Assets = append(y.result.Assets, change.AssetChange{
			Kind: string(s.Key.Kind), UUID: s.Key.UUID, Title: s.Title, Action: string(s.Action), What: s.What, Reason: s.Reason, URL: y.pageOf(s.Key),
		})
	}
}

// pageOf is the address of a dashboard.
func (y *synchronisation) pageOf(k assets.Key) string {
	if id, ok := y.to.space.ID(k.Kind, k.UUID); ok && k.Kind == assets.Dashboard {
		return fmt.Sprintf("%s/superset/dashboard/%d/", y.to.client.URL(), id)
	}
	return ""
}

func (y *synchronisation) summary() string {
	if slices.ContainsFunc(y.result.Assets, func(a change.AssetChange) bool { return a.Done != "" }) {
		return fmt.Sprintf("%s → %s: %s", y.From, y.To, y.became())
	}
	var parts []string
	for _, action := range []assets.Action{assets.Create, assets.Update, assets.Delete, assets.Unchanged, assets.Conflict, assets.Broken, assets.Extra} {
		if n := y.result.Counts[string(action)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, said[action]))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to compare"}
	}
	return fmt.Sprintf("%s → %s: %s", y.From, y.To, strings.Join(parts, ", "))
}

// became says what came of the plan.
func (y *synchronisation) became() string {
	counts := map[string]int{}
	for _, a := range y.result.Assets {
		switch {
		case a.Done == "":
			counts[said[assets.Action(a.Action)]]++
		case a.Done == "done":
			counts[a.Action+"d"]++ // created, updated, deleted
		default:
			counts[a.Done]++
		}
	}
	counts["unchanged"] = y.result.Counts[string(assets.Unchanged)]
	var parts []string
	for _, word := range []string{"created", "updated", "deleted", "failed", "skipped", "unchanged", "in conflict", "broken", "extra"} {
		if counts[word] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[word], word))
		}
	}
	return strings.Join(parts, ", ")
}

// said are the actions in a sentence.
var said = map[assets.Action]string{
	assets.Create: "to create", assets.Update: "to update", assets.Delete: "to delete", assets.Unchanged: "unchanged",
	assets.Conflict: "in conflict", assets.Broken: "broken", assets.Extra: "extra",
}
