package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// mostDelay is what a patch set may take longer while its candidate is looked
// at: no single one, against the slowest of as many runs alone, which are made
// in turn with them. So what the disk and the neighbours do meets both.
const mostDelay = 1.0 // seconds

// audience looks at the candidate while it is made anew.
type audience struct {
	name    string
	clients int
	pause   time.Duration
	bounded bool // mostDelay holds
}

// audiences: a portal with its pages open on many desks, which must not be
// noticed; and programs that never rest. Those two take both processors and
// more of them than the steps, which compute for most of their time: what they
// cost is told and not judged. That they hold no swap up is what tests count.
var audiences = []audience{
	{"20 clients, 4 times a second each", 20, 250 * time.Millisecond, true},
	{"2 clients without pause", 2, 0, false},
}

// watched measures the pipeline of one candidate, in turn alone and while it
// is looked at. Only here does a time say something of the readers: tests
// count for how many rounds a swap waits.
func (b *bench) watched(ctx context.Context) error {
	c, err := b.newRemade(ctx)
	if err != nil {
		return err
	}
	s, err := b.serve(ctx, c.at.Project)
	if err != nil {
		return err
	}
	fmt.Printf("\nA patch set while its candidate is looked at (%d runs each, alone in turn)\n", b.remakes)
	for _, a := range audiences {
		if err = c.inTurn(ctx, s, a); err != nil {
			break
		}
	}
	return errors.Join(err, s.end())
}

func (c *remade) inTurn(ctx context.Context, s *server, a audience) error {
	var alone, watched []float64
	var answers int64
	path := fmt.Sprintf("/versions/candidates/%d/tables", c.at.Number)
	for range c.b.remakes {
		took, err := c.next(ctx)
		if err != nil {
			return err
		}
		alone = append(alone, took)
		got, lookErr := s.watch(ctx, path, a.clients, a.pause, func() { took, err = c.next(ctx) })
		if err := errors.Join(err, lookErr); err != nil {
			return err
		}
		watched, answers = append(watched, took), answers+got
	}
	slowest := [2]float64{slices.Max(alone), slices.Max(watched)}
	fmt.Printf("  %-34s %7.2f s, %.2f s alone; slowest %.2f s, %.2f s alone; %d answers\n", a.name, median(watched), median(alone), slowest[1], slowest[0], answers)
	if delay := slowest[1] - slowest[0]; a.bounded && delay > mostDelay {
		return fmt.Errorf("%s: the pipeline is delayed by %.2f s, more than %.0f s", a.name, delay, mostDelay)
	}
	return nil
}

// remade is a candidate of which the pipeline makes one patch set after the
// other.
type remade struct {
	b     *bench
	clone *lab.Clone
	at    lab.Pushed
}

func (b *bench) newRemade(ctx context.Context) (*remade, error) {
	project := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if err := b.gerrit.CreateProject(ctx, project); err != nil {
		return nil, err
	}
	clone, err := b.gerrit.CloneTo(ctx, project, filepath.Join(b.work, project))
	if err != nil {
		return nil, err
	}
	if _, err := clone.PushBranch(ctx, "master", "base", gooseModel(50)); err != nil {
		return nil, err
	}
	c := &remade{b: b, clone: clone}
	if c.at, err = clone.PushChange(ctx, "candidate", gooseCandidate(50)); err != nil {
		return nil, err
	}
	_, err = c.run(ctx) // not counted: the base database is there then
	return c, err
}

// next makes another patch set and its database.
func (c *remade) next(ctx context.Context) (seconds float64, err error) {
	if _, err := c.clone.RunGit(ctx, "checkout", "-q", "--detach", c.at.Revision); err != nil {
		return 0, err
	}
	another := fmt.Sprintf("-- +goose Up\nCREATE TABLE p%d (id int PRIMARY KEY);\n", c.at.PatchSet)
	if c.at, err = c.clone.AmendChange(ctx, "", map[string]string{"data-model/migrations/00052_another.sql": another}); err != nil {
		return 0, err
	}
	return c.run(ctx)
}

// run gives the seconds of the patch set's three steps.
func (c *remade) run(ctx context.Context) (seconds float64, err error) {
	env := append(c.at.Environment(), "PATCHBAY_CHANGELOG=data-model/migrations")
	for _, step := range []string{"get-changes", "create-temp-db", "apply-changelog"} {
		took, err := c.b.step(ctx, env, step)
		if err != nil {
			return 0, err
		}
		seconds += took
	}
	return seconds, nil
}

// watch asks for a path, by many at once, while something is done. An answer
// that is an error ends it.
func (s *server) watch(ctx context.Context, path string, clients int, pause time.Duration, while func()) (answers int64, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var count atomic.Int64
	var all sync.WaitGroup
	failed := make([]error, clients)
	for i := range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.get(ctx, path); err != nil && ctx.Err() == nil {
					failed[i] = err
					return
				}
				count.Add(1)
				time.Sleep(pause)
			}
		})
	}
	while()
	stop()
	all.Wait()
	return count.Load(), errors.Join(failed...)
}
