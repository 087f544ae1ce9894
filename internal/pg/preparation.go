package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// rightsQuery asks for the rights that docs/postgresql-grants.md gives.
const rightsQuery = `
SELECT r.rolcreatedb, r.rolcreaterole, pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'),
       has_parameter_privilege(r.oid, 'temp_file_limit', 'SET')
FROM pg_roles r WHERE r.rolname = current_user`

// MissingRights lists the statements by which a DBA gives the service role
// what it lacks; none when it has all it needs.
func (s *Server) MissingRights(ctx context.Context) ([]string, error) {
	var has [4]bool
	err := s.withAdmin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, rightsQuery).Scan(&has[0], &has[1], &has[2], &has[3])
	})
	if err != nil {
		return nil, fmt.Errorf("look at the service role: %w", Classify(err))
	}
	me := Ident(s.User())
	var missing []string
	for i, remedy := range [4]string{
		"ALTER ROLE " + me + " CREATEDB;",
		"ALTER ROLE " + me + " CREATEROLE;",
		"GRANT pg_signal_backend TO " + me + ";",
		"GRANT SET ON PARAMETER temp_file_limit TO " + me + ";",
	} {
		if !has[i] {
			missing = append(missing, remedy)
		}
	}
	return missing, nil
}

// CreateOwner makes the owner role: no login, no attributes, its privileges
// granted to the service role.
func (s *Server) CreateOwner(ctx context.Context, role string) error {
	err := s.transaction(ctx,
		"CREATE ROLE "+Ident(role)+" NOLOGIN",
		"GRANT "+Ident(role)+" TO "+Ident(s.User()))
	if err != nil {
		return fmt.Errorf("create owner role %q: %w", role, Classify(err))
	}
	return nil
}

// TakeRole grants a role that the service role manages to the service role.
func (s *Server) TakeRole(ctx context.Context, role string) error {
	if err := s.exec(ctx, "GRANT "+Ident(role)+" TO "+Ident(s.User())); err != nil {
		return fmt.Errorf("grant role %q to the service role: %w", role, Classify(err))
	}
	return nil
}

// CreateReader makes the role of those who look: a login when there is a
// password (ASCII), else for others to be made members of.
func (s *Server) CreateReader(ctx context.Context, role, password string) error {
	reader := Role{Name: role}
	err := s.transaction(ctx, append([]string{"CREATE ROLE " + Ident(role) + " NOLOGIN"}, reader.MissingSettings()...)...)
	if err != nil {
		return fmt.Errorf("create reader role %q: %w", role, Classify(err))
	}
	if password == "" {
		return nil
	}
	return s.LetLogIn(ctx, role, password)
}

// LetLogIn makes a role a login with a password (ASCII), of which the server
// only gets the verifier.
func (s *Server) LetLogIn(ctx context.Context, role, password string) error {
	verifier, err := scramVerifier(password)
	if err != nil {
		return fmt.Errorf("make the verifier of %q: %w", role, err)
	}
	if err := s.exec(ctx, "ALTER ROLE "+Ident(role)+" LOGIN PASSWORD "+Literal(verifier)); err != nil {
		return fmt.Errorf("set the password of role %q: %w", role, Classify(err))
	}
	return nil
}

// OpenPublicSchema lets the owner role create in the schema public of a
// database of ours, as changelogs and their tracking tables do. This changes
// a catalog and runs no code of the database.
func (s *Server) OpenPublicSchema(ctx context.Context, database, owner string) error {
	config := s.config.Copy()
	config.Database = database
	conn, err := s.open(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "GRANT USAGE, CREATE ON SCHEMA public TO "+Ident(owner)); err != nil {
		return fmt.Errorf("open schema public of %s: %w", database, Classify(err))
	}
	return nil
}

// Texts gives one column of text of a query in any session.
func Texts(ctx context.Context, conn *pgx.Conn, sql string, arguments ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
