package schema

import (
	"slices"
	"strings"
)

// partHazard judges a key, index, constraint or trigger of a table that
// stays: what is new may not hold for the rows that are there, and what goes
// no longer guards them.
func partHazard(before, after *Table, old, new *part) string {
	if after.Kind == "foreign table" {
		return ""
	}
	return both(duplicates(after, old), violations(before, after, old, new), cascades(old, new))
}

// duplicates: a key is gone, its columns are still there, and no other key
// covers just these.
func duplicates(after *Table, old *part) string {
	if old == nil || !old.unique || lacks(old.columns, columnNames(after)) || hasUnique(after, old.columns) {
		return ""
	}
	return hazardDuplicates
}

// violations: a rule that existing rows may break.
func violations(before, after *Table, old, new *part) string {
	switch {
	case new == nil, !new.checked:
		return ""
	case new.unique && hasUnique(before, new.columns):
		return ""
	case allNull(before, after, new):
		return ""
	case old != nil && old.checked && old.target != "" && old.target == new.target && slices.Equal(old.columns, new.columns):
		return "" // a foreign key that only acts in another way
	}
	return hazardRows
}

func cascades(old, new *part) string {
	return when(old != nil && new != nil && new.onDelete == "CASCADE" && old.onDelete != "CASCADE", "deletes cascade now")
}

// allNull says that a key or foreign key is over new columns only, which hold
// nothing yet: NULL breaks neither, except where a key takes NULLs as equal.
func allNull(before, after *Table, p *part) bool {
	if len(p.columns) == 0 || strings.Contains(p.text, "NULLS NOT DISTINCT") {
		return false
	}
	known := columnNames(before)
	for i := range after.Columns {
		c := &after.Columns[i]
		if slices.Contains(p.columns, c.Name) && (slices.Contains(known, c.Name) || !empty(c)) {
			return false
		}
	}
	return true
}

func hasUnique(t *Table, columns []string) bool {
	want := slices.Sorted(slices.Values(columns))
	return len(columns) > 0 && slices.ContainsFunc(tableParts(t), func(p part) bool {
		return p.unique && slices.Equal(want, slices.Sorted(slices.Values(p.columns)))
	})
}

func columnNames(t *Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}
