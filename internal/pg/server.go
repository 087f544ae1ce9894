package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// oldest is the oldest server that works: CREATE DATABASE … STRATEGY and
// GRANT SET ON PARAMETER came with it.
const oldest = 15

// Config says how the service role reaches its server.
type Config struct {
	URL           string // a URL or libpq's keyword form; "" means libpq's PG* variables
	AdminDatabase string // "" means the database of the URL
	SSLRootCert   string // PGSSLROOTCERT: named by Endpoint when the URL names none
	WillLock      bool   // the session of the first Lock is opened at once, beside the admin session
	WillLookAt    string // the first Fingerprint of this database is taken at once; "" none
}

// Server is a PostgreSQL server as its service role sees it. Its methods may
// be called at the same time; they share one session in the admin database,
// which is opened again when it was lost.
type Server struct {
	config   *pgx.ConnConfig // of the admin database
	endpoint Endpoint
	version  int // as server_version_num: 150014

	mu    sync.Mutex
	admin *pgx.Conn
	ahead chan *pgx.Conn   // gives the session opened for the first Lock, nil when there is none
	early chan fingerprint // gives what was taken at once, nil when nothing was
}

// Connect opens the admin session. A server that is down or refuses the login
// is an infrastructure failure, a bad URL or an old server a configuration
// one; no failure ever carries the password.
func Connect(ctx context.Context, c Config) (*Server, error) {
	config, err := parse(c)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, endpoint: endpointOf(config, c)}
	if c.WillLock {
		s.openAhead(ctx)
	}
	if c.WillLookAt != "" {
		s.lookEarly(ctx, c.WillLookAt)
	}
	s.admin, err = s.open(ctx, config)
	if err == nil {
		err = s.readVersion(ctx)
	}
	if err != nil {
		s.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return s, nil
}

func parse(c Config) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		// The driver's text quotes the URL; its redaction misses broken ones.
		return nil, change.Failf(change.KindConfiguration, "DATABASE_URL (or PG* variables) cannot be read as a PostgreSQL connection string").
			WithHint("want postgres://user:password@host:5432/database?sslmode=verify-full, with special characters of the password percent-encoded")
	}
	if c.AdminDatabase != "" {
		config.Database = c.AdminDatabase
	}
	if config.Database == "" {
		config.Database = config.User // libpq's default
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 15 * time.Second
	}
	config.DialFunc = dialer.DialContext
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // one round trip: hardly a statement runs twice
	config.RuntimeParams = sessionParameters(config.RuntimeParams)
	return config, nil
}

// dialer notices within a minute that the other side is gone.
var dialer = &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
	Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
}}

// sessionParameters are those of every session of the service role. The empty
// search path keeps objects that a candidate put into a schema out of reach;
// the keepalives let the server notice that we are gone, and free our locks.
func sessionParameters(given map[string]string) map[string]string {
	parameters := map[string]string{
		"application_name": "patchbay", "search_path": "pg_catalog", "jit": "off",
		"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3",
		"idle_session_timeout": "0",
	}
	if name := given["application_name"]; name != "" {
		parameters["application_name"] = name
	}
	return parameters
}

// open opens a session and says in our words why it could not.
func (s *Server) open(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		return conn, nil
	}
	where := fmt.Sprintf("database %q at %s", config.Database, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))))
	switch state(err) {
	case "":
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, Classify(ctx.Err())
		}
		return nil, change.Failf(change.KindInfrastructure, "reach %s: %w", where, network(err))
	case invalidCatalogName:
		return nil, change.Failf(change.KindConfiguration, "%s does not exist: %w", where, ErrNoDatabase).
			WithHint("check the database of DATABASE_URL and PATCHBAY_ADMIN_DATABASE")
	}
	failure := Classify(err)
	failure.Message = "reach " + where + ": " + failure.Message
	return nil, failure
}

func (s *Server) readVersion(ctx context.Context) error {
	if err := s.admin.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&s.version); err != nil {
		return Classify(err)
	}
	if s.Version() < oldest {
		return change.Failf(change.KindConfiguration, "the server is PostgreSQL %d", s.Version()).
			WithHint("patchbay needs PostgreSQL %d or newer", oldest)
	}
	return nil
}

// openAhead opens the session of the first Lock. Why it could not be opened
// says the next try.
func (s *Server) openAhead(ctx context.Context) {
	ahead := make(chan *pgx.Conn, 1)
	s.ahead = ahead
	go func() {
		conn, _ := s.open(ctx, s.config)
		ahead <- conn
		close(ahead)
	}()
}

// another opens a session beside the admin session, or gives the one that was
// opened ahead, once.
func (s *Server) another(ctx context.Context) (*pgx.Conn, error) {
	if s.ahead != nil {
		if conn := <-s.ahead; conn != nil {
			return conn, nil
		}
	}
	return s.open(ctx, s.config)
}

// Close ends the admin session.
func (s *Server) Close(ctx context.Context) {
	if s.ahead != nil {
		if conn := <-s.ahead; conn != nil {
			conn.Close(ctx)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.admin != nil {
		s.admin.Close(ctx) // the session is over either way
	}
}

// User is the service role.
func (s *Server) User() string { return s.config.User }

// Version is the server's major version.
func (s *Server) Version() int { return s.version / 10000 }

// VersionNumber is the server's server_version_num: 150014 is 15.14.
func (s *Server) VersionNumber() int { return s.version }

// withAdmin lends the admin session, opened again if it was lost.
func (s *Server) withAdmin(ctx context.Context, fn func(*pgx.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.admin == nil || s.admin.IsClosed() {
		conn, err := s.open(ctx, s.config)
		if err != nil {
			return err
		}
		s.admin = conn
	}
	return fn(s.admin)
}

// exec runs one statement in the admin session; the error is the driver's.
func (s *Server) exec(ctx context.Context, sql string) error {
	return s.withAdmin(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

// transaction runs the statements in the admin session, all or none: several in
// one message are one transaction
// (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT).
func (s *Server) transaction(ctx context.Context, statements ...string) error {
	return s.exec(ctx, strings.Join(statements, ";\n"))
}

// Now is the server's clock.
func (s *Server) Now(ctx context.Context) (now time.Time, err error) {
	err = s.withAdmin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	})
	if err != nil {
		return now, fmt.Errorf("ask for the server's time: %w", Classify(err))
	}
	return now, nil
}

// Catalog opens a session of the service role in a database, for reading
// pg_catalog and nothing else. The caller closes it.
func (s *Server) Catalog(ctx context.Context, database string) (*pgx.Conn, error) {
	config := s.config.Copy()
	config.Database = database
	config.RuntimeParams["default_transaction_read_only"] = "on"
	config.RuntimeParams["statement_timeout"] = "60s"
	return s.open(ctx, config)
}
