package pg_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

const digest = "0123456789abcdef"

func access(site *lab.Site) pg.Access {
	return pg.Access{Owner: site.OwnerRole, Comment: `{"it's":"\\"}`}
}

func clone(t *testing.T, site *lab.Site, server *pg.Server, source, name string) {
	t.Helper()
	if err := server.Clone(t.Context(), source, name, access(site), nil); err != nil {
		t.Fatal(err)
	}
}

func TestClone(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE SCHEMA registry; CREATE TABLE registry.lab (id int)")
		name := site.Names.Attempt(7, 1, 1)
		clone(t, site, server, site.Names.Template, name)

		got, err := server.Databases(t.Context(), site.Names)
		if err != nil || len(got) != 2 {
			t.Fatalf("databases %+v, %v", got, err)
		}
		want := pg.Database{
			Name: name, Parsed: pg.Name{Kind: pg.Attempt, Change: 7, PatchSet: 1, Stamp: 1},
			OID: got[0].OID, Owner: site.ServiceRole(), Comment: access(site).Comment, AllowConnections: true,
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		rights := scalar[string](t, site, name, `SELECT array_to_string(ARRAY(
			SELECT coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') || ':' || a.privilege_type
			FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() AND a.grantee <> d.datdba ORDER BY 1), ' ')`)
		if want := fmt.Sprintf("%[1]s:CREATE %[1]s:TEMPORARY", site.OwnerRole); rights != want {
			t.Errorf("rights %s, want %s", rights, want)
		}
		if _, err := pgx.Connect(t.Context(), site.ReaderURL(name)); err == nil {
			t.Error("the reader enters an attempt")
		}
	})
}

// scalar asks one value as superuser.
func scalar[T any](t *testing.T, site *lab.Site, database, sql string) (value T) {
	t.Helper()
	if err := lab.Connect(t, site.SuperURL(database)).QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestCloneRefused(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "")
		name := site.Names.Attempt(7, 1, 1)
		if err := server.Clone(t.Context(), "no-such-template", name, access(site), nil); !errors.Is(err, pg.ErrNoDatabase) {
			t.Errorf("without a source: %v", err)
		}
		broken := access(site)
		broken.Owner = "no_such_role"
		if err := server.Clone(t.Context(), site.Names.Template, name, broken, nil); err == nil {
			t.Error("an owner that is not there was taken")
		}
		if left, err := server.Database(t.Context(), name); err != nil || left != nil {
			t.Errorf("a failed clone left %+v, %v", left, err)
		}
		clone(t, site, server, site.Names.Template, name)
		if err := server.Clone(t.Context(), site.Names.Template, name, access(site), nil); !errors.Is(err, pg.ErrExists) {
			t.Errorf("a second time: %v", err)
		}
		long := site.Names.Prefix + strings.Repeat("1", 60)
		if err := server.Clone(t.Context(), site.Names.Template, long, access(site), nil); kindOf(err) != change.KindConfiguration {
			t.Errorf("a name over 63 bytes: %v", err)
		}
	})
}

func TestCloneWaitsForTemplateInUse(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "")
		guest := lab.Connect(t, site.ReaderURL(site.Names.Template))
		var reasons []string
		err := server.Clone(t.Context(), site.Names.Template, site.Names.Attempt(7, 1, 1), access(site), func(reason string) {
			reasons = append(reasons, reason)
			if err := guest.Ping(t.Context()); err != nil {
				t.Errorf("the guest's session was ended: %v", err)
			}
			guest.Close(t.Context())
		})
		// autovacuum may be there too
		want := site.Names.Template + " is in use by "
		if err != nil || len(reasons) != 1 || !strings.HasPrefix(reasons[0], want) {
			t.Errorf("reasons %q, %v; want %q", reasons, err, want)
		}
	})
}

func TestCloneCancelled(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "")
		lab.Connect(t, site.ReaderURL(site.Names.Template))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		name := site.Names.Attempt(7, 1, 1)
		if err := server.Clone(ctx, site.Names.Template, name, access(site), nil); kindOf(err) != change.KindInfrastructure {
			t.Errorf("out of time: %v", err)
		}
		if left, err := server.Database(t.Context(), name); err != nil || left != nil {
			t.Errorf("a cancelled clone left %+v, %v", left, err)
		}
	})
}

// The server made the database, but its answer was lost.
func TestCloneLosesItsAnswer(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, direct *pg.Server) {
		site.Template(t, "")
		e := direct.Endpoint()
		proxy := lab.NewTCPProxy(t, fmt.Sprintf("%s:%d", e.Host, e.Port))
		server := connect(t, site.ThroughProxy(proxy.Address()))
		guest := lab.Connect(t, site.ReaderURL(site.Names.Template))
		name := site.Names.Attempt(7, 1, 1)
		err := server.Clone(t.Context(), site.Names.Template, name, access(site), func(string) {
			guest.Close(t.Context())
			proxy.CutAfter(0) // the next answer is that to CREATE DATABASE
		})
		if kindOf(err) != change.KindInfrastructure {
			t.Errorf("a lost answer: %v", err)
		}
		if left, err := direct.Database(t.Context(), name); err != nil || left != nil {
			t.Errorf("a lost answer left %+v, %v", left, err)
		}
	})
}

