package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/patchbay-ci/patchbay/internal/ci"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// progress tells how far a piece of work is: a person at a terminal by a line
// that the next one is written over, others by a line of the log now and then.
type progress struct {
	*step.Session
	what     string // "prod: charts read"
	done, of int
	began    time.Time
	told     time.Time
	mu       sync.Mutex
}

// seldom is how long a log is left alone, in which every line stays.
const seldom = 10 * time.Second

func newProgress(s *step.Session, of int, format string, args ...any) *progress {
	return &progress{Session: s, what: fmt.Sprintf(format, args...), of: of, began: time.Now(), told: time.Now()}
}

func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	switch {
	case p.CI.Name() == ci.Terminal:
		fmt.Fprintf(p.Stderr, "%s: %d of %d, %d/s\x1b[K\r", p.what, p.done, p.of, p.rate())
	case time.Since(p.told) > seldom:
		p.told = time.Now()
		p.Log.Info().Int("done", p.done).Int("of", p.of).Int("perSecond", p.rate()).Msg(p.what)
	}
}

// rate is how many a second.
func (p *progress) rate() int {
	return int(float64(p.done) / max(time.Since(p.began).Seconds(), 0.001))
}
