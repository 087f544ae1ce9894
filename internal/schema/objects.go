package schema

// View is a view or a materialized view.
type View struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Kind   string `json:"kind"` // "view", "materialized view"
	Described
	Columns    []Column  `json:"columns"`
	Definition string    `json:"definition"` // a query
	Indexes    []Index   `json:"indexes,omitempty"`
	Triggers   []Trigger `json:"triggers,omitempty"`
	Options    []string  `json:"options,omitempty"` // "security_barrier=true"
}

// Sequence is a sequence, also that of a serial column. That of an identity
// column is part of the column.
type Sequence struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Described
	Type      string  `json:"type"` // "smallint", "integer", "bigint"
	Start     int64   `json:"start"`
	Increment int64   `json:"increment"`
	Min       int64   `json:"min"`
	Max       int64   `json:"max"`
	Cache     int64   `json:"cache"`
	Cycle     bool    `json:"cycle,omitempty"`
	OwnedBy   *Owning `json:"ownedBy,omitempty"`
}

// Owning is the column that a sequence belongs to and goes with.
type Owning struct {
	Schema string `json:"schema"`
	Table  string `json:"table"`
	Column string `json:"column"`
}

// Function is a function, procedure, aggregate or window function.
type Function struct {
	Schema    string `json:"schema"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // those that tell overloaded functions apart
	Kind      string `json:"kind"`      // "function", "procedure", "aggregate", "window function"
	Described
	Result          string `json:"result,omitempty"` // none for a procedure
	Language        string `json:"language"`
	SecurityDefiner bool   `json:"securityDefiner,omitempty"` // runs with its owner's rights
	Definition      string `json:"definition"`                // CREATE OR REPLACE …, with the body
}

// Type is a type that someone made; what a kind does not have is left out.
type Type struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Kind   string `json:"kind"` // "enum", "composite", "domain", "range", "base"
	Described
	Labels     []string     `json:"labels,omitempty"`     // of an enum, in their order
	Attributes []Column     `json:"attributes,omitempty"` // of a composite type
	Base       string       `json:"base,omitempty"`       // of a domain: its type; of a range: its subtype
	Collation  string       `json:"collation,omitempty"`  // of a domain
	NotNull    bool         `json:"notNull,omitempty"`    // of a domain
	Default    string       `json:"default,omitempty"`    // of a domain
	Checks     []Constraint `json:"checks,omitempty"`     // of a domain
}

// Other is an object of a rarer kind: "rule", "statistics", "default
// privileges", "publication", "foreign server", "event trigger", "cast",
// "operator", "collation".
type Other struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"` // qualified where the kind has schemas
	Definition string `json:"definition"`
	Owner      string `json:"owner,omitempty"`
	Comment    string `json:"comment,omitempty"`
}
