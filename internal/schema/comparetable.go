package schema

import (
	"fmt"
	"strings"
)

func (c *comparison) table(before, after *Table) {
	switch {
	case before == nil:
		c.newTable(after)
	case after == nil:
		i := tableItem(before)
		c.add(i, actionDrop, tableSummary(before), "", when(before.Kind != "foreign table", hazardRowsLost))
	default:
		c.object(itemOf(before, tableItem), itemOf(after, tableItem), tableHazard(before, after))
		c.columns(before, after)
		c.parts(qualified(after.Schema, after.Name), tableParts(before), tableParts(after),
			func(old, new *part) string { return partHazard(before, after, old, new) })
	}
}

// newTable is one change; what the table consists of stands in the details.
func (c *comparison) newTable(t *Table) {
	i := tableItem(t)
	for n := range t.Columns {
		column := &t.Columns[n]
		i.details = append(i.details, "column "+qualified(column.Name)+" "+columnText(column))
	}
	for _, p := range tableParts(t) {
		i.details = append(i.details, p.object+" "+qualified(p.name)+" "+p.text)
	}
	i.details = append(i.details, describedDetails(t)...)
	c.add(i, actionAdd, "", tableSummary(t), openedToAll("table", nil, allGrants(t)))
}

func describedDetails(t *Table) []string {
	var details []string
	if t.Comment != "" {
		details = append(details, "comment "+t.Comment)
	}
	for n := range t.Columns {
		if comment := t.Columns[n].Comment; comment != "" {
			details = append(details, "comment on "+qualified(t.Columns[n].Name)+" "+comment)
		}
	}
	for n := range t.Grants {
		details = append(details, "grant "+grantText(&t.Grants[n]))
	}
	for n := range t.Columns {
		for g := range t.Columns[n].Grants {
			details = append(details, "grant on "+qualified(t.Columns[n].Name)+" "+grantText(&t.Columns[n].Grants[g]))
		}
	}
	return details
}

func tableItem(t *Table) item {
	name := qualified(t.Schema, t.Name)
	return item{object: "table", name: name, table: name, text: tableText(t), described: t.Described}
}

// tableSummary is what a line about a whole table says.
func tableSummary(t *Table) string {
	count := fmt.Sprintf("%d %s", len(t.Columns), plural("column", len(t.Columns)))
	return strings.TrimSuffix(count+", "+strings.TrimPrefix(tableText(t)+", ", "table, "), ", ")
}

// tableText is what a table is besides its parts.
func tableText(t *Table) string {
	list := []string{t.Kind}
	add := func(text string) {
		if text != "" {
			list = append(list, text)
		}
	}
	add(when(t.Unlogged, "UNLOGGED"))
	add(when(t.RowSecurity, "ROW SECURITY"))
	add(when(t.ForceRowSecurity, "FORCE ROW SECURITY"))
	add(prefixed("PARTITION BY", t.PartitionKey))
	add(prefixed(when(t.PartitionBound == "", "INHERITS")+when(t.PartitionBound != "", "PARTITION OF"), strings.Join(t.Inherits, ", ")))
	add(t.PartitionBound)
	add(prefixed("SERVER", t.Server))
	add(prefixed("WITH", strings.Join(t.Options, ", ")))
	return strings.Join(list, ", ")
}
