// Package assets is the model of what Superset's environments share: datasets,
// charts and dashboards, and the databases they stand on. It brings what a
// server exports into one canonical form without the server's ids, brings that
// into the ids of another server, compares, and plans. All of it is pure: no
// file, no network.
package assets

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Kind is a kind of asset, by the word that Superset's REST API has for it.
type Kind string

// The kinds, in the order in which they depend on each other.
const (
	Database  Kind = "database"
	Dataset   Kind = "dataset"
	Chart     Kind = "chart"
	Dashboard Kind = "dashboard"
)

// Kinds are all of them, what others stand on first.
var Kinds = []Kind{Database, Dataset, Chart, Dashboard}

// Folder is where exports and trees keep the kind.
func (k Kind) Folder() string { return string(k) + "s" }

// KindOfFolder is the kind that an export keeps in a folder.
func KindOfFolder(folder string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Folder() == folder {
			return k, true
		}
	}
	return "", false
}

// Asset is one asset in the canonical form. A database is known by its logical
// name, which stands in the place of the UUID: every environment has its own.
type Asset struct {
	Kind Kind
	UUID string
	Doc  *document.Value

	// Unresolved are references to nothing that stood in it, in words.
	Unresolved []string

	// Elsewhere are references of a dashboard to charts that are not on it.
	// They have no effect, unless they were meant for another chart.
	Elsewhere []string
}

// Key names an asset among all kinds.
type Key struct {
	Kind Kind   `json:"kind"`
	UUID string `json:"uuid"`
}

// Key of the asset.
func (a *Asset) Key() Key { return Key{a.Kind, a.UUID} }

// titles are the fields that name an asset for a person.
var titles = map[Kind]string{Database: "database_name", Dataset: "table_name", Chart: "slice_name", Dashboard: "dashboard_title"}

// Title is the asset's name for a person.
func (a *Asset) Title() string { return a.Doc.Get(titles[a.Kind]).Str() }

// Slug is a dashboard's slug, "" where it has none.
func (a *Asset) Slug() string { return a.Doc.Get("slug").Str() }

// Tags are the tags that people gave it.
func (a *Asset) Tags() []string { return textsOf(a.Doc.Get("tags")) }

func textsOf(list *document.Value) (all []string) {
	for _, v := range list.Each() {
		all = append(all, v.Str())
	}
	return all
}

// String is `chart "Sales"`.
func (a *Asset) String() string { return string(a.Kind) + ` "` + a.Title() + `"` }

// Set is a collection of assets.
type Set struct{ all map[Key]*Asset }

// NewSet makes a collection.
func NewSet(all ...*Asset) *Set {
	s := &Set{map[Key]*Asset{}}
	for _, a := range all {
		s.Add(a)
	}
	return s
}

// Add puts an asset in, in the place of one of the same key.
func (s *Set) Add(a *Asset) { s.all[a.Key()] = a }

// Remove takes an asset out.
func (s *Set) Remove(k Key) { delete(s.all, k) }

// Get is the asset of a key, nil when there is none.
func (s *Set) Get(k Key) *Asset { return s.all[k] }

// Len is how many there are, of one kind or of all ("").
func (s *Set) Len(kind Kind) int {
	if kind == "" {
		return len(s.all)
	}
	return len(s.Of(kind))
}

// Of gives the assets of a kind, by title and UUID.
func (s *Set) Of(kind Kind) (all []*Asset) {
	for _, a := range s.all {
		if a.Kind == kind {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *Asset) int {
		return cmp.Or(strings.Compare(a.Title(), b.Title()), strings.Compare(a.UUID, b.UUID))
	})
	return all
}

// All gives all assets, what others stand on first.
func (s *Set) All() (all []*Asset) {
	for _, kind := range Kinds {
		all = append(all, s.Of(kind)...)
	}
	return all
}

