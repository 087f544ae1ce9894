package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Listing is the tables of a database without their parts.
type Listing struct {
	Comment string // on the database
	Tables  []Listed
}

// Listed is one table of a listing.
type Listed struct {
	Schema, Name string
	Comment      string
	Targets      []Target // what its foreign keys lead to
}

// Target is a table that a foreign key leads to.
type Target struct{ Schema, Name string }

type listedRow struct {
	OID          uint32
	Schema, Name string
	Comment      string
}

type referenceRow struct {
	OID uint32 // of the table that refers
	Target
}

// List reads the tables in one round trip, in no order. Hide and Schemas are
// as for Read; members of extensions are not listed.
func List(ctx context.Context, conn *pgx.Conn, o Options) (*Listing, error) {
	l := &Listing{}
	var all []listedRow
	var references []referenceRow
	batch := &pgx.Batch{}
	batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") // one state for all
	batch.Queue(query("provenance")).QueryRow(func(row pgx.Row) error { return row.Scan(&l.Comment) })
	queue(batch, &all, "listing", listed(o.Schemas), o.Preferred)
	queue(batch, &references, "references")
	batch.Queue("COMMIT")
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	targets := map[uint32][]Target{}
	for _, r := range references {
		targets[r.OID] = append(targets[r.OID], r.Target)
	}
	for _, t := range all {
		if !hidden(o.Hide, t.Schema, t.Name) {
			l.Tables = append(l.Tables, Listed{t.Schema, t.Name, t.Comment, targets[t.OID]})
		}
	}
	return l, nil
}

// Comment reads the comment on the database that conn is connected to.
func Comment(ctx context.Context, conn *pgx.Conn) (text string, err error) {
	if err = conn.QueryRow(ctx, query("provenance")).Scan(&text); err != nil {
		return "", fmt.Errorf("read the comment of the database: %w", err)
	}
	return text, nil
}
