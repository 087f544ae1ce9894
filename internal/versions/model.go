package versions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// Tables lists a version's tables, in one round trip to the catalog. A
// candidate without a database has an empty list.
func (v *Versions) Tables(ctx context.Context, version Version) ([]api.TableInfoShort, Origin, error) {
	var listing *schema.Listing
	origin, err := v.read(ctx, version, func(ctx context.Context, conn *pg.Conn) (comment string, err error) {
		if listing, err = schema.List(ctx, conn, v.options(v.Schemas, v.Preferred)); err != nil {
			return "", err
		}
		return listing.Comment, nil
	})
	if errors.Is(err, errAbsent) {
		return []api.TableInfoShort{}, origin, nil
	}
	if err != nil {
		return nil, origin, err
	}
	return v.list(listing.Tables), origin, nil
}

func (v *Versions) list(all []schema.Listed) []api.TableInfoShort {
	all = slices.DeleteFunc(all, func(t schema.Listed) bool { return v.Filters.HidesTable(t.Name) })
	names := namesOf(all, func(t *schema.Listed) (string, string) { return t.Schema, t.Name })
	list := make([]api.TableInfoShort, len(all))
	for i, t := range all {
		list[i] = api.TableInfoShort{Name: names.shown(t.Schema, t.Name), Description: textOrNull(t.Comment)}
		for _, target := range t.Targets {
			list[i].ObjectReference = list[i].ObjectReference || v.isSubject(target.Schema, target.Name)
		}
	}
	slices.SortFunc(list, func(a, b api.TableInfoShort) int { return compareJava(a.Name, b.Name) })
	return list
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

// tableNames says what a table is called: by its name alone, unless two
// schemas have one of that name.
type tableNames map[string]int

func namesOf[T any](all []T, name func(*T) (namespace, table string)) tableNames {
	names := tableNames{}
	for i := range all {
		_, table := name(&all[i])
		names[table]++
	}
	return names
}

func (n tableNames) shown(namespace, table string) string {
	if n[table] > 1 {
		return namespace + "." + table
	}
	return table
}

// Model is the structure of a version as it was read at once.
type Model struct {
	Origin   Origin
	Snapshot *schema.Snapshot
	v        *Versions
	names    tableNames
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
	m.names = namesOf(m.tables(), func(t *schema.Table) (string, string) { return t.Schema, t.Name })
	return m, nil
}

// tables are those that are shown.
func (m *Model) tables() (shown []schema.Table) {
	for _, t := range m.Snapshot.Tables {
		if !m.v.Filters.HidesTable(t.Name) {
			shown = append(shown, t)
		}
	}
	return shown
}

// find gives a table by what it is called; nil when there is none.
func (m *Model) find(name string) *schema.Table {
	all := m.tables()
	at := slices.IndexFunc(all, func(t schema.Table) bool { return m.names.shown(t.Schema, t.Name) == name })
	if at < 0 {
		return nil
	}
	return &all[at]
}

// Table reads one table.
func (v *Versions) Table(ctx context.Context, version Version, name string) (*api.TableInfo, Origin, error) {
	if v.Filters.namesView(name) {
		return nil, Origin{}, fault(400, api.CodeBadRequest, "%q is no table: names that end in %s are views", name, strings.Join(v.Filters.ViewSuffixes, " or "))
	}
	m, err := v.Model(ctx, version, false)
	if errors.Is(err, errAbsent) {
		return nil, m.Origin, unknownTable(name)
	}
	if err != nil {
		return nil, m.Origin, err
	}
	found := m.find(name)
	if found == nil {
		return nil, m.Origin, unknownTable(name)
	}
	return m.table(found), m.Origin, nil
}

func (m *Model) table(t *schema.Table) *api.TableInfo {
	info := &api.TableInfo{
		Name: m.names.shown(t.Schema, t.Name), Description: textOrNull(t.Comment),
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
			Name: f.Name, TargetTable: m.names.shown(f.TargetSchema, f.TargetTable), TargetSchema: f.TargetSchema,
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
func (m *Model) referencedBy(t *schema.Table) api.ByName[api.ReferencedBy] {
	list := api.ByName[api.ReferencedBy]{}
	for _, other := range m.tables() {
		for _, f := range other.ForeignKeys {
			if f.TargetSchema == t.Schema && f.TargetTable == t.Name {
				list = append(list, api.ReferencedBy{Name: f.Name, Table: m.names.shown(other.Schema, other.Name)})
			}
		}
	}
	for i := range list { // names of foreign keys are unique in a table only
		same := func(r api.ReferencedBy) bool { return r.Name == list[i].Name && r.Table != list[i].Table }
		if slices.ContainsFunc(list, same) {
			list[i].Name = list[i].Table + "." + list[i].Name
		}
	}
	return list
}
