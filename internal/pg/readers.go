package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
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
	Pools            int           // databases with open connections at once; 0 means 8; who wants one more waits
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

	mu      sync.Mutex
	closed  bool
	pools   map[string]*readerPool
	open    int                  // pools that may have sessions: those, and the ones that end when their last user leaves
	waiting int                  // for one of them to end
	ended   chan struct{}        // closed and made anew when one has
	lost    map[string]time.Time // when the sessions of a database were ended that has no new pool yet
	stop    chan struct{}
	done    sync.WaitGroup
}

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
	r := &Readers{config: config, c: c, pools: map[string]*readerPool{}, lost: map[string]time.Time{}, ended: make(chan struct{}), stop: make(chan struct{})}
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
		r.end(pool)
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

func (r *Readers) readOnce(ctx context.Context, database string, fn func(context.Context, *pgx.Conn) error) error {
	pool, err := r.pool(ctx, database)
	if err != nil {
		return err
	}
	defer pool.users.Done()
	conn, err := pool.Acquire(ctx)
	if err == nil {
		defer conn.Release() // when the pool is forgotten: who waits for a session must not open one in place of this
		err = fn(ctx, conn.Conn())
	}
	if swapped(err) || state(err) == invalidCatalogName {
		lost := state(err) == sessionEnded || state(err) == "" // a session that was idle may just be gone
		r.forget(database, pool, lost)
	}
	return err
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
