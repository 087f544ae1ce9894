package schema

// Table is a table, a partitioned table, a partition or a foreign table.
type Table struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Kind   string `json:"kind"` // "table", "partitioned table", "foreign table"
	Described
	Columns          []Column     `json:"columns"` // in the table's order
	PrimaryKey       *Key         `json:"primaryKey,omitempty"`
	Uniques          []Key        `json:"uniques,omitempty"`
	Indexes          []Index      `json:"indexes,omitempty"` // those that back no constraint
	ForeignKeys      []ForeignKey `json:"foreignKeys,omitempty"`
	Checks           []Constraint `json:"checks,omitempty"`
	Exclusions       []Constraint `json:"exclusions,omitempty"`
	Triggers         []Trigger    `json:"triggers,omitempty"`
	RowSecurity      bool         `json:"rowSecurity,omitempty"`
	ForceRowSecurity bool         `json:"forceRowSecurity,omitempty"`
	Policies         []Policy     `json:"policies,omitempty"`
	PartitionKey     string       `json:"partitionKey,omitempty"`   // "RANGE (day)"
	PartitionBound   string       `json:"partitionBound,omitempty"` // "FOR VALUES FROM … TO …", "DEFAULT"
	Inherits         []string     `json:"inherits,omitempty"`       // qualified parents; a partition's one parent
	Unlogged         bool         `json:"unlogged,omitempty"`
	Options          []string     `json:"options,omitempty"` // "fillfactor=70"
	Server           string       `json:"server,omitempty"`  // of a foreign table
}

// Column is one column of a table, a view or a composite type.
type Column struct {
	Name         string  `json:"name"`
	Type         string  `json:"type"`                 // as DDL writes it: "character varying(50)", "registry.status[]"
	InternalType string  `json:"internalType"`         // as the catalog names it: "varchar", "int4", "_uuid"
	TypeSchema   string  `json:"typeSchema,omitempty"` // of the type, when it is not pg_catalog
	NotNull      bool    `json:"notNull,omitempty"`
	Default      string  `json:"default,omitempty"`   // an expression
	Identity     string  `json:"identity,omitempty"`  // "ALWAYS", "BY DEFAULT"
	Sequence     string  `json:"sequence,omitempty"`  // options of an identity's sequence that are not the default ones: "INCREMENT 10 START 100"
	Generated    string  `json:"generated,omitempty"` // "(a * 2) STORED", "(a * 2) VIRTUAL" (18)
	Collation    string  `json:"collation,omitempty"` // qualified, when it is not the type's own
	Inherited    bool    `json:"inherited,omitempty"` // from a parent table
	Comment      string  `json:"comment,omitempty"`
	Grants       []Grant `json:"grants,omitempty"`
}

// Key is a primary key or a unique constraint.
type Key struct {
	Constraint
	Columns []IndexColumn `json:"columns"` // in the key's order
}

// Index is an index. Of its columns only those that are searched are listed;
// INCLUDE columns stand in the definition.
type Index struct {
	Name       string        `json:"name"`
	Unique     bool          `json:"unique,omitempty"`
	Method     string        `json:"method"` // "btree", "gin", …
	Columns    []IndexColumn `json:"columns"`
	Predicate  string        `json:"predicate,omitempty"` // of a partial index
	Definition string        `json:"definition"`
	Invalid    bool          `json:"invalid,omitempty"`
	Inherited  bool          `json:"inherited,omitempty"` // part of an index of the partitioned table
	Comment    string        `json:"comment,omitempty"`
}

// IndexColumn is a column of an index; an expression has no name.
type IndexColumn struct {
	Name       string `json:"name,omitempty"`
	Expression string `json:"expression,omitempty"`
	Sorting    string `json:"sorting"` // "ASC", "DESC", "NONE" (the method has no order)
}

// ForeignKey is a foreign key; Columns[i] refers to TargetColumns[i].
type ForeignKey struct {
	Constraint
	Columns       []string `json:"columns"`
	TargetSchema  string   `json:"targetSchema"`
	TargetTable   string   `json:"targetTable"`
	TargetColumns []string `json:"targetColumns"`
	OnDelete      string   `json:"onDelete"` // "NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"
	OnUpdate      string   `json:"onUpdate"`
}

// Constraint is what all constraints have; a CHECK or EXCLUDE has no more.
type Constraint struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`          // "CHECK ((price > 0))"
	Inherited  bool   `json:"inherited,omitempty"` // from a parent table
	Comment    string `json:"comment,omitempty"`
}

// Trigger is a trigger that someone made; those of foreign keys are not listed.
type Trigger struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	State      string `json:"state,omitempty"` // "DISABLED", "REPLICA", "ALWAYS"; empty: fires as usual
	Inherited  bool   `json:"inherited,omitempty"`
	Comment    string `json:"comment,omitempty"`
}

// Policy is a row security policy.
type Policy struct {
	Name        string   `json:"name"`
	Restrictive bool     `json:"restrictive,omitempty"`
	Command     string   `json:"command"` // "ALL", "SELECT", "INSERT", "UPDATE", "DELETE"
	Roles       []string `json:"roles"`   // "PUBLIC" is everybody
	Using       string   `json:"using,omitempty"`
	Check       string   `json:"check,omitempty"`
	Comment     string   `json:"comment,omitempty"`
}
