package pg_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

var limits = pg.LoginLimits{
	ValidFor: time.Minute, Connections: 9, StatementTimeout: 8 * time.Second, LockTimeout: 3 * time.Second, TempFileLimit: "64MB",
}

// working makes an attempt with its login.
func working(t *testing.T, site *lab.Site, server *pg.Server) *pg.Login {
	t.Helper()
	site.Template(t, "CREATE SCHEMA registry; CREATE TABLE registry.lab (id int)")
	name := site.Names.Attempt(7, 1, 1)
	clone(t, site, server, site.Names.Template, name)
	return created(t, server, pg.NewLogin(site.Names.Login(name), name, site.OwnerRole), limits)
}

func created(t *testing.T, server *pg.Server, login pg.Login, limits pg.LoginLimits) *pg.Login {
	t.Helper()
	if err := server.CreateLogin(t.Context(), login, limits); err != nil {
		t.Fatal(err)
	}
	return &login
}

func connectAs(t *testing.T, server *pg.Server, login *pg.Login) *pgx.Conn {
	t.Helper()
	conn, err := server.ConnectAs(t.Context(), *login)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestLogin(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		login := working(t, site, server)
		conn := connectAs(t, server, login)
		var user, session, statement, lock, temp string
		err := conn.QueryRow(t.Context(), `SELECT current_user, session_user, current_setting('statement_timeout'),
			current_setting('lock_timeout'), current_setting('temp_file_limit')`).Scan(&user, &session, &statement, &lock, &temp)
		got := strings.Join([]string{user, session, statement, lock, temp}, " ")
		if want := site.OwnerRole + " " + login.Role + " 8s 3s 64MB"; err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
		for sql, works := range map[string]bool{
			"CREATE SCHEMA more": true, "CREATE TABLE registry.b (id int)": true, "ALTER TABLE registry.lab ADD n int": true,
			"CREATE EXTENSION citext": true, "CREATE TEMP TABLE t (id int)": true, "CREATE TABLE public.databasechangelog (id int)": true,
			"CREATE ROLE evil": false, "CREATE DATABASE evil": false, "SET temp_file_limit = -1": false,
			"ALTER DATABASE " + pg.Ident(login.Database) + " CONNECTION LIMIT 1":              false,
			"COMMENT ON DATABASE " + pg.Ident(login.Database) + " IS 'forged'":                false,
			"DROP DATABASE " + pg.Ident(site.Names.Template):                                  false,
			"ALTER ROLE " + pg.Ident(site.OwnerRole) + " LOGIN":                               false,
			"GRANT " + pg.Ident(site.OwnerRole) + " TO " + pg.Ident(site.ReaderRole):          false,
			"GRANT CONNECT ON DATABASE " + pg.Ident(login.Database) + " TO PUBLIC /* noop */": true, // a warning, and no grant
		} {
			if _, err := conn.Exec(t.Context(), sql); (err == nil) != works {
				t.Errorf("%s: %v", sql, err)
			}
		}
		if scalar[bool](t, site, "postgres", "SELECT EXISTS (SELECT FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = "+pg.Literal(login.Database)+" AND a.grantee = 0)") {
			t.Error("PUBLIC has got rights")
		}
		for _, elsewhere := range []string{site.Names.Template, site.AdminDatabase()} {
			other := *login
			other.Database = elsewhere
			if conn, err := server.ConnectAs(t.Context(), other); err == nil {
				conn.Close(t.Context())
				t.Errorf("the login enters %s", elsewhere)
			}
		}
		if _, err := pgx.Connect(t.Context(), server.URLFor(*login)); err != nil {
			t.Errorf("the login's URL: %v", err)
		}
	})
}

