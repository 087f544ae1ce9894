package api

// TableInfoShort is one table of a list.
type TableInfoShort struct {
	Name            string  `json:"name" doc:"The table; schema.name where two schemas have a table of that name." example:"laboratory"`
	ObjectReference bool    `json:"objectReference" doc:"Has a foreign key to the table of subjects." example:"false"`
	Description     *string `json:"description" doc:"The table's comment." example:"Лабораторія"`
}

// TableInfo is one table. What stands behind indices is not in the platform's
// own answer.
type TableInfo struct {
	Name              string               `json:"name" example:"laboratory"`
	ObjectReference   bool                 `json:"objectReference"`
	Description       *string              `json:"description" example:"Лабораторія"`
	Columns           ByName[Column]       `json:"columns" doc:"By name, in the table's order."`
	ForeignKeys       ByName[ForeignKey]   `json:"foreignKeys"`
	PrimaryKey        Optional[Index]      `json:"primaryKey"`
	UniqueConstraints ByName[Index]        `json:"uniqueConstraints" doc:"Unique constraints and unique indexes."`
	Indices           ByName[Index]        `json:"indices" doc:"All other indexes."`
	Schema            string               `json:"schema" example:"registry"`
	Kind              string               `json:"kind" enum:"table,partitioned table,foreign table" example:"table"`
	PartitionOf       []string             `json:"partitionOf,omitempty" nullable:"false" doc:"The parent of a partition or child table."`
	PartitionBound    string               `json:"partitionBound,omitempty" example:"FOR VALUES FROM (1) TO (10)"`
	PartitionKey      string               `json:"partitionKey,omitempty" example:"RANGE (id)"`
	Checks            ByName[Check]        `json:"checks" doc:"CHECK and EXCLUDE constraints."`
	ReferencedBy      ByName[ReferencedBy] `json:"referencedBy" doc:"The foreign keys that lead here."`
}

// Column is one column of a table.
type Column struct {
	Name         string  `json:"name" example:"phone"`
	Description  *string `json:"description" example:"Телефон"`
	Type         string  `json:"type" doc:"The server's internal name of the type." example:"varchar"`
	DefaultValue *string `json:"defaultValue" doc:"An expression." example:"gen_random_uuid()"`
	NotNull      bool    `json:"notNullFlag"`
	Position     int     `json:"position" minimum:"1" doc:"Counts the table's columns that are shown." example:"4"`
	FormatType   string  `json:"formatType" doc:"The type as DDL writes it." example:"character varying(50)"`
	Identity     string  `json:"identity,omitempty" enum:"ALWAYS,BY DEFAULT"`
	Generated    string  `json:"generated,omitempty" doc:"The expression of a generated column." example:"lower(name)"`
	Collation    string  `json:"collation,omitempty" example:"uk_UA"`
}

// ForeignKey leads to another table.
type ForeignKey struct {
	Name         string       `json:"name" example:"fk_laboratory_koatuu"`
	TargetTable  string       `json:"targetTable" example:"koatuu"`
	ColumnPairs  []ColumnPair `json:"columnPairs" nullable:"false"`
	TargetSchema string       `json:"targetSchema" example:"registry"`
	OnDelete     string       `json:"onDelete" enum:"NO ACTION,RESTRICT,CASCADE,SET NULL,SET DEFAULT"`
	OnUpdate     string       `json:"onUpdate" enum:"NO ACTION,RESTRICT,CASCADE,SET NULL,SET DEFAULT"`
}

// ColumnPair is a column and the one that it refers to.
type ColumnPair struct {
	Source string `json:"sourceColumnName" example:"koatuu_id"`
	Target string `json:"targetColumnName" example:"koatuu_id"`
}

// Index is an index or the constraint that it stands for.
type Index struct {
	Name       string        `json:"name" example:"pk_laboratory_id"`
	Columns    []IndexColumn `json:"columns" nullable:"false"`
	Method     string        `json:"method" doc:"The access method." example:"btree"`
	Constraint bool          `json:"constraint" doc:"It is a constraint, not an index alone."`
	Predicate  string        `json:"predicate,omitempty" doc:"Of a partial index." example:"(phone IS NOT NULL)"`
	Definition string        `json:"definition" doc:"As DDL writes it." example:"PRIMARY KEY (laboratory_id)"`
}

// IndexColumn is a column of an index.
type IndexColumn struct {
	Name       string `json:"name" doc:"The column, or the expression." example:"laboratory_id"`
	Sorting    string `json:"sorting" enum:"ASC,DESC,NONE"`
	Expression bool   `json:"expression,omitempty" doc:"The name is an expression."`
}

// Check is a CHECK or EXCLUDE constraint.
type Check struct {
	Name       string `json:"name" example:"ck_price"`
	Definition string `json:"definition" example:"CHECK ((price > 0))"`
}

// ReferencedBy is a foreign key of another table to this one.
type ReferencedBy struct {
	Name  string `json:"name" example:"fk_staff_laboratory" doc:"Of the foreign key, with its table where two bear the same name."`
	Table string `json:"table" example:"staff"`
}

func (c Column) key() string       { return c.Name }
func (f ForeignKey) key() string   { return f.Name }
func (i Index) key() string        { return i.Name }
func (c Check) key() string        { return c.Name }
func (r ReferencedBy) key() string { return r.Name }
