package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/schema"
)

// BenchmarkRead: tables of eight columns with a primary key, a unique
// constraint, an index, a foreign key and comments.
func BenchmarkRead(b *testing.B) {
	for _, version := range versions {
		for _, tables := range []int{50, 500} {
			b.Run(fmt.Sprintf("postgresql=%d/tables=%d", version, tables), func(b *testing.B) {
				d := newDatabase(b, version)
				d.reset(b)
				d.exec(b, manyTables(tables))
				for b.Loop() {
					d.snapshot(b, schema.Options{})
				}
			})
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	d := newDatabase(b, versions[0])
	d.reset(b)
	d.exec(b, manyTables(500))
	base := d.snapshot(b, schema.Options{})
	d.exec(b, "ALTER TABLE t7 DROP note")
	candidate := d.snapshot(b, schema.Options{})
	for b.Loop() {
		if schema.Compare(base, candidate).Empty() {
			b.Fatal("no difference")
		}
	}
}

func manyTables(n int) string {
	var sql strings.Builder
	for i := range n {
		fmt.Fprintf(&sql, `CREATE TABLE t%[1]d (id uuid CONSTRAINT pk_t%[1]d PRIMARY KEY, code varchar(20) NOT NULL UNIQUE,
			name text NOT NULL, note text, amount numeric(12,2) DEFAULT 0, born date, changed timestamptz DEFAULT now(),
			parent uuid CONSTRAINT fk_t%[1]d REFERENCES t%[2]d (id));
			CREATE INDEX ix_t%[1]d ON t%[1]d (parent);
			COMMENT ON TABLE t%[1]d IS 'Таблиця %[1]d'; COMMENT ON COLUMN t%[1]d.name IS 'Назва';`, i, max(i-1, 0))
	}
	return sql.String()
}
