package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Extension members come with the extension. Foreign tables hold their rows
// elsewhere, partitioned ones in their partitions.
const tablesQuery = `
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated)
AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1`

// FilledTables lists the tables of a database that hold rows, spelt as SQL
// spells them, and how many large objects there are, if any. The session is
// that of a throw-away login: reading a table may run code of the database.
func FilledTables(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	// A policy that hides rows is an error now, not an empty answer.
	if _, err := conn.Exec(ctx, "SET row_security = off"); err != nil {
		return nil, err
	}
	tables, err := Texts(ctx, conn, tablesQuery)
	if err != nil {
		return nil, err
	}
	var filled []string
	for _, table := range tables {
		var found bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ONLY "+table+")").Scan(&found); err != nil {
			return nil, fmt.Errorf("in %s: %w", table, err)
		}
		if found {
			filled = append(filled, table)
		}
	}
	var objects int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata").Scan(&objects); err != nil {
		return nil, err
	}
	if objects > 0 {
		filled = append(filled, fmt.Sprintf("%d large objects", objects))
	}
	return filled, nil
}
