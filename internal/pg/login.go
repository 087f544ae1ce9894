package pg

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Login is a throw-away role that works on one database, made and dropped
// inside one step. Password is a secret.
type Login struct {
	Role     string
	Password string
	Database string
	Owner    string // whom it works as
}

// LoginLimits bound a throw-away login. The timeouts are defaults that it can
// lift; ValidFor, Connections and TempFileLimit it cannot.
type LoginLimits struct {
	ValidFor         time.Duration // how long it can log in
	Connections      int
	StatementTimeout time.Duration
	LockTimeout      time.Duration
	TempFileLimit    string // "1GB"; "" none
}

// NewLogin draws the password of a login that CreateLogin is to make.
func NewLogin(role, database, owner string) Login {
	return Login{Role: role, Password: rand.Text(), Database: database, Owner: owner}
}

// CreateLogin makes a role that can enter one database and works there as the
// owner role. It owns nothing and inherits nothing. A role of that name left
// by a killed run is dropped first.
func (s *Server) CreateLogin(ctx context.Context, login Login, limits LoginLimits) error {
	if len(login.Role) > maxName {
		return change.Failf(change.KindConfiguration, "role name %q is longer than %d bytes", login.Role, maxName)
	}
	if err := s.DropLogin(ctx, login); err != nil {
		return err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	verifier, err := scramVerifier(login.Password)
	if err != nil {
		return fmt.Errorf("make a password for %s: %w", login.Role, err)
	}
	if err := s.transaction(ctx, s.loginStatements(login, verifier, now.Add(limits.ValidFor), limits)...); err != nil {
		return fmt.Errorf("create login %s: %w", login.Role, Classify(err))
	}
	return nil
}

func (s *Server) loginStatements(l Login, verifier string, until time.Time, limits LoginLimits) []string {
	role, database := Ident(l.Role), Ident(l.Database)
	set := "ALTER ROLE " + role + " IN DATABASE " + database + " SET "
	statements := []string{
		fmt.Sprintf("CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION PASSWORD %s VALID UNTIL %s CONNECTION LIMIT %d",
			role, Literal(verifier), Literal(until.Format(time.RFC3339)), limits.Connections),
		"GRANT " + Ident(l.Owner) + " TO " + role + s.memberOptions(),
		"GRANT CONNECT ON DATABASE " + database + " TO " + role,
		set + "role = " + Literal(l.Owner),
		set + "statement_timeout = " + milliseconds(limits.StatementTimeout),
		set + "lock_timeout = " + milliseconds(limits.LockTimeout),
		// What gives the database its name later commits and flushes the log
		// up to there; until then nothing that a crash takes is missed.
		set + "synchronous_commit = off",
	}
	if limits.TempFileLimit != "" {
		statements = append(statements, set+"temp_file_limit = "+Literal(limits.TempFileLimit))
	}
	return statements
}

// memberOptions: before 16 a NOINHERIT role says the same.
func (s *Server) memberOptions() string {
	if s.Version() < 16 {
		return ""
	}
	return " WITH INHERIT FALSE, SET TRUE, ADMIN FALSE"
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// ConnectAs opens a session of a throw-away login in its database, by the
// way that the service role itself goes. The caller closes it.
func (s *Server) ConnectAs(ctx context.Context, l Login) (*pgx.Conn, error) {
	return s.open(ctx, s.ConfigFor(l))
}

// maxBody is the longest message, in bytes, that is taken from the server in
// a session that runs what a candidate wrote: it could raise an error of
// hundreds of megabytes, and each would be held in memory.
const maxBody = 64 << 20

// ConfigFor is what ConnectAs connects with, for database/sql. A message of
// the server over 64 MiB ends the session with pgproto3.ExceededMaxBodyLenErr.
func (s *Server) ConfigFor(l Login) *pgx.ConnConfig {
	config := s.config.Copy()
	config.User, config.Password, config.Database = l.Role, l.Password, l.Database
	config.MaxProtocolMessageBodyLen = maxBody
	delete(config.RuntimeParams, "search_path")
	delete(config.RuntimeParams, "jit")
	return config
}

// URLFor is the login's connection string. It holds the password.
func (s *Server) URLFor(l Login) string {
	e := s.endpoint
	query := url.Values{"sslmode": {e.SSLMode}}
	if e.SSLRootCert != "" {
		query.Set("sslrootcert", e.SSLRootCert)
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(l.Role, l.Password), Path: "/" + l.Database,
		Host: net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port))),
	}
	if e.Socket {
		u.Host = ""
		query.Set("host", e.Host)
		query.Set("port", strconv.Itoa(int(e.Port)))
	}
	u.RawQuery = query.Encode()
	return u.String()
}
