package schema

import (
	"cmp"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// catalog holds the rows of one reading; snapshot puts them together.
type catalog struct {
	schemas     []schemaRow
	extensions  []extensionRow
	types       []typeRow
	sequences   []sequenceRow
	tables      []tableRow
	views       []viewRow
	columns     []columnRow
	indexes     []indexRow
	constraints []constraintRow
	triggers    []triggerRow
	policies    []policyRow
	functions   []functionRow
	others      []otherRow
	comments    []commentRow
	grants      []grantRow
}

// snapshot orders everything by name (as bytes) and leaves out what is hidden.
// Rows whose table is unknown belong to an extension.
func (c *catalog) snapshot(hide []string) *Snapshot {
	d := c.descriptions()
	r := c.relations(d)
	return &Snapshot{
		FormatVersion: change.FormatVersion,
		Schemas:       c.schemaList(d),
		Extensions:    c.extensionList(d),
		Types:         c.typeList(d, r),
		Sequences:     c.sequenceList(d, r, hide),
		Tables:        c.tableList(d, r, hide),
		Views:         c.viewList(d, r),
		Functions:     c.functionList(d),
		Others:        c.otherList(d),
	}
}

func (c *catalog) schemaList(d descriptions) []Schema {
	list := []Schema{}
	for _, row := range c.schemas {
		if row.Member {
			continue
		}
		d.describe(&row.Described, address{class: classSchema, object: row.OID})
		list = append(list, row.Schema)
	}
	return sorted(list, func(s Schema) [2]string { return [2]string{s.Name} })
}

func (c *catalog) extensionList(d descriptions) []Extension {
	list := []Extension{}
	for _, row := range c.extensions {
		row.Extension.Comment = d.comments[address{class: classExtension, object: row.OID}]
		list = append(list, row.Extension)
	}
	return sorted(list, func(e Extension) [2]string { return [2]string{e.Name} })
}

func (c *catalog) typeList(d descriptions, r relations) []Type {
	list := []Type{}
	for _, row := range c.types {
		d.describe(&row.Described, address{class: classType, object: row.OID})
		row.Attributes = r.columns[row.Relation]
		row.Checks = r.domainChecks[row.OID]
		list = append(list, row.Type)
	}
	return sorted(list, func(t Type) [2]string { return [2]string{t.Schema, t.Name} })
}

func (c *catalog) tableList(d descriptions, r relations, hide []string) []Table {
	list := []Table{}
	for _, row := range c.tables {
		if hidden(hide, row.Schema, row.Name) {
			continue
		}
		d.describe(&row.Described, address{class: classRelation, object: row.OID})
		r.complete(&row.Table, row.OID)
		for i, parent := range row.Parents {
			row.Inherits = append(row.Inherits, qualified(row.ParentSchemas[i], parent))
		}
		list = append(list, row.Table)
	}
	return sorted(list, func(t Table) [2]string { return [2]string{t.Schema, t.Name} })
}

func (c *catalog) viewList(d descriptions, r relations) []View {
	list := []View{}
	for _, row := range c.views {
		d.describe(&row.Described, address{class: classRelation, object: row.OID})
		row.Columns = listed(r.columns[row.OID])
		row.Indexes = r.indexes[row.OID]
		row.Triggers = r.triggers[row.OID]
		list = append(list, row.View)
	}
	return sorted(list, func(v View) [2]string { return [2]string{v.Schema, v.Name} })
}

func (c *catalog) functionList(d descriptions) []Function {
	list := []Function{}
	for _, row := range c.functions {
		d.describe(&row.Described, address{class: classFunction, object: row.OID})
		list = append(list, row.Function)
	}
	slices.SortFunc(list, func(a, b Function) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arguments, b.Arguments))
	})
	return list
}

func (c *catalog) otherList(d descriptions) []Other {
	list := []Other{}
	for _, row := range c.others {
		row.Comment = d.comments[address{class: row.Class, object: row.OID}]
		list = append(list, row.Other)
	}
	return sorted(list, func(o Other) [2]string { return [2]string{o.Kind, o.Name} })
}

// sorted orders a list by a key of up to two names, byte by byte: the order
// must not depend on a database's collation.
func sorted[T any](list []T, key func(T) [2]string) []T {
	slices.SortFunc(list, func(a, b T) int {
		ka, kb := key(a), key(b)
		return cmp.Or(cmp.Compare(ka[0], kb[0]), cmp.Compare(ka[1], kb[1]))
	})
	return list
}

// listed makes a missing list an empty one: [] in JSON, not null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
