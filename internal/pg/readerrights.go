package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// excessQuery says by what the session's role could see or change rows: what
// it is, what it may become (a member may SET ROLE even where it inherits
// nothing), and which tables it may read in this database by a grant to
// itself, to a role of its or to PUBLIC. What extensions grant is theirs.
const excessQuery = `
WITH me AS (SELECT oid, rolsuper, rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user),
here AS (
	SELECT n.nspname, c.relname, c.relowner, c.oid, n.oid AS schema
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
),
became AS (
	SELECT r.rolname, EXISTS (SELECT FROM here WHERE relowner = r.oid) AS owns
	FROM me, pg_catalog.pg_roles r
	WHERE NOT me.rolsuper AND (r.oid = me.oid OR pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER'))
		AND (r.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
			OR r.rolsuper OR EXISTS (SELECT FROM here WHERE relowner = r.oid))
),
granted AS (
	SELECT pg_catalog.count(*) AS tables, pg_catalog.min(pg_catalog.format('%I.%I', nspname, relname)) AS one
	FROM me, here
	WHERE NOT EXISTS (SELECT FROM became) AND pg_catalog.has_schema_privilege(me.oid, schema, 'USAGE')
		AND pg_catalog.has_any_column_privilege(me.oid, here.oid, 'SELECT, INSERT, UPDATE')
)
SELECT 'it is a superuser' FROM me WHERE rolsuper
UNION ALL SELECT 'it has BYPASSRLS' FROM me WHERE rolbypassrls AND NOT rolsuper
UNION ALL SELECT 'it can act as ' || pg_catalog.quote_ident(rolname) || CASE WHEN owns THEN ', which owns tables' ELSE '' END FROM became
UNION ALL SELECT pg_catalog.format('it has rights on %s tables or views, %s among them', tables, one)
	FROM granted, me WHERE tables > 0 AND NOT rolsuper`

// Excess says by what the reader could see or change rows of a database: it
// needs CONNECT and nothing else. Without a database it is asked for in any that
// lets the reader in. No reason is as it should be.
func (r *Readers) Excess(ctx context.Context, database string) (reasons []string, err error) {
	ask := func(ctx context.Context, conn *Conn) (err error) {
		reasons, err = ExcessOf(ctx, conn)
		return err
	}
	if database == "" {
		err = r.anywhere(ctx, ask)
	} else {
		err = r.Read(ctx, database, ask)
	}
	return reasons, err
}

// ExcessOf is Excess in a session of the reader.
func ExcessOf(ctx context.Context, conn *Conn) ([]string, error) {
	rows, err := conn.Query(ctx, excessQuery)
	if err != nil {
		return nil, fmt.Errorf("ask for the reader's rights: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
