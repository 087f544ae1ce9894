package assets

import (
	"path"
	"slices"
	"strings"
)

// Selection is what of a place is looked at: assets that one of the filters
// names, or all where there is none, with what they stand on.
type Selection struct {
	Kinds     []Kind   // empty: all
	Titles    []string // patterns with * and ?
	Tags      []string
	UUIDs     []string
	Slugs     []string
	Only      []string // "dashboard:<slug or UUID>"
	Published bool     // of dashboards, the published ones
	Ignore    []string // titles (patterns), slugs or UUIDs that are left out
}

// Empty says that everything is selected.
func (s Selection) Empty() bool {
	return len(s.Kinds) == 0 && !s.filters() && !s.Published && len(s.Ignore) == 0
}

func (s Selection) filters() bool {
	return len(s.Titles)+len(s.Tags)+len(s.UUIDs)+len(s.Slugs)+len(s.Only) > 0
}

// Select gives the selected assets with all that they stand on.
func (s Selection) Select(from *Set) *Set {
	chosen := NewSet()
	for _, a := range from.All() {
		if s.names(a) {
			addWithNeeds(from, chosen, a, s)
		}
	}
	return chosen
}

func addWithNeeds(from, to *Set, a *Asset, s Selection) {
	if to.Get(a.Key()) != nil {
		return
	}
	to.Add(a)
	for _, need := range a.Needs() {
		if other := from.Get(need); other != nil && !s.ignores(other) {
			addWithNeeds(from, to, other, s)
		}
	}
}

// names says that the asset itself is selected.
func (s Selection) names(a *Asset) bool {
	if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, a.Kind) || s.ignores(a) {
		return false
	}
	if s.Published && (a.Kind != Dashboard || !a.Doc.Get("published").True()) {
		return false
	}
	if !s.filters() {
		return true
	}
	return matches(s.Titles, a.Title()) || slices.Contains(s.UUIDs, a.UUID) || a.Slug() != "" && slices.Contains(s.Slugs, a.Slug()) ||
		slices.ContainsFunc(a.Tags(), func(tag string) bool { return slices.Contains(s.Tags, tag) }) ||
		slices.ContainsFunc(s.Only, func(only string) bool { return named(only, a) })
}

func (s Selection) ignores(a *Asset) bool {
	return matches(s.Ignore, a.Title()) || slices.Contains(s.Ignore, a.UUID) || a.Slug() != "" && slices.Contains(s.Ignore, a.Slug())
}

// named reads "dashboard:sales" and "chart:<uuid>".
func named(only string, a *Asset) bool {
	kind, name, _ := strings.Cut(only, ":")
	return Kind(kind) == a.Kind && (name == a.UUID || name == a.Slug() && name != "")
}

func matches(patterns []string, title string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, strings.ReplaceAll(title, "/", "∕"))
		return ok && err == nil || pattern == title
	})
}
