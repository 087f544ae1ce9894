package pg_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// onEach runs a test on the oldest and the newest server.
func onEach(t *testing.T, test func(t *testing.T, site *lab.Site, server *pg.Server)) {
	t.Helper()
	t.Parallel()
	for name, version := range map[string]int{"15": 15, "18": 18} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := lab.Postgres(t, version)
			test(t, site, connect(t, site.URL))
		})
	}
}

func connect(t *testing.T, url string) *pg.Server {
	t.Helper()
	server, err := pg.Connect(t.Context(), pg.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(context.Background()) })
	return server
}

// kindOf is the kind of the failure in an error, "" for none.
func kindOf(err error) change.Kind {
	var failure *change.Failure
	if errors.As(err, &failure) {
		return failure.Kind
	}
	return ""
}

func TestConnect(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		if server.User() != site.ServiceRole() || server.Version() != site.Server.Version {
			t.Errorf("user %s on %d, want %s on %d", server.User(), server.Version(), site.ServiceRole(), site.Server.Version)
		}
		if _, err := server.Now(t.Context()); err != nil {
			t.Error(err)
		}
		want := pg.Endpoint{Host: site.Server.Host, Port: uint16(site.Server.Port), SSLMode: "disable"}
		if diff := cmp.Diff(want, server.Endpoint()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestConnectRefused(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	u, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	down, wrong, absent := *u, *u, *u
	down.Host = "127.0.0.1:1"
	wrong.User = url.UserPassword(site.ServiceRole(), "s3cret-and-wrong")
	absent.Path = "/no-such-database"
	tests := []struct {
		name, url, says string
		kind            change.Kind
	}{
		{"down", down.String(), "127.0.0.1:1", change.KindInfrastructure},
		{"wrong password", wrong.String(), "password authentication failed", change.KindInfrastructure},
		{"no database", absent.String(), "no-such-database", change.KindConfiguration},
		{"not a URL", "postgres://me:s3cret-and-wrong@host:port/db", "cannot be read", change.KindConfiguration},
		{"blank in password", "postgres://me:s3cret and%wrong@host/db", "cannot be read", change.KindConfiguration},
		{"bad keyword form", "host=h password=s3cret-and-wrong port=x", "cannot be read", change.KindConfiguration},
	}
	for _, test := range tests {
		_, err := pg.Connect(t.Context(), pg.Config{URL: test.url})
		if kindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %s %v, want %s %s", test.name, kindOf(err), err, test.kind, test.says)
		}
		if strings.Contains(err.Error()+change.AsFailure(err).Hint, "s3cret") {
			t.Errorf("%s: the password is shown: %v", test.name, err)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	for mode, suffix := range map[string]string{"disable": "sslmode=disable", "prefer": "sslmode=prefer", "allow": "sslmode=allow"} {
		server := connect(t, strings.Replace(site.URL, "sslmode=disable", suffix, 1))
		if got := server.Endpoint().SSLMode; got != mode {
			t.Errorf("%s is read back as %s", mode, got)
		}
	}
}

func TestSessionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 18)
	proxy := lab.NewTCPProxy(t, strings.TrimPrefix(site.URL[strings.Index(site.URL, "@"):strings.LastIndex(site.URL, "/")], "@"))
	server := connect(t, site.ThroughProxy(proxy.Address()))
	proxy.Cut()
	if _, err := server.Now(t.Context()); kindOf(err) != change.KindInfrastructure {
		t.Errorf("a cut session gives %v, want an infrastructure failure", err)
	}
	if _, err := server.Now(t.Context()); err != nil {
		t.Errorf("the session was not opened again: %v", err)
	}
	proxy.Refuse(true)
	if _, err := server.Now(t.Context()); kindOf(err) != change.KindInfrastructure {
		t.Errorf("a server that is down gives %v, want an infrastructure failure", err)
	}
}

func TestCatalogReadsOnly(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE TABLE public.lab (id int)")
		conn, err := server.Catalog(t.Context(), site.Names.Template)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		var path, readOnly string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting('search_path'), current_setting('transaction_read_only')").Scan(&path, &readOnly); err != nil {
			t.Fatal(err)
		}
		if path != "pg_catalog" || readOnly != "on" {
			t.Errorf("search_path %s, read only %s", path, readOnly)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TEMP TABLE x ()"); err == nil {
			t.Error("the session writes")
		}
		if _, err := server.Catalog(t.Context(), "no-such-database"); kindOf(err) != change.KindConfiguration {
			t.Errorf("no database: %v", err)
		}
	})
}

func TestFingerprint(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE TABLE public.lab (id int PRIMARY KEY, name text); COMMENT ON TABLE public.lab IS 'x'")
		fingerprint := func() string {
			t.Helper()
			digest, err := server.Fingerprint(t.Context(), site.Names.Template)
			if err != nil {
				t.Fatal(err)
			}
			return digest
		}
		first := fingerprint()
		for _, harmless := range []string{
			"INSERT INTO public.lab SELECT g, g::text FROM generate_series(1, 20000) g", "ANALYZE", "VACUUM", "VACUUM (FREEZE, ANALYZE)",
			"DELETE FROM public.lab WHERE id > 10", "VACUUM public.lab", "CHECKPOINT",
		} {
			if site.Super(t, site.Names.Template, harmless); fingerprint() != first {
				t.Fatalf("%s changed the fingerprint", harmless)
			}
		}
		seen := map[string]string{first: "nothing"}
		for _, ddl := range []string{
			"COMMENT ON TABLE public.lab IS 'y'", "ALTER TABLE public.lab ADD note text", "ALTER TABLE public.lab ALTER name SET NOT NULL",
			"ALTER TABLE public.lab ALTER name SET DEFAULT 'a'", "CREATE INDEX ON public.lab (name)", "CREATE SCHEMA s", "CREATE SEQUENCE s.q",
			"ALTER SEQUENCE s.q INCREMENT 2", "CREATE TYPE s.e AS ENUM ('a')", "ALTER TYPE s.e ADD VALUE 'b'", "GRANT SELECT ON public.lab TO PUBLIC",
			"CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
			"CREATE VIEW s.v AS SELECT 1", "CREATE EXTENSION citext", "ALTER TABLE public.lab ENABLE ROW LEVEL SECURITY",
			"CREATE POLICY p ON public.lab", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "DROP VIEW s.v", "DROP SCHEMA s CASCADE",
		} {
			site.Super(t, site.Names.Template, ddl)
			digest := fingerprint()
			if before, ok := seen[digest]; ok {
				t.Errorf("after %q the fingerprint is that after %q", ddl, before)
			}
			seen[digest] = ddl
		}
	})
}
