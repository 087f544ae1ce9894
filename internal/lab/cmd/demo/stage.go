package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// stage is the servers and what stands on them.
type stage struct {
	postgres *lab.PostgresServer
	site     *lab.Site
	gerrit   *lab.GerritServer
	clone    *lab.Clone
	pipeline lab.Pipeline
	project  string
	work     string
	before   []lab.Status // servers of somebody else's, which stay
	versions *os.Process  // serve-versions
	address  string       // where it listens
}

// run sets the stage, plays the story, shows where to look.
func run(ctx context.Context, keep bool) (err error) {
	began := time.Now()
	s := &stage{}
	defer func() {
		if !keep || err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.set(ctx); err != nil {
		return err
	}
	rows, err := s.play(ctx)
	if err != nil {
		return err
	}
	if err := s.serve(ctx, rows); err != nil {
		return errors.Join(err, check(rows))
	}
	fmt.Print("\n", table(rows), "\n")
	s.where(keep, time.Since(began))
	return check(rows)
}

// set starts the servers and lands the registry.
func (s *stage) set(ctx context.Context) (err error) {
	if s.work, err = os.MkdirTemp("", "patchbay-demo-"); err != nil {
		return err
	}
	if s.before, err = lab.Servers(); err != nil {
		return err
	}
	home := ""
	for _, part := range []struct {
		what string
		do   func() error
	}{
		{"PostgreSQL", func() error { return s.startPostgres(ctx) }},
		{"Gerrit", func() error { s.gerrit, err = lab.StartGerrit(ctx); return err }},
		{"Liquibase 4.33.0", func() error { home, err = lab.LiquibaseHome(ctx, "4.33.0"); return err }},
		{"a registry of laboratories", func() error { return s.land(ctx) }},
		{"roles and template (prepare-template)", func() error { return s.prepare(ctx, home) }},
		{"class data archive (apply-changelog --warm-cache)", func() error { return s.step(ctx, "apply-changelog", "--warm-cache") }},
	} {
		began := time.Now()
		if err := part.do(); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
		fmt.Fprintf(os.Stderr, "%5.1f s  %s\n", time.Since(began).Seconds(), part.what)
	}
	return nil
}

// startPostgres takes the installed server, else the embedded binaries.
func (s *stage) startPostgres(ctx context.Context) (err error) {
	if s.postgres, err = lab.StartPostgres(ctx, 15); err != nil {
		s.postgres, err = lab.StartPostgres(ctx, 18)
	}
	if err != nil {
		return err
	}
	s.site, err = lab.NewSite(ctx, s.postgres, "registry")
	return err
}

// land makes the project and its first commit.
func (s *stage) land(ctx context.Context) error {
	s.project = fmt.Sprintf("laboratories-%d", time.Now().Unix())
	if err := s.gerrit.CreateProject(ctx, s.project); err != nil {
		return err
	}
	files, err := lab.Registry()
	if err != nil {
		return err
	}
	if s.clone, err = s.gerrit.CloneTo(ctx, s.project, filepath.Join(s.work, "clone")); err != nil {
		return err
	}
	_, err = s.clone.PushBranch(ctx, "master", "The registry of laboratories", files)
	return err
}

func (s *stage) prepare(ctx context.Context, home string) error {
	bin, err := filepath.Abs("bin")
	if err != nil {
		return err
	}
	s.pipeline = lab.Pipeline{Bin: bin, Env: append(append(s.site.Env(), s.gerrit.Environment()...), "LIQUIBASE_HOME="+home, "PATCHBAY_READER_PASSWORD="+s.site.ReaderPassword(), "PATCHBAY_LOG_FORMAT=console")}
	return s.step(ctx, "prepare-template")
}

// step runs one step by itself.
func (s *stage) step(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.pipeline.Bin, name), args...)
	cmd.Env = append(append(os.Environ(), s.pipeline.Env...), "PATCHBAY_RUN_DIR="+filepath.Join(s.work, name))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, stderr.String())
	}
	return nil
}

func (s *stage) where(keep bool, took time.Duration) {
	fmt.Printf("%.0f s in all. ", took.Seconds())
	if !keep {
		fmt.Println("Everything is stopped now; KEEP=1 make demo leaves it running.")
		return
	}
	fmt.Printf(`Look around:
  the versions      %s   (its log is %s)
  Gerrit's answers  curl -s %s/changes/?q=project:%s   (REST only: the server has no web interface)
  databases         psql '%s' -c '\l %s*'   (the reader: catalogs, no rows)
  the clone         %s
Stop everything with: make clean
`, s.address, filepath.Join(s.work, "serve-versions.log"), s.gerrit.URL, s.project, s.site.ReaderURL("postgres"), s.site.Names.Prefix, s.clone.Dir)
}

func (s *stage) close() error {
	ended := s.endVersions()
	var removed error
	if s.work != "" {
		removed = os.RemoveAll(s.work)
	}
	return errors.Join(ended, removed, lab.Stop(s.before...))
}
