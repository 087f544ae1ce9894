package assets

import (
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Dependencies gives the files that a bundle for a kind's own endpoint needs
// beside the assets: what they stand on. What the server has already is left
// as it is, so a stub that passes its schema does; of databases the bundle
// carries the server's own definition.
func Dependencies(locals []Local, own *Set, databases map[string]*document.Value, to *Space) (files []File) {
	d := dependencies{own: own, databases: databases, to: to, seen: map[Key]bool{}}
	for _, l := range locals {
		d.seen[l.Key] = true
	}
	for _, l := range locals {
		switch l.Key.Kind {
		case Dataset:
			d.database(l.Doc.Get("database_uuid").Str())
		case Chart:
			d.dataset(l.Doc.Get("dataset_uuid").Str())
		case Dashboard:
			for _, uuid := range chartsOf(l.Doc) {
				d.chart(uuid)
			}
		}
	}
	return d.files
}

type dependencies struct {
	own       *Set
	databases map[string]*document.Value // by UUID
	to        *Space
	seen      map[Key]bool
	files     []File
}

func (d *dependencies) add(k Key, doc *document.Value) {
	if !d.seen[k] && doc != nil {
		d.seen[k] = true
		d.files = append(d.files, File{FileOf(k), doc})
	}
}

func (d *dependencies) database(uuid string) {
	d.add(Key{Database, uuid}, d.databases[uuid])
}

func (d *dependencies) dataset(uuid string) {
	k := Key{Dataset, uuid}
	a := d.own.Get(k)
	if a == nil || d.seen[k] {
		return
	}
	database, _ := d.to.DatabaseUUID(a.Doc.Get("database").Str())
	d.database(database)
	d.add(k, stub(uuid, "table_name", a.Title(), document.Field{Key: "database_uuid", Value: document.Text(database)}))
}

func (d *dependencies) chart(uuid string) {
	k := Key{Chart, uuid}
	a := d.own.Get(k)
	if a == nil || d.seen[k] {
		return
	}
	dataset := a.Doc.Get("dataset_uuid").Str()
	d.dataset(dataset)
	d.add(k, stub(uuid, "slice_name", a.Title(), document.Field{Key: "viz_type", Value: document.Text("table")},
		document.Field{Key: "params", Value: document.NewMap()}, document.Field{Key: "dataset_uuid", Value: document.Text(dataset)}))
}

func stub(uuid, name, title string, more ...document.Field) *document.Value {
	return document.NewMap(append([]document.Field{
		{Key: name, Value: document.Text(title)},
		{Key: "uuid", Value: document.Text(uuid)},
		{Key: "version", Value: document.Text("1.0.0")},
	}, more...)...)
}

// Rounds puts assets of one kind into an order in which what one refers to
// comes before it: charts before the charts that layer them, dashboards before
// those that link to them. A circle ends in the last round.
func Rounds(all []*Asset) (rounds [][]*Asset) {
	waiting := map[string]*Asset{}
	for _, a := range all {
		waiting[a.UUID] = a
	}
	for len(waiting) > 0 {
		var round []*Asset
		for _, a := range all {
			if waiting[a.UUID] != nil && !waits(a, waiting) {
				round = append(round, a)
			}
		}
		if len(round) == 0 {
			for _, a := range all {
				if waiting[a.UUID] != nil {
					round = append(round, a)
				}
			}
		}
		for _, a := range round {
			delete(waiting, a.UUID)
		}
		rounds = append(rounds, round)
	}
	return rounds
}

func waits(a *Asset, waiting map[string]*Asset) bool {
	return slices.ContainsFunc(a.RefersTo(), func(k Key) bool { return k.Kind == a.Kind && k.UUID != a.UUID && waiting[k.UUID] != nil })
}

// RefersTo are the charts and dashboards that an asset names by id.
func (a *Asset) RefersTo() (keys []Key) {
	note := func(kind Kind) func(string, *document.Value) *document.Value {
		return func(_ string, v *document.Value) *document.Value {
			keys = append(keys, Key{kind, v.Str()})
			return v
		}
	}
	t := translator{chart: note(Chart), dashboard: note(Dashboard)}
	t.translate(a.Kind, a.Doc.Copy())
	return keys
}
