package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Conn is a session, for those who read by Readers.
type Conn = pgx.Conn

// ReadersConfig says how a reader reaches the databases of one server. Every
// field but URL has a default.
type ReadersConfig struct {
	URL              string        // server and login; its database is replaced
	Application      string        // application_name
	Connections      int           // to one database at once; 0 means 4
	Pools            int           // databases with open connections at once; 0 means 8
	StatementTimeout time.Duration // 0 means 10 s
	Idle             time.Duration // after which connections are closed; 0 means 30 s
	Patience         time.Duration // how long a swap is waited for; 0 means 2 s
}

// Readers lends read-only sessions of a reader in any database of a server.
// There is a small pool per database. It never stands in the way of whoever
// renames or drops a database: its sessions may be ended at any moment, and
// what was being read is then read again, whole, from the database that bears
// the name now.
type Readers struct {
	config *pgxpool.Config
	c      ReadersConfig

	mu     sync.Mutex
	closed bool
	pools  map[string]*readerPool
	lost   map[string]time.Time // when the sessions of a database were ended that has no new pool yet
	stop   chan struct{}
	done   sync.WaitGroup
}

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

// NewReaders connects to nothing yet. A URL that cannot be read is a
// configuration failure that names the variable.
func NewReaders(c ReadersConfig, variable string) (*Readers, error) {
	c = c.withDefaults()
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		// The driver's text quotes the URL; its redaction misses broken ones.
		return nil, change.Failf(change.KindConfiguration, "%s cannot be read as a PostgreSQL connection string", variable).
			WithHint("want postgres://user:password@host:5432/database?sslmode=verify-full, with special characters of the password percent-encoded")
	}
	conn := config.ConnConfig
	conn.ConnectTimeout = min(orTime(conn.ConnectTimeout, 5*time.Second), 5*time.Second)
	conn.DialFunc = dialer.DialContext
	conn.RuntimeParams = sessionParameters(map[string]string{"application_name": c.Application})
	conn.RuntimeParams["default_transaction_read_only"] = "on"
	conn.RuntimeParams["statement_timeout"] = milliseconds(c.StatementTimeout)
	conn.RuntimeParams["idle_in_transaction_session_timeout"] = milliseconds(2 * c.StatementTimeout)
	conn.MaxProtocolMessageBodyLen = maxBody
	config.MinConns, config.MaxConns = 0, int32(c.Connections) //nolint:gosec // a setting below 1000
	config.MaxConnIdleTime, config.HealthCheckPeriod = c.Idle, max(c.Idle/2, time.Second)
	r := &Readers{config: config, c: c, pools: map[string]*readerPool{}, lost: map[string]time.Time{}, stop: make(chan struct{})}
	r.done.Go(r.tidy)
	return r, nil
}

func (c ReadersConfig) withDefaults() ReadersConfig {
	c.Connections, c.Pools = orInt(c.Connections, 4), orInt(c.Pools, 8)
	c.StatementTimeout = orTime(c.StatementTimeout, 10*time.Second)
	c.Idle, c.Patience = orTime(c.Idle, 30*time.Second), orTime(c.Patience, 2*time.Second)
	return c
}

func orInt(value, other int) int {
	if value == 0 {
		return other
	}
	return value
}

func orTime(value, other time.Duration) time.Duration {
	if value == 0 {
		return other
	}
	return value
}

// Database is the one that the URL names; "" when it names none.
func (r *Readers) Database() string { return r.config.ConnConfig.Database }

// User is the reader.
func (r *Readers) User() string { return r.config.ConnConfig.User }

// Address is the server's host and port.
func (r *Readers) Address() string {
	return net.JoinHostPort(r.config.ConnConfig.Host, strconv.Itoa(int(r.config.ConnConfig.Port)))
}

// Close ends all sessions and waits for those at work.
func (r *Readers) Close() {
	r.mu.Lock()
	pools := r.pools
	r.pools = map[string]*readerPool{}
	if !r.closed {
		r.closed = true
		close(r.stop)
	}
	r.mu.Unlock()
	for _, pool := range pools {
		pool.end()
	}
	r.done.Wait()
}

// Read lends a session in a database to fn. When the session is lost because
// the database was swapped, fn runs again in the database that has the name
// then, for up to two seconds: fn must not keep what an earlier call has read.
// ErrNoDatabase says that there is none of that name. What fn itself returns
// is returned as it is; errors of the server are classified.
func (r *Readers) Read(ctx context.Context, database string, fn func(context.Context, *pgx.Conn) error) error {
	var deadline time.Time // counts from the first loss: what was read before may have taken its time
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := r.readOnce(ctx, database, fn)
		if deadline.IsZero() {
			deadline = time.Now().Add(r.c.Patience)
		}
		if err == nil || !swapped(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return r.failure(ctx, err, database)
		}
		if err := sleep(ctx, pause); err != nil {
			return r.failure(ctx, err, database)
		}
	}
}

func (r *Readers) readOnce(ctx context.Context, database string, fn func(context.Context, *pgx.Conn) error) (err error) {
	pool, err := r.pool(ctx, database)
	if err != nil {
		return err
	}
	defer pool.users.Done()
	defer func() {
		if swapped(err) || state(err) == invalidCatalogName {
			lost := state(err) == sessionEnded || state(err) == "" // a session that was idle may just be gone
			r.forget(database, pool, lost)
		}
	}()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return fn(ctx, conn.Conn())
}

// swapped says that an error is what a reader meets while its database is
// renamed, replaced, dropped or closed: the session was ended (57P01), the
// name moved on while it connected (3D000 with a detail), nobody may enter for
// now (55006, 55000), or the connection broke.
func swapped(err error) bool {
	var fault *pgconn.PgError
	if errors.As(err, &fault) {
		switch fault.Code {
		case sessionEnded, objectInUse, "55000":
			return true
		case invalidCatalogName: // a name that is simply not there has no detail
			return fault.Detail != ""
		}
		return false
	}
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) { // nobody answers: that is no swap
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	var op *net.OpError
	return errors.Is(err, errEnding) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, net.ErrClosed)
}

func (r *Readers) failure(ctx context.Context, err error, database string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return Classify(err)
	case state(err) == invalidCatalogName:
		return fmt.Errorf("database %q: %w", database, ErrNoDatabase)
	}
	var failure *change.Failure
	if errors.As(err, &failure) {
		return err
	}
	classified := Classify(err)
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) && state(err) == "" {
		classified = change.Failf(change.KindInfrastructure, "reach database %q at %s: %w", database, r.Address(), network(err))
	}
	if state(err) == insufficientRight {
		classified.Hint = fmt.Sprintf("the reader %q needs CONNECT on database %s and nothing else", r.User(), Ident(database))
	}
	return classified
}

// pool gives the database's pool, made when there is none. Then the one that
// was not used for the longest time makes room.
// The caller is one of its users.
func (r *Readers) pool(ctx context.Context, database string) (*readerPool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, change.Failf(change.KindCancelled, "the server is stopping")
	}
	if found := r.pools[database]; found != nil {
		found.used = time.Now()
		found.users.Add(1)
		return found, nil
	}
	for len(r.pools) >= r.c.Pools {
		r.drop(r.oldest())
	}
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
		r.done.Go(pool.end)
	}
}

// end closes a pool that is not lent any more, after its last user.
func (p *readerPool) end() {
	p.users.Wait()
	p.Close()
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

// Open counts databases with a pool, and sessions.
func (r *Readers) Open() (pools, sessions int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pool := range r.pools {
		sessions += int(pool.Stat().TotalConns())
	}
	return len(r.pools), sessions
}
