package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// show prints how long the pipelines of a wave took.
func show(runs []*lab.PipelineRun, took time.Duration, sessions int) {
	var whole []float64
	steps, names := map[string][]float64{}, []string{}
	for _, r := range runs {
		if r == nil {
			continue
		}
		whole = append(whole, r.Seconds)
		for _, s := range r.Steps {
			if steps[s.Name] == nil {
				names = append(names, s.Name)
			}
			steps[s.Name] = append(steps[s.Name], s.Seconds)
		}
	}
	fmt.Printf("  %d pipelines in %.1f s, %.0f a minute; %d sessions at most\n", len(runs), took.Seconds(), float64(len(runs))/took.Minutes(), sessions)
	fmt.Printf("  %-18s %7s %7s %7s\n", "seconds", "median", "95 %", "longest")
	line("pipeline", whole)
	for _, name := range names {
		line(name, steps[name])
	}
}

func line(name string, values []float64) {
	if len(values) == 0 {
		return
	}
	slices.Sort(values)
	fmt.Printf("  %-18s %7.2f %7.2f %7.2f\n", name, values[len(values)/2], values[len(values)*95/100], values[len(values)-1])
}

// watch counts the sessions of the server until it is asked for the most.
func (l *load) watch(ctx context.Context) (most func() int) {
	ctx, cancel := context.WithCancel(ctx)
	found := make(chan int, 1)
	go func() {
		most := 0
		_ = l.super(ctx, func(conn *pgx.Conn) error { // the figure is only as good as what was seen
			for ctx.Err() == nil {
				var now int
				if err := conn.QueryRow(ctx, "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'").Scan(&now); err != nil {
					return err
				}
				most = max(most, now)
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		found <- most
	}()
	return func() int { cancel(); return <-found }
}

func (l *load) super(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, l.server.SuperURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// account looks at what the waves have left: a database for each change, no
// attempt, no login, no deadlock.
func (l *load) account(ctx context.Context) error {
	var names []string
	var deadlocks, bytes int64
	err := l.super(ctx, func(conn *pgx.Conn) (err error) {
		names, err = pg.Texts(ctx, conn, "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE '%login'")
		if err == nil {
			err = conn.QueryRow(ctx, "SELECT sum(deadlocks)::bigint, sum(pg_database_size(oid)) FILTER (WHERE d.datname LIKE 'registry-dev-%')::bigint FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid").
				Scan(&deadlocks, &bytes)
		}
		return err
	})
	if err != nil {
		return err
	}
	candidates, bases, errs := 0, 0, []error{}
	for _, name := range names {
		switch kind := l.site.Names.Parse(name).Kind; {
		case kind == pg.Candidate:
			candidates++
		case kind == pg.Base || kind == pg.Spare:
			bases++
		default:
			if _, login := l.site.Names.LoginOf(name); login || kind == pg.Attempt || kind == pg.BaseAttempt {
				errs = append(errs, fmt.Errorf("%s is left", name))
			}
		}
	}
	fmt.Printf("\n%d candidate databases, %d base databases, %.1f MiB each, %d deadlocks\n",
		candidates, bases, float64(bytes)/float64(candidates+bases)/(1<<20), deadlocks)
	if candidates != l.changes || deadlocks != 0 {
		errs = append(errs, fmt.Errorf("want %d candidate databases and no deadlock", l.changes))
	}
	return errors.Join(errs...)
}

func (l *load) tearDown(ctx context.Context) error {
	seconds, err := l.step(ctx, "cleanup-registry", "--yes", l.site.Names.Prefix)
	if err == nil {
		fmt.Printf("cleanup-registry: %.1f s\n", seconds)
	}
	return err
}