// The session is cut while the server still makes the database, which nobody
// can see yet.
func TestCloneIsCutInTheMiddle(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, direct *pg.Server) {
		site.Template(t, "")
		e := direct.Endpoint()
		proxy := lab.NewTCPProxy(t, fmt.Sprintf("%s:%d", e.Host, e.Port))
		server := connect(t, site.ThroughProxy(proxy.Address()))
		guest := lab.Connect(t, site.ReaderURL(site.Names.Template)) // holds CREATE DATABASE up for five seconds
		name := site.Names.Attempt(7, 1, 1)
		time.AfterFunc(time.Second, func() {
			proxy.Cut()
			guest.Close(context.Background())
		})
		if err := server.Clone(t.Context(), site.Names.Template, name, access(site), nil); kindOf(err) != change.KindInfrastructure {
			t.Errorf("cut in the middle: %v", err)
		}
		time.Sleep(time.Second) // longer than the server needs to go on
		if left, err := direct.Database(t.Context(), name); err != nil || left != nil {
			t.Errorf("cut in the middle left %+v, %v", left, err)
		}
	})
}

func TestFreeze(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE SCHEMA registry")
		attempt, base := site.Names.BaseAttempt(digest, 1), site.Names.Base(digest)
		clone(t, site, server, site.Names.Template, attempt)
		guest, err := server.Catalog(t.Context(), attempt)
		if err != nil {
			t.Fatal(err)
		}
		defer guest.Close(context.Background())
		if err := server.Freeze(t.Context(), attempt, base, "done"); err != nil {
			t.Fatal(err)
		}
		got, err := server.Database(t.Context(), base)
		if err != nil || got == nil || got.AllowConnections || got.Comment != "done" {
			t.Errorf("frozen: %+v, %v", got, err)
		}
		if _, err := server.Catalog(t.Context(), base); err == nil {
			t.Error("a frozen database was entered")
		}
		clone(t, site, server, base, site.Names.Attempt(7, 1, 1))
		clone(t, site, server, base, attempt)
		if err := server.Freeze(t.Context(), attempt, base, ""); !errors.Is(err, pg.ErrExists) {
			t.Errorf("frozen over another: %v", err)
		}
	})
}

func TestDrop(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "")
		name := site.Names.Candidate(7)
		neighbour := strings.TrimSuffix(site.Names.Prefix, "-") + "elopers"
		site.Super(t, "postgres", "CREATE DATABASE "+pg.Ident(neighbour)+" OWNER "+pg.Ident(site.ServiceRole()))
		t.Cleanup(func() {
			conn, err := pgx.Connect(context.Background(), site.SuperURL("postgres"))
			if err == nil {
				_, err = conn.Exec(context.Background(), "DROP DATABASE "+pg.Ident(neighbour))
				conn.Close(context.Background())
			}
			if err != nil {
				t.Error(err)
			}
		})
		for _, foreign := range []string{neighbour, "postgres", site.AdminDatabase(), ""} {
			if err := server.Drop(t.Context(), site.Names, foreign); kindOf(err) != change.KindConfiguration {
				t.Errorf("drop %q: %v", foreign, err)
			}
		}
		for state, prepare := range map[string]string{
			"plain":    "SELECT 1",
			"template": "ALTER DATABASE " + pg.Ident(name) + " IS_TEMPLATE true",
			"invalid":  "UPDATE pg_database SET datconnlimit = -2 WHERE datname = " + pg.Literal(name),
		} {
			clone(t, site, server, site.Names.Template, name)
			conn, err := server.Catalog(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			site.Super(t, "postgres", prepare)
			if err := server.Drop(t.Context(), site.Names, name); err != nil {
				t.Errorf("drop a database that is %s: %v", state, err)
			}
			conn.Close(t.Context())
			if err := server.Drop(t.Context(), site.Names, name); err != nil {
				t.Errorf("drop what is gone: %v", err)
			}
		}
	})
}

func TestDropUnderSuperuser(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "")
		name := site.Names.Candidate(7)
		clone(t, site, server, site.Names.Template, name)
		admin := lab.Connect(t, site.SuperURL(name))
		err := server.Drop(t.Context(), site.Names, name)
		if kindOf(err) != change.KindInfrastructure || change.AsFailure(err).Hint == "" {
			t.Errorf("drop under a superuser: %v", err)
		}
		admin.Close(t.Context())
		if err := server.Drop(t.Context(), site.Names, name); err != nil {
			t.Error(err)
		}
	})
}
