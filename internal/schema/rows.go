package schema

// The rows of the queries in queries/, field by column. The snapshot's types
// are embedded; what only ties rows together stands beside them.

// address is how the catalog names any object: the oid of its catalog, its
// own, and the column's number or 0.
type address struct {
	class  uint32
	object uint32
	number int16
}

// The oids of catalogs are fixed in PostgreSQL's source (src/include/catalog).
const (
	classType       = 1247
	classFunction   = 1255
	classRelation   = 1259
	classConstraint = 2606
	classSchema     = 2615
	classTrigger    = 2620
	classExtension  = 3079
	classPolicy     = 3256
)

type schemaRow struct {
	OID    uint32
	Member bool
	Schema
}

type extensionRow struct {
	OID uint32
	Extension
}

type typeRow struct {
	OID      uint32
	Relation uint32 // of a composite type
	Type
}

type sequenceRow struct {
	OID      uint32
	Relation uint32 // owner
	Number   int16
	Internal bool // made by an identity column
	Sequence
}

type tableRow struct {
	OID           uint32
	ParentSchemas []string
	Parents       []string
	Table
}

type viewRow struct {
	OID uint32
	View
}

type columnRow struct {
	Relation uint32
	Number   int16
	Column
}

type indexRow struct {
	OID         uint32
	Relation    uint32
	Backs       bool // a constraint
	Sorted      bool
	Width       int16
	Numbers     []int16
	Sortings    []int16
	Expressions []string
	Index
}

type constraintRow struct {
	OID           uint32
	Relation      uint32 // 0 for one of a domain
	Domain        uint32
	Index         uint32
	Kind          string
	Numbers       []int16
	TargetSchema  string
	TargetTable   string
	TargetColumns []string
	OnDelete      string
	OnUpdate      string
	Constraint
}

type triggerRow struct {
	OID      uint32
	Relation uint32
	Trigger
}

type policyRow struct {
	OID      uint32
	Relation uint32
	Policy
}

type functionRow struct {
	OID uint32
	Function
}

type otherRow struct {
	Class uint32
	OID   uint32
	Other
}

type commentRow struct {
	Class  uint32
	Object uint32
	Number int16
	Text   string
}

type grantRow struct {
	Class  uint32
	Object uint32
	Number int16
	Grant
}
