package page

import (
	"regexp"
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

// groupsOf keeps the order of what comes first. Names are those of the
// candidate's tables.
func groupsOf(changes []api.Change, names versions.TableNames) []group {
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
		if schema, table := tableOf(groups[i].Name); names.Shows(schema, table) {
			groups[i].Table = names.Called(schema, table)
		}
	}
	return groups
}

var part = regexp.MustCompile(`"(?:[^"]|"")*"|[^".]+`)

// parts takes a name of a difference apart. It is quoted where SQL must.
func parts(name string) []string {
	all := part.FindAllString(name, -1)
	for i, one := range all {
		if inner, quoted := strings.CutPrefix(one, `"`); quoted {
			all[i] = strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
		}
	}
	return all
}

// tableOf gives schema and name of a table that a difference names.
func tableOf(name string) (schema, table string) {
	if all := parts(name); len(all) == 2 {
		return all[0], all[1]
	}
	return "", ""
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
