package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Session reads the structure of one database, as the service role, which
// reads nothing else there. It stays connected from Open or the first Read on:
// the second time the server knows the queries and the catalogs.
type Session struct {
	Server   *pg.Server
	Database string
	Options  Options
	conn     *pgx.Conn
}

// Open connects, unless the session is connected.
func (s *Session) Open(ctx context.Context) (err error) {
	if s.conn == nil {
		s.conn, err = s.Server.Catalog(ctx, s.Database)
	}
	return err
}

// Read is the function Read on the session's database.
func (s *Session) Read(ctx context.Context) (*Snapshot, error) {
	if err := s.Open(ctx); err != nil {
		return nil, err
	}
	snapshot, err := Read(ctx, s.conn, s.Options)
	if err != nil {
		return nil, fmt.Errorf("read the catalogs of %s: %w", s.Database, pg.Classify(err))
	}
	return snapshot, nil
}

// End closes the connection, if there is one: nobody may be connected to a
// database that is renamed or dropped.
func (s *Session) End(ctx context.Context) {
	if s.conn != nil {
		s.conn.Close(context.WithoutCancel(ctx))
	}
}
