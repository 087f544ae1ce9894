package main

import (
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// named is the UUID that an id had at a time: ids may be used again.
type named struct{ changedOn, uuid string }

// identify gives rows the UUIDs that servers before 4.1.3 do not list. They stand
// in exports: those of charts and dashboards have the id in their names, a
// dataset is found by its table. What is gone when it is exported is left out.
func (t *site) identify(ctx context.Context, kind assets.Kind, rows []superset.Row) (all []superset.Row, err error) {
	t.remember()
	t.notice(rows)
	unnamed := t.unnamed(kind, rows)
	if len(unnamed) == 0 {
		return t.asNamed(kind, rows), nil
	}
	gone, err := t.exportNames(ctx, kind, unnamed)
	if err != nil {
		return nil, err
	}
	all = t.asNamed(kind, rows)
	if len(all)+len(gone) < len(rows) {
		return nil, change.Failf(change.KindInfrastructure, "%s: %d %s came in no export: their UUIDs are not known", t.name, len(rows)-len(all)-len(gone), kind.Folder())
	}
	return all, nil
}

// remember takes what the cache knows.
func (t *site) remember() {
	if t.named != nil {
		return
	}
	t.named = map[assets.Kind]map[int]named{assets.Database: {}, assets.Dataset: {}, assets.Chart: {}, assets.Dashboard: {}}
	if t.cache == nil {
		return
	}
	for key, e := range t.cache.entries {
		t.named[key.Kind][e.ID] = named{e.ChangedOn, key.UUID}
	}
}

func (t *site) unnamed(kind assets.Kind, rows []superset.Row) (unnamed []superset.Row) {
	for _, row := range rows {
		if known, ok := t.named[kind][row.ID]; row.UUID == "" && (!ok || known.changedOn != row.ChangedOn) {
			unnamed = append(unnamed, row)
		}
	}
	return unnamed
}

// asNamed are the rows with their UUIDs, without those that have none.
func (t *site) asNamed(kind assets.Kind, rows []superset.Row) (all []superset.Row) {
	for _, row := range rows {
		if known := t.named[kind][row.ID]; row.UUID == "" && known.changedOn == row.ChangedOn {
			row.UUID = known.uuid
		}
		if row.UUID != "" {
			all = append(all, row)
		}
	}
	return all
}

// exportNames exports rows, and gives the ids that are gone.
func (t *site) exportNames(ctx context.Context, kind assets.Kind, rows []superset.Row) (gone []int, err error) {
	ids := map[int]superset.Row{}
	var all []int
	for _, row := range rows {
		ids[row.ID] = row
		all = append(all, row.ID)
	}
	found := map[assets.Key]assets.Raw{}
	if gone, err = t.exportInto(ctx, kind, all, found); err != nil {
		return nil, err
	}
	for key, raw := range found {
		t.fresh[key] = raw
		if row, ok := ids[raw.ID]; ok && raw.Kind == kind && kind != assets.Dataset {
			t.named[kind][row.ID] = named{row.ChangedOn, raw.UUID}
		}
	}
	if kind == assets.Dataset {
		more, err := t.nameDatasets(ctx, rows, found)
		return append(gone, more...), err
	}
	return gone, nil
}

// nameDatasets finds rows by their tables. Those whose names do not tell them
// apart, or that the export left out because it has one file for a name, are
// exported one by one.
func (t *site) nameDatasets(ctx context.Context, rows []superset.Row, found map[assets.Key]assets.Raw) (gone []int, err error) {
	byTable, wanted := map[string][]string{}, map[string]int{}
	for _, raw := range found {
		if raw.Kind == assets.Dataset {
			table := tableName(raw.Doc.Get("database_uuid").Str(), raw.Doc.Get("schema").Str(), raw.Doc.Get("table_name").Str())
			byTable[table] = append(byTable[table], raw.UUID)
		}
	}
	for _, row := range rows {
		wanted[tableName(row.Database, row.Schema, row.Title)]++
	}
	for _, row := range rows {
		table := tableName(row.Database, row.Schema, row.Title)
		if uuids := byTable[table]; len(uuids) == 1 && wanted[table] == 1 {
			t.named[assets.Dataset][row.ID] = named{row.ChangedOn, uuids[0]}
			continue
		}
		there, err := t.nameAlone(ctx, row)
		if err != nil {
			return nil, err
		}
		if !there {
			gone = append(gone, row.ID)
		}
	}
	return gone, nil
}

// nameAlone names a dataset by an export that holds no other.
func (t *site) nameAlone(ctx context.Context, row superset.Row) (there bool, err error) {
	found := map[assets.Key]assets.Raw{}
	gone, err := t.exportInto(ctx, assets.Dataset, []int{row.ID}, found)
	if err != nil || len(gone) > 0 {
		return false, err
	}
	for key, raw := range found {
		t.fresh[key] = raw
		if raw.Kind == assets.Dataset {
			t.named[assets.Dataset][row.ID] = named{row.ChangedOn, raw.UUID}
		}
	}
	return true, nil
}

func tableName(database, schema, table string) string {
	return fmt.Sprintf("%q %q %q", database, schema, table)
}

// notice completes datasets by their databases, which servers before 6.0 list
// by id alone, and learns from what is missing how old the server is.
func (t *site) notice(rows []superset.Row) {
	databases := map[int]string{}
	for key, row := range t.rows {
		if key.Kind == assets.Database {
			databases[row.ID] = row.UUID
		}
	}
	for i, row := range rows {
		switch {
		case row.UUID == "":
			t.oldest = assets.Version{Major: 4, Minor: 1}
		case row.Kind == assets.Dataset && row.Database == "" && t.oldest == assets.Version{}:
			t.oldest = assets.Version{Major: 5}
		}
		if row.Kind == assets.Dataset && row.Database == "" {
			rows[i].Database = databases[row.DatabaseID]
		}
	}
}
