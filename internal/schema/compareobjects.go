package schema

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

func (c *comparison) schema(before, after *Schema) {
	show := func(s *Schema) item {
		return item{object: "schema", name: qualified(s.Name), described: s.Described}
	}
	c.object(itemOf(before, show), itemOf(after, show), "")
}

func (c *comparison) extension(before, after *Extension) {
	show := func(e *Extension) item {
		return item{
			object: "extension", name: qualified(e.Name), described: Described{Comment: e.Comment},
			text: e.Version + " in " + qualified(e.Schema),
		}
	}
	c.object(itemOf(before, show), itemOf(after, show), "")
}

func (c *comparison) typ(before, after *Type) {
	show := func(t *Type) item {
		return item{object: "type", name: qualified(t.Schema, t.Name), text: typeText(t), described: t.Described}
	}
	c.object(itemOf(before, show), itemOf(after, show), typeHazard(before, after))
	if before == nil || after == nil {
		return
	}
	name := qualified(after.Schema, after.Name)
	pair(before.Attributes, after.Attributes, columnName, func(old, new *Column) {
		if old != nil && new != nil {
			c.described(item{name: name + "." + qualified(new.Name)}, describedColumn(old), describedColumn(new))
		}
	})
	pair(before.Checks, after.Checks, func(k *Constraint) string { return k.Name }, func(old, new *Constraint) {
		if old != nil && new != nil {
			c.property(item{name: name + "." + qualified(new.Name)}, "comment", old.Comment, new.Comment, "")
		}
	})
}

func typeText(t *Type) string {
	switch t.Kind {
	case "enum":
		labels := make([]string, len(t.Labels))
		for i, label := range t.Labels {
			labels[i] = "'" + strings.ReplaceAll(label, "'", "''") + "'"
		}
		return "enum (" + strings.Join(labels, ", ") + ")"
	case "composite":
		return "composite (" + columnTexts(t.Attributes) + ")"
	}
	checks := make([]string, len(t.Checks))
	for i, check := range t.Checks {
		checks[i] = "CONSTRAINT " + qualified(check.Name) + " " + check.Definition
	}
	return words(t.Kind, t.Base, prefixed("COLLATE", t.Collation), when(t.NotNull, "NOT NULL"),
		prefixed("DEFAULT", t.Default), strings.Join(checks, " "))
}

// sequence leaves those to their table that come or go with it.
func (c *comparison) sequence(before, after *Sequence) {
	if before == nil && c.tables.comes(after.OwnedBy) || after == nil && c.tables.goes(before.OwnedBy) {
		return
	}
	show := func(s *Sequence) item {
		return item{
			object: "sequence", name: qualified(s.Schema, s.Name), described: s.Described,
			text: words(s.Type, s.options(), prefixed("OWNED BY", owningText(s.OwnedBy))),
		}
	}
	hazard := when(after == nil, "its counter is lost")
	c.object(itemOf(before, show), itemOf(after, show), hazard)
}

func owningText(o *Owning) string {
	if o == nil {
		return ""
	}
	return qualified(o.Schema, o.Table, o.Column)
}

// comes says that the table of an owning column is new.
func (t tables) comes(o *Owning) bool {
	return o != nil && t.candidate[o.table()] != nil && t.base[o.table()] == nil
}

// goes says that the table of an owning column is dropped.
func (t tables) goes(o *Owning) bool {
	return o != nil && t.base[o.table()] != nil && t.candidate[o.table()] == nil
}

func (o *Owning) table() string { return qualified(o.Schema, o.Table) }

func (c *comparison) view(before, after *View) {
	show := func(v *View) item {
		return item{
			object: "view", name: qualified(v.Schema, v.Name), described: v.Described,
			text: words(when(v.Kind == "materialized view", "MATERIALIZED"), strings.Join(v.Options, ", "),
				"("+columnTexts(v.Columns)+") AS", strings.TrimSpace(v.Definition)),
		}
	}
	if before == nil {
		c.object(nil, itemOf(after, show), openedToAll("view", nil, columnGrants(after.Columns)))
		return
	}
	c.object(itemOf(before, show), itemOf(after, show), "")
	if after == nil {
		return
	}
	name := qualified(after.Schema, after.Name)
	c.columnDescriptions(name, before.Columns, after.Columns)
	c.parts(name, indexAndTriggerParts(before.Indexes, before.Triggers), indexAndTriggerParts(after.Indexes, after.Triggers),
		func(_, new *part) string { return when(new != nil && new.checked, hazardRows) })
}

func (c *comparison) function(before, after *Function) {
	show := func(f *Function) item {
		return item{
			object: "function", name: fmt.Sprintf("%s(%s)", qualified(f.Schema, f.Name), f.Arguments),
			text: words(f.Kind, f.Definition), shown: functionText(f), described: f.Described,
		}
	}
	c.object(itemOf(before, show), itemOf(after, show), "")
}

// functionText names a body by its digest: the snapshots have it in full.
func functionText(f *Function) string {
	lines := strings.Count(strings.TrimSpace(f.Definition), "\n") + 1
	return words(when(f.Kind != "function", f.Kind), prefixed("returns", f.Result), "language", f.Language,
		when(f.SecurityDefiner, "SECURITY DEFINER"),
		fmt.Sprintf("(%d %s, sha256 %.8x)", lines, plural("line", lines), sha256.Sum256([]byte(f.Definition))))
}

func (c *comparison) other(before, after *Other) {
	show := func(o *Other) item {
		return item{object: o.Kind, name: o.Name, text: o.Definition, described: Described{Owner: o.Owner, Comment: o.Comment}}
	}
	hazard := ""
	if after != nil && after.Kind == "default privileges" && strings.HasSuffix(after.Definition, " to PUBLIC") {
		hazard = hazardPublic
	}
	c.object(itemOf(before, show), itemOf(after, show), hazard)
}
