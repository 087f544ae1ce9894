package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// sizesQuery leaves out what is no longer there and what we may not look at:
// the function fails on either.
const sizesQuery = `
SELECT datname, pg_database_size(oid) FROM pg_database
WHERE datname = ANY($1) AND datconnlimit <> -2 AND has_database_privilege(oid, 'CONNECT')`

// Sizes gives what databases take on disk, in bytes, by name; those that
// cannot be told are missing.
func (s *Server) Sizes(ctx context.Context, databases []string) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := s.withAdmin(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sizesQuery, databases)
		if err != nil {
			return err
		}
		var name string
		var bytes *int64 // NULL: its files are gone
		_, err = pgx.ForEachRow(rows, []any{&name, &bytes}, func() error {
			if bytes != nil {
				sizes[name] = *bytes
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("measure databases: %w", Classify(err))
	}
	return sizes, nil
}
