package schema

// columns compares by name.
func (c *comparison) columns(before, after *Table) {
	table := qualified(after.Schema, after.Name)
	show := func(col *Column) item {
		return item{
			object: "column", name: table + "." + qualified(col.Name), table: table,
			text: columnText(col), described: describedColumn(col),
		}
	}
	pair(before.Columns, after.Columns, columnName, func(old, new *Column) {
		switch {
		case !c.fromParent(after, old, new):
			c.object(itemOf(old, show), itemOf(new, show), columnHazard(before, old, new))
		case old != nil && new != nil: // comment and grants are its own
			c.described(show(new), describedColumn(old), describedColumn(new))
		}
	})
}

// fromParent says that a partition or child table has a change of a column
// from a parent, which tells it. Its own default of an inherited column is its
// own change.
func (c *comparison) fromParent(child *Table, old, new *Column) bool {
	if old != nil && !old.Inherited || new != nil && !new.Inherited {
		return false
	}
	if old == nil || new == nil || columnText(old) == columnText(new) {
		return true
	}
	for _, parent := range child.Inherits {
		if c.tables.base[parent].has(old) && c.tables.candidate[parent].has(new) {
			return true
		}
	}
	return false
}

// has says that the table has this very column; no table has none.
func (t *Table) has(column *Column) bool {
	if t == nil {
		return false
	}
	for i := range t.Columns {
		if t.Columns[i].Name == column.Name {
			return columnText(&t.Columns[i]) == columnText(column)
		}
	}
	return false
}

// columnDescriptions compares the comments and grants of a view's columns.
func (c *comparison) columnDescriptions(view string, before, after []Column) {
	pair(before, after, columnName, func(old, new *Column) {
		if old != nil && new != nil {
			of := item{name: view + "." + qualified(new.Name), table: view}
			c.described(of, describedColumn(old), describedColumn(new))
		}
	})
}

func columnName(c *Column) string { return c.Name }

func describedColumn(c *Column) Described { return Described{Comment: c.Comment, Grants: c.Grants} }
