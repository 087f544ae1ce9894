package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Postgres gives a test a site of its own on the shared server of a version.
// It is removed when the test ends.
func Postgres(t testing.TB, version int) *Site {
	t.Helper()
	server, err := StartPostgres(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	return server.Site(t)
}

// Site gives a test a site of its own on this server.
func (p *PostgresServer) Site(t testing.TB) *Site {
	t.Helper()
	site, err := NewSite(t.Context(), p, "t"+strings.ToLower(rand.Text()[:8]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := site.Close(ctx); err != nil {
			t.Errorf("remove the test's databases: %v", err)
		}
	})
	return site
}

// SuperURL is the superuser's connection string to a database.
func (s *Site) SuperURL(database string) string { return s.Server.SuperURL(database) }

// ReaderURL is the reader's connection string to a database; it may log in
// once Template has made it.
func (s *Site) ReaderURL(database string) string {
	return s.Server.URL(s.ReaderRole, s.password, database)
}

// ReaderPassword is that of the reader, for prepare-template.
func (s *Site) ReaderPassword() string { return s.password }

// ServiceRole is the role of URL.
func (s *Site) ServiceRole() string { return s.service }

// AdminDatabase is the database of URL.
func (s *Site) AdminDatabase() string { return s.admin }

// ThroughProxy is the service role's URL by way of another address.
func (s *Site) ThroughProxy(address string) string {
	return strings.Replace(s.URL, fmt.Sprintf("@%s:%d/", s.Server.Host, s.Server.Port), "@"+address+"/", 1)
}

// Env is the site as the steps' variables.
func (s *Site) Env() []string {
	return []string{
		"DATABASE_URL=" + s.URL,
		"PATCHBAY_PREFIX=" + s.Names.Prefix,
		"PATCHBAY_TEMPLATE=" + s.Names.Template,
		"PATCHBAY_OWNER_ROLE=" + s.OwnerRole,
		"PATCHBAY_READER_ROLE=" + s.ReaderRole,
		"PATCHBAY_ENVIRONMENT=dev",
	}
}

// Connect opens a session that the test's end closes.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// Template makes the two roles and the template as prepare-template would,
// with the structure that the given DDL makes when it runs as the owner.
func (s *Site) Template(t testing.TB, ddl string) {
	t.Helper()
	s.Roles(t)
	s.once(t, s.URL, fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0", pg.Ident(s.Names.Template)))
	inside := Connect(t, s.serviceURL(s.Names.Template))
	owner := pg.Ident(s.OwnerRole)
	run(t, inside, fmt.Sprintf(`
		REVOKE CONNECT, TEMPORARY ON DATABASE %[1]s FROM PUBLIC;
		GRANT CONNECT ON DATABASE %[1]s TO %[2]s;
		GRANT CREATE ON DATABASE %[1]s TO %[3]s;
		GRANT USAGE, CREATE ON SCHEMA public TO %[3]s;
		SET ROLE %[3]s`, pg.Ident(s.Names.Template), pg.Ident(s.ReaderRole), owner))
	run(t, inside, ddl)
	run(t, inside, fmt.Sprintf(`RESET ROLE; REVOKE CREATE ON DATABASE %s FROM %s`, pg.Ident(s.Names.Template), owner))
	if err := inside.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Roles makes owner and reader, without a template.
func (s *Site) Roles(t testing.TB) {
	t.Helper()
	owner, reader := pg.Ident(s.OwnerRole), pg.Ident(s.ReaderRole)
	s.once(t, s.URL, fmt.Sprintf(`
		CREATE ROLE %[1]s NOLOGIN;
		GRANT %[1]s TO %[2]s;
		CREATE ROLE %[3]s LOGIN PASSWORD %[4]s`, owner, pg.Ident(s.service), reader, pg.Literal(s.password)))
}

// Super runs SQL as superuser in a database, in a session of its own that has
// ended when Super returns.
func (s *Site) Super(t testing.TB, database, sql string) {
	t.Helper()
	s.once(t, s.SuperURL(database), sql)
}

func (s *Site) once(t testing.TB, url, sql string) {
	t.Helper()
	conn := Connect(t, url)
	run(t, conn, sql)
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *Site) serviceURL(database string) string {
	return strings.Replace(s.URL, "/"+s.admin+"?", "/"+database+"?", 1)
}

func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
