package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// DropLogin ends the login's sessions and drops it. What it made as itself
// instead of as the owner goes to the owner. One that is not there is no
// error.
func (s *Server) DropLogin(ctx context.Context, l Login) error {
	return s.dropRole(ctx, l.Role, l.Database, l.Owner)
}

// DropRoleAfterDatabase drops the login of a database that is gone already.
// One that is not there is no error.
func (s *Server) DropRoleAfterDatabase(ctx context.Context, role string) error {
	return s.dropRole(ctx, role, "", "")
}

func (s *Server) dropRole(ctx context.Context, role, database, owner string) error {
	there, err := s.lookUp(ctx, "SELECT rolname FROM pg_roles WHERE rolname = $1", role)
	if err != nil || len(there) == 0 {
		return err
	}
	// First no new sessions, then no old ones, then nothing that pins it.
	if err := s.exec(ctx, "ALTER ROLE "+Ident(role)+" NOLOGIN"); err != nil {
		return fmt.Errorf("close login %s: %w", role, Classify(err))
	}
	if err := s.endSessions(ctx, "a.usename = $1", role); err != nil {
		return err
	}
	err = s.dropUnpinned(ctx, role)
	if state(err) == dependentObjects {
		if err := s.unpin(ctx, role, database, owner); err != nil {
			return err
		}
		err = s.dropUnpinned(ctx, role)
	}
	if err != nil {
		return fmt.Errorf("drop login %s: %w", role, Classify(err))
	}
	return nil
}

// dropUnpinned takes back what CreateLogin gave and drops the role.
func (s *Server) dropUnpinned(ctx context.Context, role string) error {
	granted, err := s.lookUp(ctx, `
		SELECT d.datname FROM pg_shdepend s JOIN pg_database d ON d.oid = s.objid
		WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
		AND s.classid = 'pg_database'::regclass AND d.datconnlimit <> -2`, role)
	if err != nil {
		return err
	}
	var statements []string
	for _, database := range granted {
		statements = append(statements, "REVOKE ALL ON DATABASE "+Ident(database)+" FROM "+Ident(role))
	}
	return s.transaction(ctx, append(statements, "DROP ROLE IF EXISTS "+Ident(role))...)
}

// unpin rids a role of what it owns or was granted inside databases. A login
// can do that to itself by a single default privilege, in its own database or
// in any that PUBLIC may enter. These commands change catalogs and run no code
// of the database.
func (s *Server) unpin(ctx context.Context, role, database, owner string) error {
	pinned, err := s.lookUp(ctx, `
		SELECT DISTINCT d.datname FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
		WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)`, role)
	if err != nil {
		return err
	}
	if err := s.exec(ctx, "GRANT "+Ident(role)+" TO "+Ident(s.User())); err != nil {
		return fmt.Errorf("take over login %s: %w", role, Classify(err))
	}
	for _, name := range pinned {
		heir := ""
		if name == database {
			heir = owner
		}
		if err := s.unpinIn(ctx, name, role, heir); err != nil {
			return fmt.Errorf("clear %s of login %s: %w", name, role, Classify(err))
		}
	}
	return nil
}

func (s *Server) unpinIn(ctx context.Context, database, role, heir string) error {
	config := s.config.Copy()
	config.Database = database
	conn, err := s.open(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if heir != "" {
		if _, err := conn.Exec(ctx, "REASSIGN OWNED BY "+Ident(role)+" TO "+Ident(heir)); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "DROP OWNED BY "+Ident(role))
	return err
}

// lookUp gives one column of text.
func (s *Server) lookUp(ctx context.Context, sql string, arguments ...any) (found []string, err error) {
	err = s.withAdmin(ctx, func(conn *pgx.Conn) (err error) {
		found, err = Texts(ctx, conn, sql, arguments...)
		return err
	})
	if err != nil {
		return nil, Classify(err)
	}
	return found, nil
}
