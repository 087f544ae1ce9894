package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

const (
	clients    = 50
	questions  = 100 // of each client
	candidates = 100
)

// versions measures serve-versions: lists of 500 tables asked for by many at
// once, and the memory of a server by which 100 candidates were looked at.
func (b *bench) versions(ctx context.Context) error {
	if err := b.readerLogin(ctx); err != nil {
		return err
	}
	numbers, err := b.manyCandidates(ctx)
	if err != nil {
		return fmt.Errorf("make candidates: %w", err)
	}
	s, err := b.serve(ctx, "bench")
	if err != nil {
		return err
	}
	fmt.Printf("\nserve-versions\n")
	times, err := s.ask(ctx, fmt.Sprintf("/versions/candidates/%d/tables", numbers[0]))
	if err == nil {
		fmt.Printf("  list of 500 tables, %d clients         p50 %.1f ms, p99 %.1f ms, %.0f answers a second\n", clients, times.p50, times.p99, times.rate)
		err = s.lookAt(ctx, numbers)
	}
	ended := s.end()
	if err == nil {
		fmt.Printf("  memory with %d candidates looked at   %.1f MiB at most, %s\n", candidates, peak(s.cmd), s.open)
	}
	return errors.Join(err, ended)
}

// manyCandidates makes one database of 500 tables and clones of a smaller one:
// as superuser, since only their structure counts here.
func (b *bench) manyCandidates(ctx context.Context) (numbers []int, err error) {
	conn, err := pgx.Connect(ctx, b.site.SuperURL("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	const first = 900_000 // no change has such a number
	for i := range candidates {
		number, source := first+i, b.site.Names.Template
		if i > 1 {
			source = b.site.Names.Candidate(first + 1)
		}
		name := b.site.Names.Candidate(number)
		numbers = append(numbers, number)
		if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", pg.Ident(name), pg.Ident(source))); err != nil {
			return nil, err
		}
		if i < 2 {
			if err := b.fill(ctx, name, [2]int{500, 50}[i]); err != nil {
				return nil, err
			}
		}
	}
	return numbers, nil
}

// readerLogin lets the reader in.
func (b *bench) readerLogin(ctx context.Context) error {
	_, err := b.query(ctx, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD %s", pg.Ident(b.site.ReaderRole), pg.Literal(b.site.ReaderPassword())))
	return err
}

// fill makes tables as a registry has them: keys, references, comments.
func (b *bench) fill(ctx context.Context, database string, tables int) error {
	conn, err := pgx.Connect(ctx, b.site.SuperURL(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var sql strings.Builder
	for i := range tables {
		fmt.Fprintf(&sql, `CREATE TABLE registry.t%[1]d (id uuid CONSTRAINT pk_t%[1]d PRIMARY KEY, code varchar(20) NOT NULL CONSTRAINT ui_t%[1]d UNIQUE, name text,
			parent uuid CONSTRAINT fk_t%[1]d REFERENCES registry.t%[2]d (id)); COMMENT ON TABLE registry.t%[1]d IS 'Таблиця %[1]d';`, i, max(i-1, 0))
	}
	_, err = conn.Exec(ctx, sql.String())
	return err
}

// server is a running serve-versions.
type server struct {
	cmd  *exec.Cmd
	url  string
	open string // what it says of its sessions
}

// serve starts serve-versions for a project of Gerrit.
func (b *bench) serve(ctx context.Context, project string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, filepath.Join(b.bin, "serve-versions"))}
	s.cmd.Env = append(append(append(os.Environ(), b.site.Env()...), b.gerrit.Environment()...),
		"DATABASE_URL="+b.site.ReaderURL("postgres"), "GERRIT_PROJECT="+project, "PATCHBAY_LISTEN=127.0.0.1:0", "PATCHBAY_LOG_LEVEL=warn")
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	s.url = strings.TrimSpace(line)
	return s, err
}

func (s *server) end() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

func (s *server) get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return "", err
	}
	response, err := connections.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	return string(body), err
}

// connections keeps one for each client.
var connections = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}

type figures struct{ p50, p99, rate float64 }

func (s *server) ask(ctx context.Context, path string) (figures, error) {
	if _, err := s.get(ctx, path); err != nil { // not counted: the sessions are open then
		return figures{}, err
	}
	times, failed := make([]float64, clients*questions), make([]error, clients)
	began := time.Now()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range questions {
				asked := time.Now()
				if _, err := s.get(ctx, path); err != nil {
					failed[c] = err
				}
				times[c*questions+i] = float64(time.Since(asked).Microseconds()) / 1000
			}
		})
	}
	all.Wait()
	took := time.Since(began).Seconds()
	slices.Sort(times)
	return figures{times[len(times)/2], times[len(times)*99/100], float64(len(times)) / took}, errors.Join(failed...)
}

// lookAt asks for the tables of each candidate and for one of them.
func (s *server) lookAt(ctx context.Context, numbers []int) error {
	for _, number := range numbers {
		for _, below := range []string{"tables", "tables/t7"} {
			if _, err := s.get(ctx, fmt.Sprintf("/versions/candidates/%d/%s", number, below)); err != nil {
				return err
			}
		}
	}
	metrics, err := s.get(ctx, "/metrics")
	if err != nil {
		return err
	}
	var open []string
	for line := range strings.Lines(metrics) {
		if name, value, found := strings.Cut(line, " "); found && strings.HasPrefix(name, "patchbay_versions_") && strings.HasSuffix(name, "_open") {
			open = append(open, strings.TrimSpace(value)+" "+strings.TrimSuffix(strings.TrimPrefix(name, "patchbay_versions_"), "_open"))
		}
	}
	s.open = strings.Join(open, " and ") + " open"
	return nil
}
