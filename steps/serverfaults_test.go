package steps_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestServerRestarted: PostgreSQL comes back in the middle of a step.
func TestServerRestarted(t *testing.T) {
	t.Parallel()
	server, site := ownServer(t)
	slow := "SELECT pg_sleep(1.5);"
	r := newRegistryIn(t, corner{site: site, env: []string{"PATCHBAY_CHANGELOG=data-model"}},
		map[string]string{"data-model/00001_first.sql": migration("CREATE TABLE registry.first (id int);\n" + slow)})
	p := r.clone.Push(t, "a table", map[string]string{second: migration("CREATE TABLE registry.restarted (id int);\n" + slow)})
	dir := r.begin(p)
	restarted := r.restarts(server)
	created := r.create(p, dir, 1)
	restarted()
	r.failedAs(&created.Header, change.KindInfrastructure)
	r.report(p, dir, vote(0))

	dir = r.begin(p)
	r.create(p, dir, 0)
	restarted = r.restarts(server)
	applied := r.apply(p, dir, 1)
	restarted()
	r.failedAs(&applied.Header, change.KindInfrastructure)
	r.report(p, dir, nil) // the same was said before
	r.wantVote(p.Number, 0)
	r.recovers(p)
	r.nothingLeft()
}

// restarts restarts the server in the background once an engine is at work.
func (r *registry) restarts(server *lab.OwnPostgres) (restarted func()) {
	done := make(chan error, 1)
	go func() {
		for range 200 {
			time.Sleep(50 * time.Millisecond)
			if r.sleeping() {
				done <- server.Restart(context.Background())
				return
			}
		}
		done <- errors.New("no engine was seen at work")
	}()
	return func() {
		if err := <-done; err != nil {
			r.Error(err)
		}
	}
}

func (r *registry) sleeping() bool {
	return len(r.column("postgres", "SELECT query FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(1.5)%'")) > 0
}

// TestConnectionCut cuts the way to the server after so many bytes of its
// answers, all over the two steps that speak to it.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	points := some(sweepOf(40, 100, 70000), 0, 4, 9, 17, 25, 34)
	changes := r.stack(2*len(points), func(i int) map[string]string { return newTable(fmt.Sprint("table_", i)) })
	for i, bytes := range points {
		r.named(fmt.Sprint("create-temp-db after ", bytes), func(r *registry) {
			r.Parallel()
			// A setting of its own gives each run a base database of its own.
			r.with(fmt.Sprint("PATCHBAY_PARAMETERS=cut=", i)).cutAfter(changes[i], "create-temp-db", bytes)
		})
		bytes /= 2 // its answers are fewer
		r.named(fmt.Sprint("apply-changelog after ", bytes), func(r *registry) {
			r.Parallel()
			r.cutAfter(changes[len(points)+i], "apply-changelog", bytes)
		})
	}
}

// sweepOf n points, which lie closer at the beginning.
func sweepOf(n, first, last int) (points []int) {
	for i := range n {
		points = append(points, first+(last-first)*i*i/((n-1)*(n-1)))
	}
	return points
}

func (r *registry) cutAfter(p lab.Pushed, step string, bytes int) {
	dir := r.begin(p)
	if step == "apply-changelog" {
		r.create(p, dir, 0)
	}
	proxy := lab.NewTCPProxy(r.T, fmt.Sprintf("%s:%d", r.site.Server.Host, r.site.Server.Port))
	proxy.CutAfter(bytes)
	run := r.with("DATABASE_URL="+r.site.ThroughProxy(proxy.Address())).step(p, dir, step)
	switch head := read[change.Header](r, filepath.Join(dir, step+".json")); run.status {
	case 0: // the cut came too late, or the session was opened again
	case 1:
		r.failedAs(head, change.KindInfrastructure)
		r.report(p, dir, vote(0))
	default:
		r.Errorf("exit status %d\n%s", run.status, run.stderr)
	}
	r.Logf("exit status %d", run.status)
	r.recovers(p)
}
