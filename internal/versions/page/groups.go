package page

import (
	"strings"

	"github.com/patchbay-ci/patchbay/internal/versions"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// group is the changes of one table, or of what is in none.
type group struct {
	Name    string // "" for what is in no table
	Table   string // of it, when the candidate has it and it is shown
	Action  string // of the table itself: add, drop, else change
	Hazard  string
	Before  string
	After   string
	Details []detail // of a new table
	Changes []api.Change
}

// groupsOf keeps the order of what comes first.
func groupsOf(changes []api.Change, filters versions.Filters) []group {
	var groups []group
	at := map[string]int{}
	for _, c := range changes {
		i, there := at[c.Table]
		if !there {
			i = len(groups)
			at[c.Table] = i
			groups = append(groups, group{Name: c.Table, Action: "change"})
		}
		if c.Object == "table" && c.Action != "change" {
			groups[i].Action, groups[i].Hazard, groups[i].Details = c.Action, c.Hazard, detailsOf(c.Details)
			groups[i].Before, groups[i].After = c.Before, c.After
			continue
		}
		c.Name = strings.TrimPrefix(strings.TrimPrefix(c.Name, c.Table), ".")
		groups[i].Changes = append(groups[i].Changes, c)
	}
	for i := range groups {
		if table := lastPart(groups[i].Name); groups[i].Action != "drop" && !filters.HidesTable(table) {
			groups[i].Table = table
		}
	}
	return groups
}

// lastPart is the name of a qualified one without its schema. One that is
// quoted may hold a dot: it is given up.
func lastPart(qualified string) string {
	if strings.Contains(qualified, `"`) {
		return ""
	}
	return qualified[strings.LastIndexByte(qualified, '.')+1:]
}

// keysOf says which columns are keys.
func keysOf(t *api.TableInfo) map[string]string {
	keys := map[string]string{}
	add := func(column, key string) {
		if keys[column] != "" {
			key = keys[column] + " " + key
		}
		keys[column] = key
	}
	if t.PrimaryKey.Value != nil {
		for _, c := range t.PrimaryKey.Value.Columns {
			add(c.Name, "PK")
		}
	}
	for _, f := range t.ForeignKeys {
		for _, pair := range f.ColumnPairs {
			add(pair.Source, "FK")
		}
	}
	for _, u := range t.UniqueConstraints {
		if len(u.Columns) == 1 {
			add(u.Columns[0].Name, "U")
		}
	}
	return keys
}

func targetsOf(t *api.TableInfo) map[string]string {
	targets := map[string]string{}
	for _, f := range t.ForeignKeys {
		for _, pair := range f.ColumnPairs {
			targets[pair.Source] = f.TargetTable
		}
	}
	return targets
}
