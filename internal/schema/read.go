package schema

import (
	"context"
	"embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Options choose what is read.
type Options struct {
	Hide    []string // tables that are an engine's own, as "table" or "schema.table", with what belongs to them
	Schemas []string // empty: all but the system's
	// Preferred is the only schema that is read when Schemas is empty and there
	// is one of that name; "" is no preference.
	Preferred string
}

//go:embed queries/*.sql
var queries embed.FS

// Read takes the snapshot of the database that conn is connected to, in one
// transaction: three round trips, whatever the number of objects. PostgreSQL
// 15 to 18.
//
// A structure of an absurd size is refused with a *change.Failure of
// KindLimit before it is read; any other error is the server's.
func Read(ctx context.Context, conn *pgx.Conn, o Options) (*Snapshot, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin reading the catalog: %w", err)
	}
	defer tx.Rollback(ctx) // nothing was written
	namespaces, err := readSchemas(ctx, tx, o)
	if err != nil {
		return nil, fmt.Errorf("read the schemas: %w", err)
	}
	c, err := readCatalog(ctx, tx, namespaces)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return c.snapshot(o.Hide), nil
}

// readSchemas fixes the session's settings, then finds the schemas and looks
// at how much there is to read.
func readSchemas(ctx context.Context, tx pgx.Tx, o Options) ([]schemaRow, error) {
	if _, err := tx.Exec(ctx, query("session")); err != nil {
		return nil, err
	}
	var found []schemaRow
	var size catalogSize
	batch := &pgx.Batch{}
	queue(batch, &found, "schemas", listed(o.Schemas))
	batch.Queue(query("size")).QueryRow(func(row pgx.Row) error { return row.Scan(&size.objects, &size.bytes) })
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	return o.preferred(found), size.check()
}

func (o Options) preferred(found []schemaRow) []schemaRow {
	at := slices.IndexFunc(found, func(s schemaRow) bool { return s.Name == o.Preferred })
	if len(o.Schemas) > 0 || at < 0 {
		return found
	}
	return found[at : at+1]
}

func readCatalog(ctx context.Context, tx pgx.Tx, schemas []schemaRow) (*catalog, error) {
	oids := make([]uint32, len(schemas))
	for i, s := range schemas {
		oids[i] = s.OID
	}
	c := &catalog{schemas: schemas}
	batch := &pgx.Batch{}
	queue(batch, &c.extensions, "extensions")
	queue(batch, &c.types, "types", oids)
	queue(batch, &c.sequences, "sequences", oids)
	queue(batch, &c.tables, "tables", oids)
	queue(batch, &c.views, "views", oids)
	queue(batch, &c.columns, "columns", oids)
	queue(batch, &c.indexes, "indexes", oids)
	queue(batch, &c.constraints, "constraints", oids)
	queue(batch, &c.triggers, "triggers", oids)
	queue(batch, &c.policies, "policies", oids)
	queue(batch, &c.functions, "functions", oids)
	queue(batch, &c.others, "others", oids)
	queue(batch, &c.comments, "comments")
	queue(batch, &c.grants, "grants", oids)
	return c, tx.SendBatch(ctx, batch).Close()
}

// queue adds a query whose rows become *into: columns and fields go by name.
func queue[T any](batch *pgx.Batch, into *[]T, name string, args ...any) {
	batch.Queue(query(name), args...).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[T])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*into = found
		return nil
	})
}

func query(name string) string {
	text, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err) // embedded above: the file is there
	}
	return string(text)
}

// catalogSize bounds what a snapshot may cost: a changelog can make a comment
// of a gigabyte.
type catalogSize struct{ objects, bytes int64 }

const (
	maxObjects = 200_000  // relations and columns
	maxBytes   = 32 << 20 // text of definitions and comments
)

func (s catalogSize) check() error {
	if s.objects <= maxObjects && s.bytes <= maxBytes {
		return nil
	}
	return change.Failf(change.KindLimit,
		"the structure is too large to compare: %d relations and columns (at most %d), %d bytes of definitions and comments (at most %d)",
		s.objects, maxObjects, s.bytes, maxBytes)
}

// hidden says that a table is one of those that Options.Hide names.
func hidden(hide []string, schema, table string) bool {
	return slices.Contains(hide, table) || slices.Contains(hide, schema+"."+table)
}
