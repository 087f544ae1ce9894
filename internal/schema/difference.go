package schema

import (
	"fmt"
	"strings"
)

// Difference is diff.json: what a candidate changes in the structure.
type Difference struct {
	FormatVersion int      `json:"formatVersion"`
	Changes       []Change `json:"changes"`
}

// Change is one object that came, went or became another. Structures are
// compared, not statements: a rename is a drop and an add, and a column that
// was dropped and made again as it was is no change.
type Change struct {
	Action string `json:"action"` // "add", "drop", "change"
	// Object is the kind: "schema", "extension", "type", "sequence", "table",
	// "column", "primary key", "unique", "index", "foreign key", "check",
	// "exclusion", "trigger", "policy", "view", "function", "owner",
	// "comment", "grant", or a kind of Other.
	Object string `json:"object"`
	// Name is qualified from the schema down: "registry.laboratory.name" for a
	// column and likewise for keys, indexes and triggers. An owner, comment or
	// grant has the name of what it belongs to.
	Name    string   `json:"name"`
	Table   string   `json:"table,omitempty"`   // the qualified table or view it is part of
	Before  string   `json:"before,omitempty"`  // a short definition; a long one is cut and ends in its digest
	After   string   `json:"after,omitempty"`   // the same of the candidate
	Details []string `json:"details,omitempty"` // of a new table: its columns, keys, …
	Hazard  string   `json:"hazard,omitempty"`  // how it destroys or endangers data
}

// The actions of a change.
const (
	actionAdd    = "add"
	actionDrop   = "drop"
	actionChange = "change"
)

// Empty says that nothing differs.
func (d *Difference) Empty() bool { return len(d.Changes) == 0 }

// Hazards counts the changes that destroy or endanger data.
func (d *Difference) Hazards() int {
	n := 0
	for _, c := range d.Changes {
		if c.Hazard != "" {
			n++
		}
	}
	return n
}

// Counts is the difference in a few words: "2 tables added, 1 column changed".
func (d *Difference) Counts() string {
	if d.Empty() {
		return "no change"
	}
	type kind struct{ object, action string }
	var order []kind
	counts := map[kind]int{}
	for _, c := range d.Changes {
		k := kind{c.Object, c.Action}
		if counts[k] == 0 {
			order = append(order, k)
		}
		counts[k]++
	}
	done := map[string]string{actionAdd: "added", actionDrop: "dropped", actionChange: "changed"}
	words := make([]string, len(order))
	for i, k := range order {
		words[i] = fmt.Sprintf("%d %s %s", counts[k], plural(k.object, counts[k]), done[k.action])
	}
	return strings.Join(words, ", ")
}

func plural(word string, n int) string {
	if word == "unique" {
		word = "unique constraint"
	}
	switch {
	case n == 1, strings.HasSuffix(word, "s"): // "statistics", "default privileges"
		return word
	case strings.HasSuffix(word, "x"): // "index"
		return word + "es"
	case strings.HasSuffix(word, "cy"): // "policy"
		return strings.TrimSuffix(word, "y") + "ies"
	}
	return word + "s"
}
