package versions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// read lends a session in a version's database. A candidate without one is
// errAbsent, or a fault when nobody knows its change; then Origin.Absent is
// set. fn gives the comment of the database that it has read.
func (v *Versions) read(ctx context.Context, version Version, fn func(context.Context, *pg.Conn) (comment string, err error)) (o Origin, err error) {
	readers, database := v.where(version)
	var comment string
	err = readers.Read(ctx, database, func(ctx context.Context, conn *pg.Conn) (err error) {
		comment, err = fn(ctx, conn)
		return err
	})
	if version != Master {
		var ours bool
		if o, ours = v.origin(comment); errors.Is(err, pg.ErrNoDatabase) || err == nil && !ours {
			return Origin{Absent: true}, v.absent(ctx, version)
		}
	}
	switch {
	case err == nil:
		return o, nil
	case ctx.Err() != nil: // it is the request that has ended, whatever the driver says
		return Origin{}, fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return Origin{}, &unreachable{version, err}
}

// Tables are those of a version that are shown.
type Tables struct {
	Origin Origin
	List   []api.TableInfoShort
	Names  TableNames
}

// Tables lists a version's tables, in one round trip to the catalog. A
// candidate without a database has an empty list.
func (v *Versions) Tables(ctx context.Context, version Version) (t Tables, err error) {
	var listing *schema.Listing
	t.Origin, err = v.read(ctx, version, func(ctx context.Context, conn *pg.Conn) (comment string, err error) {
		if listing, err = schema.List(ctx, conn, v.options(v.Schemas, v.Preferred)); err != nil {
			return "", err
		}
		return listing.Comment, nil
	})
	switch {
	case errors.Is(err, errAbsent):
		t.List = []api.TableInfoShort{}
		return t, nil
	case err == nil:
		t.List, t.Names = v.list(listing.Tables)
	}
	return t, err
}

func (v *Versions) list(all []schema.Listed) ([]api.TableInfoShort, TableNames) {
	all = slices.DeleteFunc(all, func(t schema.Listed) bool { return v.Filters.hidesTable(t.Name) })
	names := namesOf(all, func(t *schema.Listed) (string, string) { return t.Schema, t.Name })
	list := make([]api.TableInfoShort, len(all))
	for i, t := range all {
		list[i] = api.TableInfoShort{Name: names.Called(t.Schema, t.Name), Description: textOrNull(t.Comment)}
		for _, target := range t.Targets {
			list[i].ObjectReference = list[i].ObjectReference || v.isSubject(target.Schema, target.Name)
		}
	}
	slices.SortFunc(list, func(a, b api.TableInfoShort) int { return compareJava(a.Name, b.Name) })
	return list, names
}

func (v *Versions) isSubject(namespace, table string) bool {
	return v.Subject == table || v.Subject == namespace+"."+table
}

// compareJava orders texts as Java does, by UTF-16 units: as by their runes,
// but that what is above U+FFFF begins with a unit below U+E000.
func compareJava(a, b string) int {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return cmp.Compare(firstUnit(ra), firstUnit(rb))
		}
		a, b = a[na:], b[nb:]
	}
	return cmp.Compare(len(a), len(b))
}

// firstUnit is what decides between two different runes; two that are both
// above U+FFFF keep their order by the whole of them.
func firstUnit(r rune) float64 {
	if r <= 0xFFFF {
		return float64(r)
	}
	high, low := utf16.EncodeRune(r)
	return float64(high) + float64(low)/0x10000
}

// Model is the structure of a version as it was read at once.
type Model struct {
	Origin   Origin
	Snapshot *schema.Snapshot
	Names    TableNames
	v        *Versions
}

// Model reads the structure: of the schemas that are shown, or of all when
// whole is asked for and no schemas are set.
func (v *Versions) Model(ctx context.Context, version Version, whole bool) (*Model, error) {
	preferred := v.Preferred
	if whole {
		preferred = ""
	}
	m := &Model{v: v}
	var err error
	m.Origin, err = v.read(ctx, version, func(ctx context.Context, conn *pg.Conn) (comment string, err error) {
		if comment, err = schema.Comment(ctx, conn); err != nil {
			return "", err
		}
		m.Snapshot, err = schema.Read(ctx, conn, v.options(v.Schemas, preferred))
		return comment, err
	})
	if err != nil {
		return m, err
	}
	m.Names = namesOf(m.tables(), func(t *schema.Table) (string, string) { return t.Schema, t.Name })
	return m, nil
}

// tables are those that are shown.
func (m *Model) tables() (shown []schema.Table) {
	for _, t := range m.Snapshot.Tables {
		if !m.v.Filters.hidesTable(t.Name) {
			shown = append(shown, t)
		}
	}
	return shown
}

// find gives a table by what it is called; nil when there is none.
func (m *Model) find(name string) *schema.Table {
	all := m.tables()
	at := slices.IndexFunc(all, func(t schema.Table) bool { return m.Names.Called(t.Schema, t.Name) == name })
	if at < 0 {
		return nil
	}
	return &all[at]
}

// Table reads one table, and gives the structure in which it stands. Never nil:
// it says where it comes from.
func (v *Versions) Table(ctx context.Context, version Version, name string) (*api.TableInfo, *Model, error) {
	if v.Filters.namesView(name) { // the API's description says so too
		return nil, &Model{}, BadRequest("path.name: " + v.Filters.whyView())
	}
	m, err := v.Model(ctx, version, false)
	if errors.Is(err, errAbsent) {
		return nil, m, unknownTable(name)
	}
	if err != nil {
		return nil, m, err
	}
	found := m.find(name)
	if found == nil {
		return nil, m, unknownTable(name)
	}
	return m.table(found), m, nil
}

