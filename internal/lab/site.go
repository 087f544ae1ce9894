package lab

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// grants is what a DBA runs once, word for word as docs/postgresql-grants.md
// has it (a test compares).
//
//go:embed grants.sql
var grants string

// Site is one registry's corner of a server: its own prefix, template, roles,
// service login and admin database, so that many tests share one server.
type Site struct {
	Server     *PostgresServer
	Names      pg.Names
	URL        string // DATABASE_URL of the service role, to the admin database
	OwnerRole  string
	ReaderRole string

	service  string
	admin    string
	password string // of the reader, who may log in here
}

// NewSite makes a corner named name with no template yet: prefix
// "<name>-dev-", template "<name>-template". What an earlier run left under
// these names is removed first. The roles are made by Template or by
// prepare-template.
func NewSite(ctx context.Context, server *PostgresServer, name string) (*Site, error) {
	password := rand.Text()
	s := &Site{
		Server:     server,
		Names:      pg.Names{Prefix: name + "-dev-", Template: name + "-template"},
		OwnerRole:  name + "_dev_owner_role",
		ReaderRole: name + "_dev_role",
		service:    name + "_patchbay",
		admin:      name + "_patchbay",
		password:   rand.Text(),
	}
	s.URL = server.URL(s.service, password, s.admin)
	err := s.alone(ctx, func(conn *pgx.Conn) error {
		if err := s.remove(ctx, conn); err != nil {
			return err
		}
		return script(ctx, conn, s.grants(password))
	})
	if err != nil {
		return nil, fmt.Errorf("make site %s: %w", name, err)
	}
	return s, nil
}

// grants puts the site's names in the place of the documented ones.
func (s *Site) grants(password string) string {
	return strings.NewReplacer(
		"'a long random password'", pg.Literal(password),
		"DATABASE patchbay", "DATABASE "+pg.Ident(s.admin),
		"OWNER patchbay", "OWNER "+pg.Ident(s.service),
		"ROLE patchbay", "ROLE "+pg.Ident(s.service),
		"TO patchbay", "TO "+pg.Ident(s.service),
	).Replace(grants)
}

// Close removes the site's databases and roles.
func (s *Site) Close(ctx context.Context) error {
	return s.alone(ctx, func(conn *pgx.Conn) error { return s.remove(ctx, conn) })
}

// alone runs fn as superuser with the server's other sites held off: grants
// on parameters at the same time fail with "tuple concurrently updated".
func (s *Site) alone(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.Server.SuperURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(7)"); err != nil {
		return err
	}
	return fn(conn)
}

func (s *Site) remove(ctx context.Context, conn *pgx.Conn) error {
	if err := s.rest(ctx, conn); err != nil {
		return err
	}
	databases, err := column(ctx, conn, "SELECT datname FROM pg_database")
	errs := []error{err}
	for _, name := range databases {
		if name == s.admin || s.Names.Parse(name).Kind != pg.Foreign {
			// An invalid database cannot be altered, and a template not be dropped.
			errs = append(errs, script(ctx, conn, fmt.Sprintf("UPDATE pg_database SET datistemplate = false WHERE datname = %s;\nDROP DATABASE %s WITH (FORCE);\n",
				pg.Literal(name), pg.Ident(name))))
		}
	}
	roles, err := column(ctx, conn, "SELECT rolname FROM pg_roles")
	errs = append(errs, err)
	for _, role := range s.own(roles) {
		errs = append(errs, script(ctx, conn, fmt.Sprintf("DROP OWNED BY %[1]s;\nDROP ROLE %[1]s;", pg.Ident(role))))
	}
	return errors.Join(errs...)
}

// rest waits until the site's sessions have ended: a run leaves one to the
// server, which makes a spare in it.
func (s *Site) rest(ctx context.Context, conn *pgx.Conn) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		making, err := column(ctx, conn, "SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE DATABASE %' AND usename = "+pg.Literal(s.service))
		if err != nil || len(making) == 0 {
			return err
		}
	}
	return nil // dropping says what is in the way
}

// own picks the site's roles, the service role last: it granted the others.
func (s *Site) own(roles []string) []string {
	var found, service []string
	for _, role := range roles {
		_, login := s.Names.LoginOf(role)
		switch {
		case login, role == s.OwnerRole, role == s.ReaderRole:
			found = append(found, role)
		case role == s.service:
			service = append(service, role)
		}
	}
	return append(found, service...)
}

// script runs statements that end with ";" and a line break, one round trip
// each: CREATE DATABASE bears no company.
func script(ctx context.Context, conn *pgx.Conn, sql string) error {
	for statement := range strings.SplitSeq(sql, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(statement), err)
		}
	}
	return nil
}

func column(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
