package schema

import "github.com/patchbay-ci/patchbay/internal/change"

// Compare gives what turns base into candidate. It is pure, and its order is
// fixed: kind by kind, in each what changed or went before what came.
//
// Column order is no change by itself. What a partition or child table
// inherits is reported at its parent only.
func Compare(base, candidate *Snapshot) *Difference {
	c := &comparison{
		tables:  tablesOf(base.Tables, candidate.Tables),
		changes: []Change{},
	}
	pair(base.Schemas, candidate.Schemas, func(s *Schema) string { return s.Name }, c.schema)
	pair(base.Extensions, candidate.Extensions, func(e *Extension) string { return e.Name }, c.extension)
	pair(base.Types, candidate.Types, func(t *Type) [2]string { return [2]string{t.Schema, t.Name} }, c.typ)
	pair(base.Sequences, candidate.Sequences, func(s *Sequence) [2]string { return [2]string{s.Schema, s.Name} }, c.sequence)
	pair(base.Tables, candidate.Tables, func(t *Table) [2]string { return [2]string{t.Schema, t.Name} }, c.table)
	pair(base.Views, candidate.Views, func(v *View) [2]string { return [2]string{v.Schema, v.Name} }, c.view)
	pair(base.Functions, candidate.Functions,
		func(f *Function) [3]string { return [3]string{f.Schema, f.Name, f.Arguments} }, c.function)
	pair(base.Others, candidate.Others, func(o *Other) [2]string { return [2]string{o.Kind, o.Name} }, c.other)
	return &Difference{FormatVersion: change.FormatVersion, Changes: c.changes}
}

// comparison collects changes.
type comparison struct {
	tables  tables
	changes []Change
}

// pair visits what two lists have by key: old and new, or one of them nil.
func pair[T any, K comparable](base, candidate []T, key func(*T) K, visit func(before, after *T)) {
	later := make(map[K]*T, len(candidate))
	for i := range candidate {
		later[key(&candidate[i])] = &candidate[i]
	}
	known := make(map[K]bool, len(base))
	for i := range base {
		k := key(&base[i])
		known[k] = true
		visit(&base[i], later[k])
	}
	for i := range candidate {
		if !known[key(&candidate[i])] {
			visit(nil, &candidate[i])
		}
	}
}

// item is one object as it is compared and shown.
type item struct {
	object, name, table string
	text                string // everything that counts
	shown               string // what people read of it; empty: the text
	details             []string
	described           Described
}

// definition is what people read: short, as a function's body can be a megabyte.
func (i *item) definition() string {
	if i.shown != "" {
		return brief(i.shown)
	}
	return brief(i.text)
}

// object compares one object; the hazard of each way is the caller's to know.
// What came or went is one change; of what stayed, definition, owner, comment
// and grants are told apart.
func (c *comparison) object(before, after *item, hazard string) {
	switch {
	case before == nil:
		hazard = both(hazard, openedToAll(after.object, nil, after.described.Grants))
		c.add(*after, actionAdd, "", after.definition(), hazard)
	case after == nil:
		c.add(*before, actionDrop, before.definition(), "", hazard)
	default:
		if before.text != after.text {
			c.add(*after, actionChange, before.definition(), after.definition(), hazard)
		}
		c.described(*after, before.described, after.described)
	}
}

func (c *comparison) add(i item, action, before, after, hazard string) {
	c.changes = append(c.changes, Change{
		Action: action, Object: i.object, Name: i.name, Table: i.table,
		Before: before, After: after, Details: i.details, Hazard: hazard,
	})
}

// described compares what belongs to an object that stayed.
func (c *comparison) described(i item, before, after Described) {
	c.property(i, "owner", before.Owner, after.Owner, "")
	c.property(i, "comment", before.Comment, after.Comment, "")
	pair(before.Grants, after.Grants, func(g *Grant) string { return g.Role }, func(old, new *Grant) {
		c.property(i, "grant", grantText(old), grantText(new), openedToAll("", old, listOf(new)))
	})
}

// property compares a text that an object may have or not.
func (c *comparison) property(of item, object, before, after, hazard string) {
	if before == after {
		return
	}
	action := actionChange
	switch {
	case before == "":
		action = actionAdd
	case after == "":
		action = actionDrop
	}
	of.object, of.details = object, nil
	c.add(of, action, brief(before), brief(after), hazard)
}

// tables finds the tables of both sides by their qualified names.
type tables struct{ base, candidate map[string]*Table }

func tablesOf(base, candidate []Table) tables {
	t := tables{base: map[string]*Table{}, candidate: map[string]*Table{}}
	for i := range base {
		t.base[qualified(base[i].Schema, base[i].Name)] = &base[i]
	}
	for i := range candidate {
		t.candidate[qualified(candidate[i].Schema, candidate[i].Name)] = &candidate[i]
	}
	return t
}

func listOf[T any](one *T) []T {
	if one == nil {
		return nil
	}
	return []T{*one}
}

func itemOf[T any](one *T, show func(*T) item) *item {
	if one == nil {
		return nil
	}
	i := show(one)
	return &i
}
