package pg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/patchbay-ci/patchbay/internal/change"
)

type readerPool struct {
	*pgxpool.Pool
	opens  time.Time   // nobody connects before
	ending atomic.Bool // nobody connects any more
	used   time.Time
	users  sync.WaitGroup // who read in it or wait for a session
}

// errEnding is for those who wait for a session when theirs is the one that
// finds the database swapped.
var errEnding = errors.New("the database was swapped")

func (p *readerPool) beforeConnect(ctx context.Context, _ *pgx.ConnConfig) error {
	if p.ending.Load() {
		return errEnding
	}
	return sleep(ctx, time.Until(p.opens))
}

// settling is how long a database whose sessions were ended is left alone. The
// swap that ended them is not through: whoever is in again before it has the
// lock makes PostgreSQL's RENAME sleep for its 100 ms before it looks again.
const settling = 25 * time.Millisecond

// pool gives the database's pool, made when there is none and room for it. Then
// those that were not used for the longest time end, one for each who waits,
// when their last users leave. The caller is one of its users.
func (r *Readers) pool(ctx context.Context, database string) (*readerPool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.closed {
			return nil, change.Failf(change.KindCancelled, "the server is stopping")
		}
		if found := r.pools[database]; found != nil {
			found.used = time.Now()
			found.users.Add(1)
			return found, nil
		}
		if r.open < r.c.Pools {
			return r.add(ctx, database)
		}
		if err := r.await(ctx); err != nil {
			return nil, err
		}
	}
}

// await waits until a pool has ended. r.mu is held, but not meanwhile.
func (r *Readers) await(ctx context.Context) error {
	r.waiting++
	defer func() { r.waiting-- }()
	if r.open-len(r.pools) < r.waiting && len(r.pools) > 0 {
		r.drop(r.oldest())
	}
	ended := r.ended
	r.mu.Unlock()
	defer r.mu.Lock()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add makes a pool. r.mu is held.
func (r *Readers) add(ctx context.Context, database string) (*readerPool, error) {
	config := r.config.Copy()
	config.ConnConfig.Database = database
	made := &readerPool{used: time.Now(), opens: r.lost[database].Add(settling)}
	config.BeforeConnect = made.beforeConnect
	var err error
	if made.Pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		return nil, fmt.Errorf("make a pool: %w", err)
	}
	delete(r.lost, database)
	made.users.Add(1)
	r.pools[database] = made
	r.open++
	return made, nil
}

func (r *Readers) oldest() (database string) {
	for name, pool := range r.pools {
		if database == "" || pool.used.Before(r.pools[database].used) {
			database = name
		}
	}
	return database
}

// drop closes a pool without waiting for what is read in it. r.mu is held.
func (r *Readers) drop(database string) {
	pool := r.pools[database]
	delete(r.pools, database)
	if pool != nil {
		r.done.Go(func() { r.end(pool) })
	}
}

// end closes a pool that is not lent any more, after its last user.
func (r *Readers) end(pool *readerPool) {
	pool.users.Wait()
	pool.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	close(r.ended)
	r.ended = make(chan struct{})
}

// forget closes a pool whose name means another database now, or will as soon
// as the swap that has ended its session is through.
func (r *Readers) forget(database string, pool *readerPool, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pools[database] != pool {
		return
	}
	pool.ending.Store(true)
	r.drop(database)
	if lost {
		r.lost[database] = time.Now()
	}
}

// tidy closes the pools that nobody used for a while.
func (r *Readers) tidy() {
	tick := time.NewTicker(max(r.c.Idle/4, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case now := <-tick.C:
			r.dropIdle(now)
		}
	}
}

func (r *Readers) dropIdle(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.lost, func(_ string, when time.Time) bool { return now.Sub(when) > settling })
	for database, pool := range r.pools {
		if now.Sub(pool.used) > r.c.Idle && pool.Stat().AcquiredConns() == 0 {
			r.drop(database)
		}
	}
}

// Open counts databases with a pool, and sessions, but for those that are being
// closed.
func (r *Readers) Open() (pools, sessions int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pool := range r.pools {
		sessions += int(pool.Stat().TotalConns())
	}
	return len(r.pools), sessions
}
