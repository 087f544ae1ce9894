package schema

import (
	"slices"
	"strings"
)

// Hazards in the words that people read.
const (
	hazardPublic     = "granted to PUBLIC"
	hazardRows       = "may fail on existing rows"
	hazardRowsLost   = "its rows are lost"
	hazardValuesLost = "its values are lost"
	hazardDuplicates = "duplicates become possible"
)

// both joins hazards and says none twice.
func both(hazards ...string) string {
	var said []string
	for _, h := range hazards {
		if h != "" && !slices.Contains(said, h) {
			said = append(said, h)
		}
	}
	return strings.Join(said, "; ")
}

// openedToAll finds privileges that PUBLIC gains. What PostgreSQL gives to
// PUBLIC on every new function and type is no news.
func openedToAll(object string, before *Grant, after []Grant) string {
	usual := map[string]string{"function": "EXECUTE", "type": "USAGE"}[object]
	for _, g := range after {
		for _, privilege := range g.Privileges {
			had := before != nil && slices.Contains(before.Privileges, privilege)
			if g.Role == "PUBLIC" && !had && privilege != usual {
				return hazardPublic
			}
		}
	}
	return ""
}

func allGrants(t *Table) []Grant { return slices.Concat(t.Grants, columnGrants(t.Columns)) }

func columnGrants(columns []Column) []Grant {
	var grants []Grant
	for i := range columns {
		grants = append(grants, columns[i].Grants...)
	}
	return grants
}

func tableHazard(before, after *Table) string {
	return both(
		when(before.Kind != after.Kind, hazardRowsLost),
		when(!before.Unlogged && after.Unlogged, "its rows do not survive a crash"),
		when(before.RowSecurity && !after.RowSecurity, "rows are no longer filtered"))
}

// columnHazard judges a column of a table that stays. A foreign table holds
// no rows.
func columnHazard(table *Table, before, after *Column) string {
	switch {
	case table.Kind == "foreign table":
		return ""
	case after == nil:
		return when(before.Generated == "", hazardValuesLost)
	case before == nil:
		return when(after.NotNull && empty(after), "NOT NULL without default: fails on existing rows")
	}
	return both(
		typeChange(before.Type, after.Type),
		when(!before.NotNull && after.NotNull, "NOT NULL added: "+hazardRows),
		when(before.Generated == "" && after.Generated != "", "stored values are replaced"))
}

// empty says that a column has no value of its own in rows that are there.
func empty(c *Column) bool { return c.Default == "" && c.Identity == "" && c.Generated == "" }

func typeHazard(before, after *Type) string {
	if before == nil || after == nil {
		return ""
	}
	if before.Kind != after.Kind {
		return hazardConvert
	}
	return both(
		when(lacks(before.Labels, after.Labels), "a label is gone"),
		when(lacks(attributeNames(before), attributeNames(after)), "an attribute is gone"),
		when(before.Base != after.Base, typeChange(before.Base, after.Base)),
		when(!before.NotNull && after.NotNull, "NOT NULL added: "+hazardRows),
		when(newCheck(before, after), hazardRows))
}

// lacks says that something of before is not in after.
func lacks(before, after []string) bool {
	return slices.ContainsFunc(before, func(name string) bool { return !slices.Contains(after, name) })
}

func attributeNames(t *Type) []string {
	var names []string
	for _, a := range t.Attributes {
		names = append(names, a.Name)
	}
	return names
}

// newCheck says that a domain's values are checked in a way they were not.
func newCheck(before, after *Type) bool {
	return slices.ContainsFunc(after.Checks, func(k Constraint) bool {
		known := func(old Constraint) bool { return old.Definition == k.Definition }
		return constraintPart("check", &k).checked && !slices.ContainsFunc(before.Checks, known)
	})
}