func (m *Model) table(t *schema.Table) *api.TableInfo {
	info := &api.TableInfo{
		Name: m.Names.Called(t.Schema, t.Name), Description: textOrNull(t.Comment),
		Columns: m.columns(t), ForeignKeys: m.foreignKeys(t), UniqueConstraints: api.ByName[api.Index]{}, Indices: api.ByName[api.Index]{},
		Schema: t.Schema, Kind: t.Kind, PartitionOf: t.Inherits, PartitionBound: t.PartitionBound, PartitionKey: t.PartitionKey,
		Checks: checksOf(t), ReferencedBy: m.referencedBy(t),
	}
	for _, f := range t.ForeignKeys {
		info.ObjectReference = info.ObjectReference || m.v.isSubject(f.TargetSchema, f.TargetTable)
	}
	if t.PrimaryKey != nil {
		info.PrimaryKey = api.Some(keyOf(*t.PrimaryKey))
	}
	m.indexes(t, info)
	return info
}

func (m *Model) columns(t *schema.Table) api.ByName[api.Column] {
	list := api.ByName[api.Column]{}
	for _, c := range t.Columns {
		if m.v.Filters.hidesColumn(c.Name) {
			continue
		}
		list = append(list, api.Column{
			Name: c.Name, Description: textOrNull(c.Comment), Type: m.internalType(c), DefaultValue: textOrNull(c.Default), NotNull: c.NotNull,
			Position: len(list) + 1, FormatType: c.Type, Identity: c.Identity, Generated: c.Generated, Collation: c.Collation,
		})
	}
	return list
}

// internalType is qualified when its schema is none that the platform's search
// path has: "$user", registry, public.
func (m *Model) internalType(c schema.Column) string {
	switch c.TypeSchema {
	case "", "public", m.v.Preferred:
		return c.InternalType
	}
	return c.TypeSchema + "." + c.InternalType
}

func (m *Model) foreignKeys(t *schema.Table) api.ByName[api.ForeignKey] {
	list := api.ByName[api.ForeignKey]{}
	for _, f := range t.ForeignKeys {
		key := api.ForeignKey{
			Name: f.Name, TargetTable: m.Names.Called(f.TargetSchema, f.TargetTable), TargetSchema: f.TargetSchema,
			ColumnPairs: []api.ColumnPair{}, OnDelete: f.OnDelete, OnUpdate: f.OnUpdate,
		}
		for i := range f.Columns {
			key.ColumnPairs = append(key.ColumnPairs, api.ColumnPair{Source: f.Columns[i], Target: f.TargetColumns[i]})
		}
		list = append(list, key)
	}
	return list
}

// indexes sorts as the platform does: what the suffix hides, then the primary
// key's own, then what is unique, then the rest.
func (m *Model) indexes(t *schema.Table, info *api.TableInfo) {
	for _, u := range t.Uniques {
		if !m.v.Filters.hidesIndex(u.Name) {
			info.UniqueConstraints = append(info.UniqueConstraints, keyOf(u))
		}
	}
	for _, i := range t.Indexes {
		switch {
		case m.v.Filters.hidesIndex(i.Name):
		case i.Unique:
			info.UniqueConstraints = append(info.UniqueConstraints, indexOf(i))
		default:
			info.Indices = append(info.Indices, indexOf(i))
		}
	}
	for _, list := range []api.ByName[api.Index]{info.UniqueConstraints, info.Indices} {
		slices.SortFunc(list, func(a, b api.Index) int { return cmp.Compare(a.Name, b.Name) })
	}
}

func keyOf(k schema.Key) api.Index {
	return api.Index{Name: k.Name, Columns: indexColumns(k.Columns), Method: "btree", Constraint: true, Definition: k.Definition}
}

func indexOf(i schema.Index) api.Index {
	return api.Index{Name: i.Name, Columns: indexColumns(i.Columns), Method: i.Method, Predicate: i.Predicate, Definition: i.Definition}
}

func indexColumns(columns []schema.IndexColumn) []api.IndexColumn {
	list := []api.IndexColumn{}
	for _, c := range columns {
		list = append(list, api.IndexColumn{Name: cmp.Or(c.Name, c.Expression), Sorting: c.Sorting, Expression: c.Name == ""})
	}
	return list
}

func checksOf(t *schema.Table) api.ByName[api.Check] {
	list := api.ByName[api.Check]{}
	for _, c := range slices.Concat(t.Checks, t.Exclusions) {
		list = append(list, api.Check{Name: c.Name, Definition: c.Definition})
	}
	return list
}

// referencedBy lists the foreign keys of shown tables that lead to this one.
// Their names are unique in a table only: equal ones get their table's.
func (m *Model) referencedBy(t *schema.Table) api.ByName[api.ReferencedBy] {
	list, times := api.ByName[api.ReferencedBy]{}, map[string]int{}
	for _, other := range m.tables() {
		for _, f := range other.ForeignKeys {
			if f.TargetSchema == t.Schema && f.TargetTable == t.Name {
				list = append(list, api.ReferencedBy{Name: f.Name, Table: m.Names.Called(other.Schema, other.Name)})
				times[f.Name]++
			}
		}
	}
	for i, r := range list {
		if times[r.Name] > 1 {
			list[i].Name = r.Table + "." + r.Name
		}
	}
	return list
}
