package pg_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func readers(t *testing.T, c pg.ReadersConfig) *pg.Readers {
	t.Helper()
	r, err := pg.NewReaders(c, "DATABASE_URL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// oid reads which database a session is in.
func oid(ctx context.Context, r *pg.Readers, database string) (oid uint32, err error) {
	err = r.Read(ctx, database, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT oid FROM pg_database WHERE datname = current_database()").Scan(&oid)
	})
	return oid, err
}

func TestReadersRefuse(t *testing.T) {
	t.Parallel()
	_, err := pg.NewReaders(pg.ReadersConfig{URL: "postgres://reader:geheim@h:port/x"}, "PATCHBAY_MASTER_URL")
	if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Message, "PATCHBAY_MASTER_URL") || strings.Contains(f.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
	site := lab.Postgres(t, 15)
	site.Template(t, "CREATE SCHEMA registry")
	r := readers(t, pg.ReadersConfig{URL: site.ReaderURL("x")})
	began := time.Now()
	if _, err := oid(t.Context(), r, "no-such"); !errors.Is(err, pg.ErrNoDatabase) || time.Since(began) > time.Second {
		t.Errorf("no such database: %v after %v", err, time.Since(began))
	}
	_, err = oid(t.Context(), r, site.AdminDatabase())
	if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, "CONNECT") {
		t.Errorf("no right to enter: %v", err)
	}
	err = r.Read(t.Context(), site.Names.Template, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE TEMPORARY TABLE t (x int)")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a reader wrote: %v", err)
	}
	if err := r.Read(t.Context(), site.Names.Template, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT pg_sleep(30)")
		return err
	}); err == nil || change.AsFailure(err).SQLState != "57014" {
		t.Errorf("no statement timeout: %v", err)
	}
	down := readers(t, pg.ReadersConfig{URL: "postgres://x:geheim@127.0.0.1:1/x"})
	_, err = oid(t.Context(), down, "x")
	if f := change.AsFailure(err); f.Kind != change.KindInfrastructure || strings.Contains(f.Error(), "geheim") {
		t.Errorf("a server that is down: %v", err)
	}
}

// TestReadersSurviveSwaps: while a database is replaced again and again, every
// read gets the old one or the new one, none is answered by an error, and no
// swap is kept waiting.
func TestReadersSurviveSwaps(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			site := lab.Postgres(t, version)
			site.Template(t, "CREATE SCHEMA registry")
			server, err := pg.Connect(t.Context(), pg.Config{URL: site.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close(context.Background())
			publish := func(i int) (rounds int) {
				attempt := site.Names.Attempt(7, 1, uint32(2*i+1))
				retired := site.Names.Attempt(7, 1, uint32(2*i+2))
				must(t, server.Clone(t.Context(), site.Names.Template, attempt, pg.Access{Owner: site.OwnerRole, Comment: fmt.Sprint(i)}, nil))
				swap, err := server.Publish(t.Context(), pg.Publication{
					Attempt: attempt, Public: site.Names.Candidate(7), Retired: retired, Comment: fmt.Sprint(i), Owner: site.OwnerRole, Reader: site.ReaderRole,
				})
				must(t, err)
				if swap.Replaced {
					must(t, server.Drop(t.Context(), site.Names, retired))
				}
				return swap.Rounds
			}
			publish(0)
			r := readers(t, pg.ReadersConfig{URL: site.ReaderURL("x"), Idle: time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			var reads atomic.Int64
			var running sync.WaitGroup
			for range 20 { // more than there are sessions: some wait for one
				running.Go(func() {
					for ctx.Err() == nil {
						if _, err := oid(ctx, r, site.Names.Candidate(7)); err != nil && ctx.Err() == nil {
							t.Error(err)
							return
						}
						reads.Add(1)
					}
				})
			}
			most := 0
			for i := 1; i <= 15; i++ {
				most = max(most, publish(i))
			}
			cancel()
			running.Wait()
			if most > mostRounds {
				t.Errorf("a swap had to wait for %d rounds", most)
			}
			if reads.Load() < 100 {
				t.Errorf("only %d reads", reads.Load())
			}
			must(t, server.Drop(t.Context(), site.Names, site.Names.Candidate(7)))
			if _, err := oid(t.Context(), r, site.Names.Candidate(7)); !errors.Is(err, pg.ErrNoDatabase) {
				t.Errorf("dropped: %v", err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadersKeepFew: pools are bounded and are closed when nobody uses them.
func TestReadersKeepFew(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	site.Template(t, "")
	for i := range 6 {
		site.Super(t, "postgres", fmt.Sprintf("CREATE DATABASE %s", pg.Ident(site.Names.Candidate(i))))
	}
	r := readers(t, pg.ReadersConfig{URL: site.ReaderURL("x"), Pools: 3, Connections: 2, Idle: 300 * time.Millisecond})
	for range 3 {
		for i := range 6 {
			if _, err := oid(t.Context(), r, site.Names.Candidate(i)); err != nil {
				t.Fatal(err)
			}
			if pools, sessions := r.Open(); pools > 3 || sessions > 6 {
				t.Errorf("%d pools, %d sessions", pools, sessions)
			}
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		pools, _ := r.Open()
		conn := lab.Connect(t, site.SuperURL("postgres"))
		sessions := 0
		must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", site.ReaderRole).Scan(&sessions))
		conn.Close(t.Context())
		if pools == 0 && sessions == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d pools, %d sessions are left open", pools, sessions)
		}
	}
}

// TestReadersBound: many who read in many databases at once keep no more of
// them open than is said, and all have their turn.
func TestReadersBound(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	site.Template(t, "")
	for i := range 6 {
		site.Super(t, "postgres", fmt.Sprintf("CREATE DATABASE %s", pg.Ident(site.Names.Candidate(i))))
	}
	const most = 2
	r := readers(t, pg.ReadersConfig{URL: site.ReaderURL("x"), Pools: most, Connections: 2})
	var mu sync.Mutex
	inside, reads := map[int]int{}, map[int]int{}
	step := func(database, by int) {
		mu.Lock()
		defer mu.Unlock()
		if inside[database] += by; inside[database] == 0 {
			delete(inside, database)
			reads[database]++
		}
		if len(inside) > most {
			t.Errorf("sessions of %v at once", inside)
		}
	}
	var running sync.WaitGroup
	for i := range 24 {
		running.Go(func() {
			for k := range 5 {
				database := (i + k) % 6
				if err := r.Read(t.Context(), site.Names.Candidate(database), func(ctx context.Context, conn *pgx.Conn) error {
					step(database, 1)
					defer step(database, -1)
					_, err := conn.Exec(ctx, "SELECT pg_sleep(0.02)")
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	if len(reads) != 6 {
		t.Errorf("reads %v", reads)
	}
	inUse, leave := make(chan bool), make(chan bool)
	for i := range most { // all in use for as long as somebody likes
		running.Go(func() {
			if err := r.Read(t.Context(), site.Names.Candidate(i), func(context.Context, *pgx.Conn) error { inUse <- true; <-leave; return nil }); err != nil {
				t.Error(err)
			}
		})
		<-inUse
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := oid(ctx, r, site.Names.Candidate(5)); err == nil || ctx.Err() == nil {
		t.Errorf("a third database: %v", err)
	}
	close(leave)
	running.Wait()
	if _, err := oid(t.Context(), r, site.Names.Candidate(5)); err != nil {
		t.Errorf("when there is room: %v", err)
	}
}