// Needs are the assets that one stands on or shows: a dataset its database, a
// chart its dataset and the charts it layers, a dashboard its charts and the
// datasets of its filters.
func (a *Asset) Needs() (keys []Key) {
	switch a.Kind {
	case Dataset:
		keys = append(keys, Key{Database, a.Doc.Get("database").Str()})
	case Chart:
		if dataset := a.Doc.Get("dataset_uuid").Str(); dataset != "" {
			keys = append(keys, Key{Dataset, dataset})
		}
	}
	collect := translator{
		chart: func(_ string, v *document.Value) *document.Value { keys = append(keys, Key{Chart, v.Str()}); return v },
		dataset: func(_ string, v *document.Value) *document.Value {
			keys = append(keys, Key{Dataset, v.Str()})
			return v
		},
	}
	collect.translate(a.Kind, a.Doc.Copy())
	for _, uuid := range chartsOf(a.Doc) {
		keys = append(keys, Key{Chart, uuid})
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.UUID, b.UUID))
	})
	return slices.Compact(keys)
}

// Charts are the UUIDs of the charts on a dashboard.
func (a *Asset) Charts() []string { return chartsOf(a.Doc) }

func chartsOf(doc *document.Value) (uuids []string) {
	for _, node := range chartNodes(doc) {
		if uuid := node.Get("meta", "uuid").Str(); uuid != "" {
			uuids = append(uuids, uuid)
		}
	}
	slices.Sort(uuids)
	return slices.Compact(uuids)
}

// chartNodes are the places of charts in a dashboard's layout.
func chartNodes(doc *document.Value) (nodes []*document.Value) {
	position := doc.Get("position")
	if !position.IsMap() {
		return nil
	}
	for _, f := range position.Fields {
		if f.Value.Get("type").Str() == "CHART" && f.Value.Get("meta").IsMap() {
			nodes = append(nodes, f.Value)
		}
	}
	return nodes
}

// SetTags puts the tags that people gave into the document.
func (a *Asset) SetTags(tags []string) {
	a.Doc.Delete("tags")
	if len(tags) == 0 {
		return
	}
	a.Doc.Set("tags", document.Texts(tags...))
	canonicaliser{a, nil}.tags()
	a.Doc = ordered(a.Doc)
}

// RenameDatabase gives a database another logical name, also where datasets name
// it. The assets themselves are not changed but replaced.
func (s *Set) RenameDatabase(from, to string) {
	s.Remove(Key{Database, from})
	s.Add(&Asset{Kind: Database, UUID: to, Doc: document.NewMap(document.Field{Key: titles[Database], Value: document.Text(to)})})
	for _, a := range s.Of(Dataset) {
		if a.Doc.Get("database").Str() == from {
			renamed := *a
			renamed.Doc = a.Doc.Copy()
			renamed.Doc.Set("database", document.Text(to))
			s.Add(&renamed)
		}
	}
}

// FromExport makes a collection of an export's files: its ids are those that the
// files name; logical gives the logical names of its databases.
func FromExport(raws []Raw, logical func(name, uuid string) string) *Set {
	space := NewSpace()
	for _, raw := range raws {
		if raw.ID != 0 {
			space.Add(raw.Kind, raw.ID, raw.UUID)
		}
		switch raw.Kind {
		case Database:
			space.AddDatabase(raw.UUID, logical(raw.Doc.Get(titles[Database]).Str(), raw.UUID))
		case Chart: // names its dataset both ways
			id, _, _ := strings.Cut(raw.Doc.Get("params", "datasource").Str(), "__table")
			if n, ok := document.Text(id).Int(); ok && raw.Doc.Get("dataset_uuid").Str() != "" {
				space.Add(Dataset, n, raw.Doc.Get("dataset_uuid").Str())
			}
		}
	}
	set := NewSet()
	for _, raw := range raws {
		set.Add(Canonical(raw, space))
	}
	return set
}

// NewUUID is the UUID of a database that is made in an environment: the same
// whenever it is made there.
func NewUUID(environment, logical string) string {
	sum := sha256.Sum256([]byte("asset-sync\x00" + environment + "\x00" + logical))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8, RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// NeedsLayers says that the asset names an annotation layer which the space
// does not know.
func (s *Space) NeedsLayers(a *Asset) (needs bool) {
	t := translator{layer: func(_ string, v *document.Value) *document.Value {
		if _, known := s.layerNames[v.Str()]; !known {
			needs = true
		}
		return v
	}}
	t.translate(a.Kind, a.Doc.Copy())
	return needs
}
