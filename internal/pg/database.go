package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Database is what the server says about a database.
type Database struct {
	Name             string
	Parsed           Name
	OID              uint32
	Owner            string
	Comment          string
	AllowConnections bool
	IsTemplate       bool
	Invalid          bool // left by an interrupted DROP: can only be dropped again
	Sessions         int  // connected now
}

// Since 15.4 an interrupted DROP DATABASE leaves datconnlimit -2.
const databasesQuery = `
SELECT d.datname, d.oid, r.rolname, coalesce(shobj_description(d.oid, 'pg_database'), ''),
       d.datallowconn, d.datistemplate, d.datconnlimit = -2,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid)
FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
WHERE $1 = '' OR d.datname = $1
ORDER BY d.datname`

// Databases lists every database that the grammar knows, by name.
func (s *Server) Databases(ctx context.Context, n Names) ([]Database, error) {
	all, err := s.databases(ctx, "")
	if err != nil {
		return nil, err
	}
	var own []Database
	for _, database := range all {
		if database.Parsed = n.Parse(database.Name); database.Parsed.Kind != Foreign {
			own = append(own, database)
		}
	}
	return own, nil
}

// Database looks one database up; nil when there is none of that name. Its
// Parsed is left empty: no grammar is asked.
func (s *Server) Database(ctx context.Context, name string) (*Database, error) {
	if name == "" {
		return nil, nil
	}
	found, err := s.databases(ctx, name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (s *Server) databases(ctx context.Context, name string) (found []Database, err error) {
	err = s.withAdmin(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, databasesQuery, name)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scanDatabase)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", Classify(err))
	}
	return found, nil
}

func scanDatabase(row pgx.CollectableRow) (d Database, err error) {
	err = row.Scan(&d.Name, &d.OID, &d.Owner, &d.Comment, &d.AllowConnections, &d.IsTemplate, &d.Invalid, &d.Sessions)
	return d, err
}

// Comment sets the database's comment; "" removes it.
func (s *Server) Comment(ctx context.Context, database, text string) error {
	if err := s.exec(ctx, commentOn(database, text)); err != nil {
		return fmt.Errorf("comment on database %q: %w", database, Classify(err))
	}
	return nil
}

func commentOn(database, text string) string {
	return "COMMENT ON DATABASE " + Ident(database) + " IS " + Literal(text)
}
