package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresServer is a running server of one major version. All its TCP
// connections authenticate by scram-sha-256; there is no Unix socket.
type PostgresServer struct {
	Version  int    `json:"version"` // 15 or 18
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Dir      string `json:"dir"`      // data directory and log; removed by Stop
	Password string `json:"password"` // of the superuser "postgres"
	PID      int    `json:"pid"`
	TLS      bool   `json:"tls"` // takes no other connections

	installation installation
}

// StartPostgres gives the shared server of a version, starting it when it
// does not run. It keeps running after this process, until Stop.
func StartPostgres(ctx context.Context, version int) (*PostgresServer, error) {
	return startPostgres(ctx, version, "postgres-"+strconv.Itoa(version), dataPlace, quick)
}

// StartDurablePostgres gives a server of a version that keeps its data as it
// is shipped to, on this machine's disk: what users wait for, benchmarks
// measure. It keeps running after this process, until Stop.
func StartDurablePostgres(ctx context.Context, version int) (*PostgresServer, error) {
	return startPostgres(ctx, version, fmt.Sprintf("postgres-%d-durable", version), serverPlace, "")
}

func startPostgres(ctx context.Context, version int, name string, place func() (string, error), more string) (*PostgresServer, error) {
	server := &PostgresServer{}
	err := Locked(name, func() error {
		found, err := readState(name, server)
		if err != nil {
			return err
		}
		if found && alive(server.PID) && server.ready(ctx) == nil {
			return nil
		}
		if server, err = newPostgres(ctx, version, place, more); err != nil {
			return err
		}
		return writeState(name, server)
	})
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL %d: %w", version, err)
	}
	return server, nil
}

// URL is a connection string of a login to a database of this server.
func (p *PostgresServer) URL(user, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Host:     net.JoinHostPort(p.Host, strconv.Itoa(p.Port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	if p.TLS {
		u.RawQuery = "sslmode=require"
	}
	return u.String()
}

// SuperURL is the superuser's connection string: for preparing tests, never
// for what is tested.
func (p *PostgresServer) SuperURL(database string) string {
	return p.URL("postgres", p.Password, database)
}

func (p *PostgresServer) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.SuperURL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// newPostgres makes a cluster in a new directory and starts it.
func newPostgres(ctx context.Context, version int, where func() (string, error), more string) (*PostgresServer, error) {
	inst, err := findInstallation(ctx, version)
	if err != nil {
		return nil, err
	}
	place, err := where()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(place, fmt.Sprintf("postgres-%d-", version))
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	server := &PostgresServer{
		Version: version, Host: "127.0.0.1", Port: port, Dir: dir,
		Password: rand.Text(), installation: inst,
	}
	if err := server.initdb(ctx, more); err != nil {
		return nil, err
	}
	return server, server.start(ctx)
}

func (p *PostgresServer) initdb(ctx context.Context, more string) error {
	passwords := filepath.Join(p.Dir, "password")
	if err := os.WriteFile(passwords, []byte(p.Password), 0o600); err != nil {
		return err
	}
	defer os.Remove(passwords)
	if err := p.installation.own(p.Dir, passwords); err != nil {
		return err
	}
	err := p.installation.run(ctx, "initdb", "--pgdata", p.data(), "--username", "postgres", "--pwfile", passwords,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	return appendFile(filepath.Join(p.data(), "postgresql.conf"), settings+more)
}

// settings leave what concerns locks and sessions as shipped.
const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
log_min_messages = warning
log_line_prefix = '%m [%p] %u@%d '
`

// quick is for a server that may lose its data and serves many test binaries
// at once.
const quick = `
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = '2GB'
`

func (p *PostgresServer) data() string { return filepath.Join(p.Dir, "data") }

func (p *PostgresServer) start(ctx context.Context) error {
	err := p.installation.run(ctx, "pg_ctl", "start", "--pgdata", p.data(), "--log", filepath.Join(p.Dir, "log"),
		"--timeout", "60", "--options", "-p "+strconv.Itoa(p.Port))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if p.PID, err = strconv.Atoi(line); err != nil {
		return fmt.Errorf("read postmaster.pid: %w", err)
	}
	return p.ready(ctx)
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func appendFile(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Close()
}
