package changelog

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// row is what the tracking table says about one changeset.
type row struct {
	ID, Author, Filename string
	Checksum, ExecType   string
	Order                int
	Executed             time.Time
}

func (r row) key() string { return r.Filename + "::" + r.ID + "::" + r.Author }

// tracking is the state of Liquibase's two tables.
type tracking struct {
	schema string
	rows   []row
}

// readTracking reads the tables in a session of the throw-away login. The
// schema is found out once, before the changelog could change it: "" then.
func readTracking(ctx context.Context, job Job, s Settings, schema string) (*tracking, error) {
	t := &tracking{schema: schema}
	err := asLogin(ctx, job, func(ctx context.Context, conn *pgx.Conn) error { return t.read(ctx, conn, s) })
	return t, err
}

func (t *tracking) read(ctx context.Context, conn *pgx.Conn, s Settings) (err error) {
	if t.schema == "" {
		if t.schema, err = schemaOf(ctx, conn, s); err != nil {
			return err
		}
	}
	table, lock := s.liquibaseTables()
	there, err := plainTable(ctx, conn, t.schema, table)
	if err != nil || !there {
		return err
	}
	if err := t.readRows(ctx, conn, table); err != nil {
		return err
	}
	if there, err = plainTable(ctx, conn, t.schema, lock); err != nil || !there {
		return err
	}
	return t.checkLock(ctx, conn, lock)
}

func schemaOf(ctx context.Context, conn *pgx.Conn, s Settings) (string, error) {
	if s.LiquibaseSchema != "" {
		return s.LiquibaseSchema, nil
	}
	return currentSchema(ctx, conn)
}

func (t *tracking) readRows(ctx context.Context, conn *pgx.Conn, table string) error {
	query := `SELECT id, author, filename, coalesce(md5sum, '') AS checksum, exectype, orderexecuted AS "order", dateexecuted AS executed
		FROM ONLY ` + pgx.Identifier{t.schema, table}.Sanitize() + ` ORDER BY orderexecuted, dateexecuted` + atMost
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	t.rows, err = collect(rows, pgx.RowToStructByName[row])
	return err
}

func (t *tracking) checkLock(ctx context.Context, conn *pgx.Conn, table string) error {
	var held bool
	query := `SELECT coalesce(bool_or(locked), false) FROM ONLY ` + pgx.Identifier{t.schema, table}.Sanitize()
	if err := conn.QueryRow(ctx, query).Scan(&held); err != nil {
		return err
	}
	if held {
		return change.Failf(change.KindCandidate, "the row of the lock table %s says that a Liquibase run is under way", table).
			WithHint("a changelog must not write to the tracking tables")
	}
	return nil
}

// compare finds what a run did, and refuses a run that touched the rows of
// earlier ones other than by running a changeset again.
func (t *tracking) compare(after *tracking) (applied []string, err error) {
	now := map[string]row{}
	for _, r := range after.rows {
		now[r.key()] = r
	}
	for _, was := range t.rows {
		is, there := now[was.key()]
		if fault := tampered(was, is, there); fault != "" {
			f := change.Failf(change.KindCandidate, "the changelog %s the tracking row of a changeset that ran before", fault).
				WithHint("a changelog must not write to the tracking tables")
			f.File, f.Changeset, f.Author = was.Filename, was.ID, was.Author
			return nil, f
		}
		if is == was {
			delete(now, was.key())
		}
	}
	return order(now), nil
}

func tampered(was, is row, there bool) string {
	switch {
	case !there:
		return "deleted"
	case is == was:
		return ""
	case is.ExecType == "RERAN" && is.Order >= was.Order:
		return ""
	case is.Order != was.Order || is.Checksum != was.Checksum:
		return "changed"
	}
	return ""
}

// order lists what was executed as Liquibase did it.
func order(rows map[string]row) []string {
	var ran []row
	for _, r := range rows {
		if r.ExecType == "EXECUTED" || r.ExecType == "RERAN" {
			ran = append(ran, r)
		}
	}
	slices.SortFunc(ran, func(a, b row) int {
		if a.Order != b.Order {
			return a.Order - b.Order
		}
		return strings.Compare(a.key(), b.key())
	})
	keys := []string{}
	for _, r := range ran {
		keys = append(keys, change.OneLine(r.key()))
	}
	return keys
}
