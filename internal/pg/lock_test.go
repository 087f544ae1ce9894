package pg_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func TestLock(t *testing.T) {
	onEach(t, func(t *testing.T, _ *lab.Site, server *pg.Server) {
		first, err := server.Lock(t.Context(), "registry-dev-7", time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Held(t.Context()); err != nil {
			t.Error(err)
		}
		if lock, err := server.TryLock(t.Context(), "registry-dev-7"); err != nil || lock != nil {
			t.Errorf("a held lock was taken: %v, %v", lock, err)
		}
		if _, err := server.Lock(t.Context(), "registry-dev-7", 300*time.Millisecond, nil); kindOf(err) != change.KindInfrastructure {
			t.Errorf("after the timeout: %v", err)
		}
		other, err := server.TryLock(t.Context(), "registry-dev-8")
		if err != nil || other == nil {
			t.Fatalf("another name's lock: %v, %v", other, err)
		}
		other.Release()
		first.Release()
		again, err := server.Lock(t.Context(), "registry-dev-7", 5*time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		again.Release()
	})
}

func TestLockTellsAndIsCancelled(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 18)
	server := connect(t, site.URL)
	holder, err := server.Lock(t.Context(), "x", time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Release()
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err = server.Lock(ctx, "x", time.Minute, func(held time.Duration) {
		told++
		if held < 4*time.Second {
			t.Errorf("told after %s", held)
		}
		cancel()
	})
	if kindOf(err) != change.KindCancelled || told != 1 {
		t.Errorf("told %d times, then %v", told, err)
	}
}

func TestLockExcludes(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	server := connect(t, site.URL)
	var inside atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			lock, err := server.Lock(t.Context(), "x", time.Minute, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if inside.Add(1) != 1 {
				t.Error("two hold one lock")
			}
			time.Sleep(5 * time.Millisecond)
			inside.Add(-1)
			lock.Release()
		})
	}
	all.Wait()
}

func TestLockLost(t *testing.T) {
	t.Parallel()
	site := lab.Postgres(t, 15)
	server := connect(t, site.URL)
	lock, err := server.Lock(t.Context(), "x", time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	site.Super(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = '"+site.AdminDatabase()+"')")
	if err := lock.Held(t.Context()); kindOf(err) != change.KindInfrastructure {
		t.Errorf("a lost lock says %v", err)
	}
}
