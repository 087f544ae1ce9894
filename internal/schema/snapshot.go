// Package schema reads the structure of a database from its catalog and
// compares two such snapshots.
//
// The reader's session has more rights than whoever wrote the database, so it
// names nothing but objects of pg_catalog: it reads no table, calls no
// function and uses no operator that a changelog could have made. What it
// reads is still an attacker's text; it is kept as it is in the documents and
// escaped where it becomes a line for people.
package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Snapshot is schema.json: the structure of one database, in one canonical
// order, so that equal structures have equal bytes. Members of extensions and
// the tables that Options.Hide names are not in it.
type Snapshot struct {
	FormatVersion int         `json:"formatVersion"`
	Schemas       []Schema    `json:"schemas"`
	Extensions    []Extension `json:"extensions"`
	Types         []Type      `json:"types"`
	Sequences     []Sequence  `json:"sequences"`
	Tables        []Table     `json:"tables"`
	Views         []View      `json:"views"`
	Functions     []Function  `json:"functions"`
	Others        []Other     `json:"others"`
}

// Digest is the SHA-256 of the snapshot's JSON, 64 hexadecimal digits.
func (s *Snapshot) Digest() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("encode a snapshot: %v", err)) // strings, numbers and lists: cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Described is what every object of a schema can have.
type Described struct {
	Owner   string  `json:"owner,omitempty"`
	Comment string  `json:"comment,omitempty"`
	Grants  []Grant `json:"grants,omitempty"`
}

// Grant is what one role may do. The owner's own privileges are left out
// unless some were revoked.
type Grant struct {
	Role       string   `json:"role"`       // PUBLIC is everybody
	Privileges []string `json:"privileges"` // "SELECT", "SELECT WITH GRANT OPTION"; sorted
}

// Schema is a namespace.
type Schema struct {
	Name string `json:"name"`
	Described
}

// Extension is an installed extension; its members are not listed.
type Extension struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
	Comment string `json:"comment,omitempty"`
}
