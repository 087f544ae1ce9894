package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// master is the registry's own database, as a publication would deploy it:
// here the base database that the last run was built on.
const master = "registry"

// serve makes master's database and starts serve-versions on it.
func (s *stage) serve(ctx context.Context, rows []row) error {
	if err := s.deployMaster(ctx, rows[len(rows)-1].run.Created.BaseDatabase); err != nil {
		return fmt.Errorf("deploy master: %w", err)
	}
	cmd := exec.Command(filepath.Join(s.pipeline.Bin, "serve-versions")) //nolint:noctx // it may stay after the demo
	cmd.Env = append(append(os.Environ(), s.pipeline.Env...), "DATABASE_URL="+s.site.ReaderURL("postgres"), "GERRIT_PROJECT="+s.project, "PATCHBAY_LISTEN=127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C at the demo does not end it
	log, err := os.Create(filepath.Join(s.work, "serve-versions.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.versions = cmd.Process
	if err := lab.Remember("serve-versions", cmd.Process.Pid); err != nil {
		return err
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("serve-versions did not start, see %s: %w", log.Name(), err)
	}
	s.address = strings.TrimSpace(address)
	return s.look(ctx)
}

func (s *stage) deployMaster(ctx context.Context, base string) error {
	conn, err := pgx.Connect(ctx, s.site.SuperURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS " + master + " WITH (FORCE)",
		"CREATE DATABASE " + master + " TEMPLATE " + pg.Ident(base),
		"ALTER DATABASE " + master + " ALLOW_CONNECTIONS true",
		"GRANT CONNECT ON DATABASE " + master + " TO " + pg.Ident(s.site.ReaderRole),
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// look asks for the pages that the demo is proud of.
func (s *stage) look(ctx context.Context) error {
	for _, path := range []string{"/", "/master", "/versions/candidates", "/versions/master/tables"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+path, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s%s: %s", s.address, path, response.Status)
		}
	}
	return nil
}

// endVersions stops serve-versions, if it runs.
func (s *stage) endVersions() error {
	if s.versions == nil {
		return nil
	}
	if err := s.versions.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop serve-versions: %w", err)
	}
	_, err := s.versions.Wait()
	return err
}
