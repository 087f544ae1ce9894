package versions

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// turns are the places of those who are worked on at once; the others wait.
type turns chan struct{}

func (t turns) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type turnKey struct{}

// turn is a request's own place, which it leaves while it waits for Gerrit.
type turn struct {
	all turns

	mu   sync.Mutex
	held bool
	away int // waiting for Gerrit: a page asks it twice at once
}

func (t *turn) take(ctx context.Context) error {
	if err := t.all.take(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held || t.away > 0 { // it left again meanwhile
		<-t.all
		return nil
	}
	t.held = true
	return nil
}

func (t *turn) leave(away int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away += away; t.held {
		t.held = false
		<-t.all
	}
}

// back takes the place again, when nothing of the request waits any more. When
// its time is over, whatever it does next says so.
func (t *turn) back(ctx context.Context) {
	t.mu.Lock()
	t.away--
	last := t.away == 0
	t.mu.Unlock()
	if last {
		_ = t.take(ctx)
	}
}

// ask lets fn ask Gerrit, without the request's turn: a Gerrit that does not
// answer keeps nobody waiting who needs none of it. Only so many ask at once,
// and none for so long that no time is left to answer without it.
func (v *Versions) ask(ctx context.Context, fn func(context.Context) error) error {
	if mine, _ := ctx.Value(turnKey{}).(*turn); mine != nil {
		mine.leave(1)
		defer mine.back(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if err := v.askers.take(limited); err != nil {
		return ofGerrit(err)
	}
	defer func() { <-v.askers }()
	return ofGerrit(fn(limited))
}

// limited bounds how many requests are worked on at once and how long one may
// take. One over the limit waits its turn; operations need none.
func limited(most int, timeout time.Duration, next http.Handler) http.Handler {
	all := make(turns, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		if isOperation(r) {
			next.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		mine := &turn{all: all}
		if mine.take(ctx) != nil {
			w.Header().Set("Retry-After", "1")
			AnswerFault(w, r, fault(http.StatusServiceUnavailable, api.CodeBusy, "too many requests at once"))
			return
		}
		defer mine.leave(0)
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, turnKey{}, mine)))
	})
}
