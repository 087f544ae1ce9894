package pg

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// readerListQuery leaves a recorded difference out of the comments: it is most
// of them, and a list does not show it.
const readerListQuery = `
SELECT d.datname, d.oid, pg_catalog.regexp_replace(coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), ''),
           '"difference":"[^"]*"', '"difference":""')
FROM pg_catalog.pg_database d
WHERE pg_catalog.starts_with(d.datname, $1) AND ($2 = '' OR d.datname = $2) AND d.datallowconn AND d.datconnlimit <> -2`

// Candidates lists the candidate databases that can be entered, with their
// comments but for the recorded difference. It is asked for in whichever
// database lets the reader in: any knows them all.
func (r *Readers) Candidates(ctx context.Context, n Names) ([]Database, error) {
	return r.candidates(ctx, n, "")
}

// Candidate looks one candidate database up; nil when there is none.
func (r *Readers) Candidate(ctx context.Context, n Names, number int) (*Database, error) {
	found, err := r.candidates(ctx, n, n.Candidate(number))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (r *Readers) candidates(ctx context.Context, n Names, name string) (found []Database, err error) {
	err = r.anywhere(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, readerListQuery, n.Prefix, name)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Database, err error) {
			err = row.Scan(&d.Name, &d.OID, &d.Comment)
			d.Parsed = n.Parse(d.Name)
			return d, err
		})
		return err
	})
	return slices.DeleteFunc(found, func(d Database) bool { return d.Parsed.Kind != Candidate }), err
}

// MissingSchemas are those of the names that a database has no schema of.
func (r *Readers) MissingSchemas(ctx context.Context, database string, names []string) (missing []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	err = r.Read(ctx, database, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `
			SELECT name FROM pg_catalog.unnest($1::text[]) name
			WHERE name NOT IN (SELECT nspname FROM pg_catalog.pg_namespace)`, names)
		if err != nil {
			return err
		}
		missing, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return missing, err
}

// anywhere asks what every database of the server knows, in the first that
// lets the reader in.
func (r *Readers) anywhere(ctx context.Context, fn func(context.Context, *pgx.Conn) error) (err error) {
	for _, database := range r.entrances() {
		err = r.Read(ctx, database, fn)
		if !errors.Is(err, ErrNoDatabase) && (err == nil || change.AsFailure(err).SQLState != insufficientRight) {
			break // an answer, or nobody there
		}
	}
	return err
}

// entrances are the databases to ask in, in turn: the URL's own, and the one
// that every server has.
func (r *Readers) entrances() []string {
	own := r.Database()
	if own == "" {
		own = r.User() // libpq's default
	}
	return slices.Compact([]string{own, "postgres"})
}
