package schema

import (
	"encoding/json"
	"slices"
)

// WithoutRights is a copy of a snapshot without owners and grants: for
// comparing databases of two servers, whose roles are not the same.
func WithoutRights(s *Snapshot) *Snapshot {
	plain := clone(s)
	for i := range plain.Schemas {
		plain.Schemas[i].strip()
	}
	for i := range plain.Types {
		plain.Types[i].strip()
		stripColumns(plain.Types[i].Attributes)
	}
	for i := range plain.Sequences {
		plain.Sequences[i].strip()
	}
	for i := range plain.Tables {
		plain.Tables[i].strip()
		stripColumns(plain.Tables[i].Columns)
	}
	for i := range plain.Views {
		plain.Views[i].strip()
		stripColumns(plain.Views[i].Columns)
	}
	for i := range plain.Functions {
		plain.Functions[i].strip()
	}
	plain.Others = slices.DeleteFunc(plain.Others, func(o Other) bool { return o.Kind == "default privileges" })
	for i := range plain.Others {
		plain.Others[i].Owner = ""
	}
	return plain
}

// clone goes by JSON, which a snapshot is made for.
func clone(s *Snapshot) *Snapshot {
	text, err := json.Marshal(s)
	copied := &Snapshot{}
	if err == nil {
		err = json.Unmarshal(text, copied)
	}
	if err != nil {
		panic(err) // strings, numbers and lists: cannot fail
	}
	return copied
}

func (d *Described) strip() { d.Owner, d.Grants = "", nil }

func stripColumns(columns []Column) {
	for i := range columns {
		columns[i].Grants = nil
	}
}
