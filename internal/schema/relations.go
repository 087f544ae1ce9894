package schema

// relations are the parts of tables and views by the oid of what they belong
// to, each list in its canonical order.
type relations struct {
	columns      map[uint32][]Column
	names        map[column]string
	primaryKeys  map[uint32]*Key
	uniques      map[uint32][]Key
	indexes      map[uint32][]Index
	foreignKeys  map[uint32][]ForeignKey
	checks       map[uint32][]Constraint
	exclusions   map[uint32][]Constraint
	domainChecks map[uint32][]Constraint
	triggers     map[uint32][]Trigger
	policies     map[uint32][]Policy
}

type column struct {
	relation uint32
	number   int16
}

func (c *catalog) relations(d descriptions) relations {
	r := relations{
		columns:      map[uint32][]Column{},
		names:        make(map[column]string, len(c.columns)),
		primaryKeys:  map[uint32]*Key{},
		uniques:      map[uint32][]Key{},
		indexes:      map[uint32][]Index{},
		foreignKeys:  map[uint32][]ForeignKey{},
		checks:       map[uint32][]Constraint{},
		exclusions:   map[uint32][]Constraint{},
		domainChecks: map[uint32][]Constraint{},
		triggers:     map[uint32][]Trigger{},
		policies:     map[uint32][]Policy{},
	}
	r.addColumns(c, d)
	r.addConstraints(c, d)
	r.addIndexes(c, d)
	r.addTriggers(c, d)
	return r
}

// complete gives a table its parts.
func (r relations) complete(t *Table, oid uint32) {
	t.Columns = listed(r.columns[oid])
	t.PrimaryKey = r.primaryKeys[oid]
	t.Uniques = r.uniques[oid]
	t.Indexes = r.indexes[oid]
	t.ForeignKeys = r.foreignKeys[oid]
	t.Checks = r.checks[oid]
	t.Exclusions = r.exclusions[oid]
	t.Triggers = r.triggers[oid]
	t.Policies = r.policies[oid]
}

// addColumns keeps the order of the query: that of the table.
func (r relations) addColumns(c *catalog, d descriptions) {
	identities := c.identities()
	for _, row := range c.columns {
		at := address{classRelation, row.Relation, row.Number}
		row.Column.Comment = d.comments[at]
		row.Column.Grants = d.grants[at]
		if row.Identity != "" {
			row.Column.Sequence = identities[column{row.Relation, row.Number}]
		}
		r.names[column{row.Relation, row.Number}] = row.Name
		r.columns[row.Relation] = append(r.columns[row.Relation], row.Column)
	}
}

func (r relations) addTriggers(c *catalog, d descriptions) {
	for _, row := range c.triggers {
		row.Trigger.Comment = d.comments[address{class: classTrigger, object: row.OID}]
		r.triggers[row.Relation] = append(r.triggers[row.Relation], row.Trigger)
	}
	for _, row := range c.policies {
		row.Policy.Comment = d.comments[address{class: classPolicy, object: row.OID}]
		r.policies[row.Relation] = append(r.policies[row.Relation], row.Policy)
	}
	for oid, list := range r.triggers {
		r.triggers[oid] = sorted(list, func(t Trigger) [2]string { return [2]string{t.Name} })
	}
	for oid, list := range r.policies {
		r.policies[oid] = sorted(list, func(p Policy) [2]string { return [2]string{p.Name} })
	}
}

// addIndexes lists the indexes that no constraint made: the others are keys.
func (r relations) addIndexes(c *catalog, d descriptions) {
	for _, row := range c.indexes {
		if row.Backs {
			continue
		}
		row.Index.Columns = r.indexColumns(row)
		row.Index.Comment = d.comments[address{class: classRelation, object: row.OID}]
		r.indexes[row.Relation] = append(r.indexes[row.Relation], row.Index)
	}
	for oid, list := range r.indexes {
		r.indexes[oid] = sorted(list, func(i Index) [2]string { return [2]string{i.Name} })
	}
}

// indexColumns reads pg_index: indkey is 0 for an expression; bit 0 of
// indoption is DESC (src/include/catalog/pg_index.h, INDOPTION_DESC).
func (r relations) indexColumns(row indexRow) []IndexColumn {
	list := []IndexColumn{}
	for i := range int(row.Width) {
		c := IndexColumn{Name: r.names[column{row.Relation, row.Numbers[i]}], Sorting: "NONE"}
		if row.Numbers[i] == 0 {
			c.Expression = row.Expressions[i]
		}
		if row.Sorted {
			c.Sorting = [2]string{"ASC", "DESC"}[row.Sortings[i]&1]
		}
		list = append(list, c)
	}
	return list
}