func TestDropLogin(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		login := working(t, site, server)
		conn := connectAs(t, server, login)
		// It pins itself, in its own database and in one that PUBLIC may enter.
		for _, sql := range []string{
			"SET ROLE NONE", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
			"SELECT lo_create(4711)", "ALTER ROLE " + pg.Ident(login.Role) + " SET work_mem = '1MB'",
			"SET ROLE " + pg.Ident(site.OwnerRole), "GRANT SELECT ON registry.lab TO " + pg.Ident(login.Role),
		} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		public := *login
		public.Database = "postgres"
		if _, err := connectAs(t, server, &public).Exec(t.Context(), "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"); err != nil {
			t.Fatal(err)
		}
		if err := server.DropLogin(t.Context(), *login); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(t.Context()); err == nil {
			t.Error("its session lives on")
		}
		if owner := scalar[string](t, site, login.Database, "SELECT lomowner::regrole::text FROM pg_largeobject_metadata"); owner != site.OwnerRole {
			t.Errorf("what it made belongs to %s", owner)
		}
		if err := server.DropLogin(t.Context(), *login); err != nil {
			t.Errorf("what is gone: %v", err)
		}
	})
}

func TestDropRoleAfterDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		login := working(t, site, server)
		if _, err := connectAs(t, server, login).Exec(t.Context(), "SET ROLE NONE; SELECT lo_create(4711)"); err != nil {
			t.Fatal(err)
		}
		if err := server.Drop(t.Context(), site.Names, login.Database); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := server.DropRoleAfterDatabase(t.Context(), login.Role); err != nil {
				t.Error(err)
			}
		}
		if _, err := server.ConnectAs(t.Context(), *login); err == nil {
			t.Error("the role is still there")
		}
	})
}

// TestCreateLoginAgain: what a killed run left does not stand in the way, and
// its password is worth nothing any more.
func TestCreateLoginAgain(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		old := working(t, site, server)
		stale := connectAs(t, server, old)
		login := created(t, server, pg.NewLogin(old.Role, old.Database, site.OwnerRole), limits)
		if err := stale.Ping(t.Context()); err == nil {
			t.Error("the old session lives on")
		}
		if _, err := server.ConnectAs(t.Context(), *old); err == nil {
			t.Error("the old password works")
		}
		connectAs(t, server, login)
	})
}

func TestLoginExpires(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	server := connect(t, site.URL)
	login := working(t, site, server)
	short := limits
	short.ValidFor = -time.Second
	login = created(t, server, *login, short)
	if _, err := server.ConnectAs(t.Context(), *login); kindOf(err) != change.KindInfrastructure {
		t.Errorf("an expired login: %v", err)
	}
}

func TestCheckOwnerRole(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		if err := server.CheckOwnerRole(t.Context(), site.OwnerRole); kindOf(err) != change.KindConfiguration || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("absent: %v", err)
		}
		site.Roles(t)
		if err := server.CheckOwnerRole(t.Context(), site.OwnerRole); err != nil {
			t.Errorf("as it should be: %v", err)
		}
		owner, database := pg.Ident(site.OwnerRole), pg.Ident(site.Names.Template)
		site.Super(t, "postgres", "ALTER ROLE "+owner+" LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;"+
			"GRANT pg_monitor, "+pg.Ident(site.ReaderRole)+" TO "+owner+"; REVOKE "+owner+" FROM "+pg.Ident(site.ServiceRole())+" CASCADE")
		site.Super(t, "postgres", "CREATE DATABASE "+database+" OWNER "+owner)
		err := server.CheckOwnerRole(t.Context(), site.OwnerRole)
		for _, fault := range []string{
			"can log in", "is a superuser", "may create databases", "may create roles", "may replicate", "bypasses row security",
			"owns database " + site.Names.Template, "is a member of pg_monitor", "is a member of " + site.ReaderRole, "is not granted to",
		} {
			if err == nil || !strings.Contains(err.Error(), fault) {
				t.Errorf("%q is not said by: %v", fault, err)
			}
		}
		if err == nil {
			return
		}
		site.Super(t, "postgres", change.AsFailure(err).Hint)
		if err := server.CheckOwnerRole(t.Context(), site.OwnerRole); err != nil {
			t.Errorf("after the remedy: %v", err)
		}
	})
}
