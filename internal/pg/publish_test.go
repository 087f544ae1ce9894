package pg_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func publication(site *lab.Site, attempt string) pg.Publication {
	return pg.Publication{
		Attempt: attempt, Public: site.Names.Candidate(7), Retired: attempt, Comment: "published",
		Owner: site.OwnerRole, Reader: site.ReaderRole,
	}
}

func TestPublish(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE SCHEMA registry; CREATE TABLE registry.lab (id int)")
		public := site.Names.Candidate(7)
		for i, want := range []bool{false, true} {
			attempt := site.Names.Attempt(7, 1, uint32(i))
			clone(t, site, server, site.Names.Template, attempt)
			swap, err := server.Publish(t.Context(), publication(site, attempt))
			if err != nil || swap.Replaced != want {
				t.Fatalf("%+v, %v; want replaced %t", swap, err, want)
			}
			got, err := server.Database(t.Context(), public)
			if err != nil || got == nil || got.Comment != "published" || !got.AllowConnections {
				t.Errorf("published: %+v, %v", got, err)
			}
			retired, err := server.Database(t.Context(), attempt)
			if err != nil || (retired != nil) != want {
				t.Errorf("retired %+v, %v", retired, err)
			}
			lab.Connect(t, site.ReaderURL(public))
		}
		if _, err := pgx.Connect(t.Context(), site.ReaderURL(site.Names.Attempt(7, 1, 1))); err == nil {
			t.Error("the reader enters the retired database")
		}
		if scalar[bool](t, site, public, "SELECT has_database_privilege("+pg.Literal(site.OwnerRole)+", current_database(), 'CREATE, TEMPORARY')") {
			t.Error("the owner may still create in the public database")
		}
		rows, err := lab.Connect(t, site.ReaderURL(public)).Exec(t.Context(), "SELECT * FROM registry.lab")
		if err == nil {
			t.Errorf("the reader reads rows: %s", rows)
		}
	})
}

// mostRounds is how often sessions may be ended while a swap waits: a round is
// 20 ms, and up to 50 more for each of two databases whose sessions take their
// time to end, so these are less than a second. Events are counted, not time: a
// slow machine makes fewer rounds, never more.
const mostRounds = 8

// TestPublishCountsRounds: what the other tests count is there when a swap is
// blocked for longer than they allow.
func TestPublishCountsRounds(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	server := connect(t, site.URL)
	site.Template(t, "")
	attempt := site.Names.Attempt(7, 1, 1)
	clone(t, site, server, site.Names.Template, attempt)
	stays := lab.Connect(t, site.SuperURL(attempt)) // the service role may not end it
	leave := time.AfterFunc(2500*time.Millisecond, func() { _ = stays.Close(context.Background()) })
	defer leave.Stop()
	if swap, err := server.Publish(t.Context(), publication(site, attempt)); err != nil || swap.Rounds <= mostRounds {
		t.Errorf("a swap that was blocked for 2.5 s: %+v, %v", swap, err)
	}
}

// TestPublishUnderReaders swaps again and again while readers reconnect: each
// sees a complete structure, the old or the new one.
func TestPublishUnderReaders(t *testing.T) {
	swaps := 100
	if testing.Short() {
		swaps = 10
	}
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE SCHEMA registry; CREATE TABLE registry.a (id int); CREATE TABLE registry.b (id int)")
		first, other := site.Names.Attempt(7, 1, 1), site.Names.Attempt(7, 1, 2)
		clone(t, site, server, site.Names.Template, first)
		clone(t, site, server, site.Names.Template, other)
		site.Super(t, other, "ALTER TABLE registry.a RENAME TO c; ALTER TABLE registry.b RENAME TO d")
		if _, err := server.Publish(t.Context(), publication(site, first)); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		seen := make([]int, 4)
		for i := range seen {
			readers.Go(func() { seen[i] = readUntil(ctx, t, site) })
		}
		most := 0
		for i := range swaps {
			swap, err := server.Publish(t.Context(), publication(site, other))
			if err != nil || !swap.Replaced {
				t.Fatalf("swap %d: %+v, %v", i, swap, err)
			}
			most = max(most, swap.Rounds)
		}
		stop()
		readers.Wait()
		t.Logf("%d swaps, which waited for %d rounds at most; complete reads %v", swaps, most, seen)
		if most > mostRounds {
			t.Errorf("a swap waited for %d rounds", most)
		}
		if slices.Min(seen) == 0 {
			t.Error("a reader has read nothing")
		}
	})
}

// passing: a session is ended, or the name is gone for a moment.
func passing(err error) bool {
	var fault *pgconn.PgError
	return !errors.As(err, &fault) || slices.Contains([]string{"57P01", "3D000", "55006"}, fault.Code)
}

// readUntil connects and reads again and again, and wants one structure or the
// other, whole.
func readUntil(ctx context.Context, t *testing.T, site *lab.Site) (complete int) {
	for ctx.Err() == nil {
		conn, err := pgx.Connect(ctx, site.ReaderURL(site.Names.Candidate(7)))
		for tables := ""; err == nil; {
			err = conn.QueryRow(ctx, "SELECT string_agg(relname::text, ' ' ORDER BY relname) FROM pg_catalog.pg_class WHERE relnamespace = 'registry'::regnamespace").Scan(&tables)
			if err == nil && tables != "a b" && tables != "c d" {
				t.Errorf("a reader saw %s", tables)
			}
			if err == nil {
				complete++
			}
			time.Sleep(time.Millisecond) // leaves the other tests some of the processor
		}
		if ctx.Err() == nil && !passing(err) {
			t.Errorf("a reader: %v", err)
		}
		if conn != nil {
			conn.Close(context.Background())
		}
	}
	return complete
}

func TestPublishUnderSuperuser(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 18)
	server := connect(t, site.URL)
	site.Template(t, "")
	attempt := site.Names.Attempt(7, 1, 1)
	clone(t, site, server, site.Names.Template, attempt)
	lab.Connect(t, site.SuperURL(attempt))
	_, err := server.Publish(t.Context(), publication(site, attempt))
	if kindOf(err) != change.KindInfrastructure {
		t.Errorf("a superuser's session: %v", err)
	}
	if left, err := server.Database(t.Context(), attempt); err != nil || left == nil || !left.AllowConnections {
		t.Errorf("the attempt is not as it was: %+v, %v", left, err)
	}
}

// TestNamesOf63Bytes runs an attempt's life under the longest names.
func TestNamesOf63Bytes(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "")
		site.Names.Prefix = (site.Names.Prefix + "0123456789012345678901234")[:26] + "-"
		if faults := site.Names.Faults(); len(faults) > 0 {
			t.Fatal(faults)
		}
		attempt := site.Names.Attempt(9999999999, 9999999999, 0xffffffff)
		role := site.Names.Login(attempt)
		if len(role) != 63 {
			t.Fatalf("%s has %d bytes, want 63", role, len(role))
		}
		clone(t, site, server, site.Names.Template, attempt)
		login := created(t, server, pg.NewLogin(role, attempt, site.OwnerRole), limits)
		if err := server.DropLogin(t.Context(), *login); err != nil {
			t.Error(err)
		}
		p := publication(site, attempt)
		p.Public = site.Names.Candidate(9999999999)
		if _, err := server.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		clone(t, site, server, site.Names.Template, attempt)
		if swap, err := server.Publish(t.Context(), p); err != nil || !swap.Replaced {
			t.Errorf("%+v, %v", swap, err)
		}
		for _, name := range []string{attempt, p.Public} {
			if err := server.Drop(t.Context(), site.Names, name); err != nil {
				t.Error(err)
			}
		}
	})
}
