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

// Listed is one table of a listing; a foreign key leads to
// TargetSchemas[i].Targets[i].
type Listed struct {
	Schema, Name  string
	Comment       string
	TargetSchemas []string
	Targets       []string
}

// List reads the tables in one round trip, in no order. Hide and Schemas are
// as for Read; members of extensions are not listed.
func List(ctx context.Context, conn *pgx.Conn, o Options) (*Listing, error) {
	l := &Listing{}
	var all []Listed
	batch := &pgx.Batch{}
	batch.Queue(query("provenance")).QueryRow(func(row pgx.Row) error { return row.Scan(&l.Comment) })
	queue(batch, &all, "listing", listed(o.Schemas), o.Preferred)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	for _, t := range all {
		if !hidden(o.Hide, t.Schema, t.Name) {
			l.Tables = append(l.Tables, t)
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
