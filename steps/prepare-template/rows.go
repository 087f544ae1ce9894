package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// errRows marks the refusal of a template that holds rows.
var errRows = errors.New("a template holds structure only")

// checkRows looks for rows, as the throw-away login, in a clone that is
// dropped afterwards: whatever runs when a table is read (policies, for
// instance) changes nothing of the template.
func (b *builder) checkRows(ctx context.Context, name, scratch string) error {
	if err := b.clone(ctx, name, scratch); err != nil {
		return err
	}
	return b.withLogin(ctx, scratch, func(login pg.Login) error {
		filled, err := b.filled(ctx, login)
		if err != nil {
			return err
		}
		filled = slices.DeleteFunc(filled, func(table string) bool { return slices.Contains(b.cfg.RowsAllowed, table) })
		if len(filled) == 0 {
			return nil
		}
		failure := change.Failf(change.KindConfiguration, "the template would hold rows, in %s: %w", some(filled), errRows)
		return failure.WithHint("leave the rows out, or allow them with --rows-allowed %s", strings.Join(filled[:min(3, len(filled))], ","))
	})
}

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

// filled lists the tables that hold rows, spelt as SQL spells them.
func (b *builder) filled(ctx context.Context, login pg.Login) ([]string, error) {
	conn, err := b.server.ConnectAs(ctx, login)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// A policy that hides rows is an error now, not an empty answer.
	if _, err := conn.Exec(ctx, "SET row_security = off"); err != nil {
		return nil, pg.Classify(err)
	}
	tables, err := pg.Texts(ctx, conn, tablesQuery)
	if err != nil {
		return nil, pg.Classify(err)
	}
	filled, err := holding(ctx, conn, tables)
	if err != nil {
		return nil, err
	}
	var objects int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata").Scan(&objects); err != nil {
		return nil, pg.Classify(err)
	}
	if objects > 0 {
		filled = append(filled, fmt.Sprintf("%d large objects", objects))
	}
	return filled, nil
}

// holding picks the tables that hold at least one row.
func holding(ctx context.Context, conn *pgx.Conn, tables []string) (filled []string, err error) {
	for _, table := range tables {
		var found bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ONLY "+table+")").Scan(&found); err != nil {
			failure := contentFailure(err)
			failure.Message = fmt.Sprintf("look for rows in %s as the owner role: %s", table, failure.Message)
			return nil, failure
		}
		if found {
			filled = append(filled, table)
		}
	}
	return filled, nil
}

// some names at most ten.
func some(names []string) string {
	if len(names) <= 10 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:10], ", ") + fmt.Sprintf(" and %d more", len(names)-10)
}
