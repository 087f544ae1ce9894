package schema

import "strings"

// part is a key, index, constraint, trigger or policy as it is compared.
type part struct {
	object, name string
	text         string // everything that counts
	comment      string
	inherited    bool
	columns      []string // of a key, unique index or foreign key; nil when an expression is among them
	unique       bool     // forbids duplicates
	checked      bool     // every row must satisfy it
	target       string   // of a foreign key
	onDelete     string   // of a foreign key
}

// parts compares what two versions of a table or view consist of; hazard
// judges one pair.
func (c *comparison) parts(table string, before, after []part, hazard func(before, after *part) string) {
	key := func(p *part) [2]string { return [2]string{p.object, p.name} }
	pair(before, after, key, func(old, new *part) {
		show := func(p *part) item {
			return item{
				object: p.object, name: table + "." + qualified(p.name), table: table,
				text: p.text, described: Described{Comment: p.comment},
			}
		}
		switch {
		case old != nil && !old.inherited || new != nil && !new.inherited:
			c.object(itemOf(old, show), itemOf(new, show), hazard(old, new))
		case old != nil && new != nil: // the parent tells the rest
			c.described(show(new), show(old).described, show(new).described)
		}
	})
}

func tableParts(t *Table) []part {
	var parts []part
	if t.PrimaryKey != nil {
		parts = append(parts, keyPart("primary key", t.PrimaryKey))
	}
	for i := range t.Uniques {
		parts = append(parts, keyPart("unique", &t.Uniques[i]))
	}
	for i := range t.ForeignKeys {
		f := &t.ForeignKeys[i]
		p := constraintPart("foreign key", &f.Constraint)
		p.columns, p.onDelete = f.Columns, f.OnDelete
		p.target = qualified(append([]string{f.TargetSchema, f.TargetTable}, f.TargetColumns...)...)
		parts = append(parts, p)
	}
	for i := range t.Checks {
		parts = append(parts, constraintPart("check", &t.Checks[i]))
	}
	for i := range t.Exclusions {
		parts = append(parts, constraintPart("exclusion", &t.Exclusions[i]))
	}
	for i := range t.Policies {
		parts = append(parts, policyPart(&t.Policies[i]))
	}
	return append(parts, indexAndTriggerParts(t.Indexes, t.Triggers)...)
}

func keyPart(object string, k *Key) part {
	p := constraintPart(object, &k.Constraint)
	p.columns, p.unique = plainColumns(k.Columns), true
	return p
}

// constraintPart: a constraint that is NOT VALID or NOT ENFORCED does not look
// at the rows that are there.
func constraintPart(object string, c *Constraint) part {
	return part{
		object: object, name: c.Name, text: c.Definition, comment: c.Comment, inherited: c.Inherited,
		checked: !strings.HasSuffix(c.Definition, " NOT VALID") && !strings.HasSuffix(c.Definition, " NOT ENFORCED"),
	}
}

func policyPart(p *Policy) part {
	text := words(when(p.Restrictive, "RESTRICTIVE"), "FOR", p.Command, "TO", strings.Join(p.Roles, ", "),
		prefixed("USING", p.Using), prefixed("WITH CHECK", p.Check))
	return part{object: "policy", name: p.Name, text: text, comment: p.Comment}
}

func indexAndTriggerParts(indexes []Index, triggers []Trigger) []part {
	var parts []part
	for i := range indexes {
		parts = append(parts, indexPart(&indexes[i]))
	}
	for i := range triggers {
		t := &triggers[i]
		parts = append(parts, part{
			object: "trigger", name: t.Name, text: words(t.Definition, t.State),
			comment: t.Comment, inherited: t.Inherited,
		})
	}
	return parts
}

func indexPart(i *Index) part {
	return part{
		object: "index", name: i.Name, comment: i.Comment, inherited: i.Inherited,
		text:    indexText(i),
		columns: plainColumns(i.Columns), unique: i.Unique && i.Predicate == "", checked: i.Unique,
	}
}

// indexText leaves out what the index's name and table already say.
func indexText(i *Index) string {
	_, text, _ := strings.Cut(i.Definition, " USING ")
	return words(when(i.Unique, "UNIQUE"), text, when(i.Invalid, "INVALID"))
}

func plainColumns(columns []IndexColumn) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		if c.Expression != "" {
			return nil
		}
		names[i] = c.Name
	}
	return names
}
