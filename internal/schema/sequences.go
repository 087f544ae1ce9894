package schema

import (
	"fmt"
	"math"
	"strings"
)

// sequenceList leaves out the sequences of identity columns and of hidden
// tables.
func (c *catalog) sequenceList(d descriptions, r relations, hide []string) []Sequence {
	tables := make(map[uint32]*Table, len(c.tables))
	for i := range c.tables {
		tables[c.tables[i].OID] = &c.tables[i].Table
	}
	list := []Sequence{}
	for _, row := range c.sequences {
		owner := tables[row.Relation]
		if row.Internal || owner != nil && hidden(hide, owner.Schema, owner.Name) {
			continue
		}
		if owner != nil {
			row.OwnedBy = &Owning{owner.Schema, owner.Name, r.names[column{row.Relation, row.Number}]}
		}
		d.describe(&row.Described, address{class: classRelation, object: row.OID})
		list = append(list, row.Sequence)
	}
	return sorted(list, func(s Sequence) [2]string { return [2]string{s.Schema, s.Name} })
}

// identities gives the options of identity columns that are not the default
// ones.
func (c *catalog) identities() map[column]string {
	options := map[column]string{}
	for _, row := range c.sequences {
		if row.Internal {
			options[column{row.Relation, row.Number}] = row.options()
		}
	}
	return options
}

// options are the clauses of CREATE SEQUENCE that differ from their defaults,
// see https://www.postgresql.org/docs/current/sql-createsequence.html.
func (s *Sequence) options() string {
	lowest, highest := s.bounds()
	start := s.Min
	if s.Increment < 0 {
		start = s.Max
	}
	var clauses []string
	add := func(clause string, value, usual int64) {
		if value != usual {
			clauses = append(clauses, fmt.Sprintf("%s %d", clause, value))
		}
	}
	add("INCREMENT", s.Increment, 1)
	add("MINVALUE", s.Min, lowest)
	add("MAXVALUE", s.Max, highest)
	add("START", s.Start, start)
	add("CACHE", s.Cache, 1)
	if s.Cycle {
		clauses = append(clauses, "CYCLE")
	}
	return strings.Join(clauses, " ")
}

// bounds are the default limits of the sequence's type and direction.
func (s *Sequence) bounds() (lowest, highest int64) {
	highest = map[string]int64{"smallint": math.MaxInt16, "integer": math.MaxInt32, "bigint": math.MaxInt64}[s.Type]
	if s.Increment < 0 {
		return -highest - 1, -1
	}
	return 1, highest
}
