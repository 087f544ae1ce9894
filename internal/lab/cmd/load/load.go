package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

type options struct {
	changes, atOnce int
	engine          string
}

// load is the servers and the changes.
type load struct {
	options
	model    model
	work     string
	server   *lab.OwnPostgres
	site     *lab.Site
	gerrit   *lab.GerritServer
	project  string
	clone    *lab.Clone
	pipeline lab.Pipeline
	before   []lab.Status // servers of somebody else's, which stay
}

func run(ctx context.Context, o options) (err error) {
	l := &load{options: o}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.start(ctx); err != nil {
		return err
	}
	pushed, err := l.push(ctx, nil)
	if err != nil {
		return err
	}
	if err := l.wave(ctx, "new changes", pushed, change.Applied); err != nil {
		return err
	}
	if err := l.wave(ctx, "the same again", pushed, change.Reused); err != nil {
		return err
	}
	if err := l.tip(ctx); err != nil {
		return err
	}
	if _, err := l.clone.PushBranch(ctx, "master", "merged", l.model.merged); err != nil {
		return err
	}
	if pushed, err = l.push(ctx, pushed); err != nil {
		return err
	}
	if err := l.wave(ctx, "all rebased after a merge", pushed, change.Applied); err != nil {
		return err
	}
	return errors.Join(l.account(ctx), l.tearDown(ctx))
}

// start has PostgreSQL write as durably as it is shipped: only then the
// figures mean something.
func (l *load) start(ctx context.Context) (err error) {
	if l.model, err = modelOf(l.engine); err != nil {
		return err
	}
	if l.before, err = lab.Servers(); err != nil {
		return err
	}
	if l.work, err = os.MkdirTemp("", "patchbay-load-"); err != nil {
		return err
	}
	if l.server, err = lab.StartOwnPostgres(ctx, 15); err != nil {
		return err
	}
	err = l.super(ctx, func(conn *pgx.Conn) error {
		for _, sql := range []string{"fsync = on", "synchronous_commit = on", "full_page_writes = on"} {
			if _, err := conn.Exec(ctx, "ALTER SYSTEM SET "+sql); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, "SELECT pg_reload_conf()")
		return err
	})
	if err != nil {
		return err
	}
	if l.site, err = lab.NewSite(ctx, l.server.PostgresServer, "registry"); err != nil {
		return err
	}
	if l.gerrit, err = lab.StartGerrit(ctx); err != nil {
		return err
	}
	return l.prepare(ctx)
}

// prepare makes project, template and caches.
func (l *load) prepare(ctx context.Context) error {
	home, err := lab.LiquibaseHome(ctx, "4.33.0")
	if err != nil {
		return err
	}
	bin, err := filepath.Abs("bin")
	if err != nil {
		return err
	}
	l.project = fmt.Sprintf("load-%d", time.Now().Unix())
	l.pipeline = lab.Pipeline{Bin: bin, Env: append(append(l.site.Env(), l.gerrit.Environment()...),
		"LIQUIBASE_HOME="+home, "PATCHBAY_CACHE_DIR="+filepath.Join(l.work, "cache"), "PATCHBAY_MAX_CANDIDATES=0", "PATCHBAY_CHANGELOG="+l.model.changelog)}
	if err := l.gerrit.CreateProject(ctx, l.project); err != nil {
		return err
	}
	if l.clone, err = l.gerrit.CloneTo(ctx, l.project, filepath.Join(l.work, "clone")); err != nil {
		return err
	}
	if _, err := l.clone.PushBranch(ctx, "master", "base", l.model.base); err != nil {
		return err
	}
	for _, args := range [][]string{{"prepare-template"}, {"apply-changelog", "--warm-cache"}} {
		if _, err := l.step(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// step runs one step that has no patch set.
func (l *load) step(ctx context.Context, args ...string) (seconds float64, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(l.pipeline.Bin, args[0]), args[1:]...)
	cmd.Env = append(append(os.Environ(), l.pipeline.Env...), "PATCHBAY_RUN_DIR="+filepath.Join(l.work, "run"))
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", args[0], err, out)
	}
	return time.Since(began).Seconds(), nil
}

// wave runs a pipeline for each change, some at a time, and wants all of them
// to end so.
func (l *load) wave(ctx context.Context, name string, pushed []lab.Pushed, want change.Outcome) error {
	fmt.Printf("\n%s\n", name)
	sessions := l.watch(ctx)
	runs, errs := make([]*lab.PipelineRun, len(pushed)), make([]error, len(pushed))
	places := make(chan bool, l.atOnce)
	var all sync.WaitGroup
	began := time.Now()
	for i, p := range pushed {
		places <- true
		all.Go(func() {
			defer func() { <-places }()
			runs[i], errs[i] = l.pipeline.Run(ctx, p, filepath.Join(l.work, fmt.Sprintf("run-%d", p.Number)))
		})
	}
	all.Wait()
	took := time.Since(began)
	show(runs, took, sessions())
	var failures []error
	for i, r := range runs {
		if err := errors.Join(errs[i], judge(r, want)); err != nil {
			failures = append(failures, fmt.Errorf("change %d: %w", pushed[i].Number, err))
		}
	}
	if len(failures) > 0 {
		return fmt.Errorf("%s: %d of %d runs went wrong: %w", name, len(failures), len(runs), failures[0])
	}
	return nil
}

// judge: a run is good when it deployed, or reused, and Verified stands at +1.
func judge(r *lab.PipelineRun, want change.Outcome) error {
	if r == nil {
		return errors.New("it did not run")
	}
	good := r.Applied != nil && r.Applied.Outcome == want && r.Reported != nil && r.Reported.Failure == nil &&
		(r.Reported.Outcome == change.Unchanged || r.Reported.Vote != nil && *r.Reported.Vote == 1)
	if good {
		return nil
	}
	text := ""
	for _, s := range r.Steps {
		text += fmt.Sprintf("%s: exit status %d\n%s", s.Name, s.Status, s.Stderr)
	}
	return fmt.Errorf("want %s and Verified +1:\n%s", want, text)
}

func (l *load) close() error {
	errs := []error{}
	if l.server != nil {
		errs = append(errs, l.server.Stop(context.Background()))
	}
	return errors.Join(append(errs, lab.Stop(l.before...), os.RemoveAll(l.work))...)
}
