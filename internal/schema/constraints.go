package schema

// addConstraints sorts the constraints into keys, foreign keys and checks.
func (r relations) addConstraints(c *catalog, d descriptions) {
	indexes := make(map[uint32]indexRow, len(c.indexes))
	for _, row := range c.indexes {
		indexes[row.OID] = row
	}
	for _, row := range c.constraints {
		row.Constraint.Comment = d.comments[address{class: classConstraint, object: row.OID}]
		r.addConstraint(row, indexes)
	}
	for _, lists := range []map[uint32][]Constraint{r.checks, r.exclusions, r.domainChecks} {
		for oid, list := range lists {
			lists[oid] = sorted(list, func(c Constraint) [2]string { return [2]string{c.Name} })
		}
	}
	for oid, list := range r.uniques {
		r.uniques[oid] = sorted(list, func(k Key) [2]string { return [2]string{k.Name} })
	}
	for oid, list := range r.foreignKeys {
		r.foreignKeys[oid] = sorted(list, func(f ForeignKey) [2]string { return [2]string{f.Name} })
	}
}

func (r relations) addConstraint(row constraintRow, indexes map[uint32]indexRow) {
	at := row.Relation
	switch {
	case row.Kind == "p":
		r.primaryKeys[at] = &Key{Constraint: row.Constraint, Columns: r.indexColumns(indexes[row.Index])}
	case row.Kind == "u":
		r.uniques[at] = append(r.uniques[at], Key{Constraint: row.Constraint, Columns: r.indexColumns(indexes[row.Index])})
	case row.Kind == "f":
		r.foreignKeys[at] = append(r.foreignKeys[at], r.foreignKey(row))
	case row.Kind == "x":
		r.exclusions[at] = append(r.exclusions[at], row.Constraint)
	case row.Domain != 0:
		r.domainChecks[row.Domain] = append(r.domainChecks[row.Domain], row.Constraint)
	default:
		r.checks[at] = append(r.checks[at], row.Constraint)
	}
}

func (r relations) foreignKey(row constraintRow) ForeignKey {
	f := ForeignKey{
		Constraint:    row.Constraint,
		Columns:       []string{},
		TargetSchema:  row.TargetSchema,
		TargetTable:   row.TargetTable,
		TargetColumns: listed(row.TargetColumns),
		OnDelete:      row.OnDelete,
		OnUpdate:      row.OnUpdate,
	}
	for _, number := range row.Numbers {
		f.Columns = append(f.Columns, r.names[column{row.Relation, number}])
	}
	return f
}
