package pg

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Lock is an advisory lock in the admin database, on a session of its own. It
// ends with that session, so a killed step leaves none behind.
type Lock struct {
	name string
	conn *pgx.Conn
}

// Lock waits for the lock of a name (a public or base database's). waiting is
// called about every 5 s with the time waited; it may be nil.
func (s *Server) Lock(ctx context.Context, name string, timeout time.Duration, waiting func(held time.Duration)) (*Lock, error) {
	conn, err := s.another(ctx)
	if err != nil {
		return nil, err
	}
	lock := &Lock{name: name, conn: conn}
	if err := lock.wait(ctx, timeout, waiting); err != nil {
		lock.Release()
		return nil, err
	}
	return lock, nil
}

// And takes another lock on the session of this one, until release is called
// or this one ends.
func (l *Lock) And(ctx context.Context, name string, timeout time.Duration, waiting func(held time.Duration)) (release func(), err error) {
	other := &Lock{name: name, conn: l.conn}
	if err := other.wait(ctx, timeout, waiting); err != nil {
		return nil, err
	}
	return other.unlock, nil
}

// unlock gives the lock back; if that fails the session is gone, and the lock
// with it.
func (l *Lock) unlock() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = l.conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", lockKey(l.name))
}

// TryLock takes the lock if it is free; nil when another session holds it.
func (s *Server) TryLock(ctx context.Context, name string) (*Lock, error) {
	conn, err := s.open(ctx, s.config)
	if err != nil {
		return nil, err
	}
	lock := &Lock{name: name, conn: conn}
	taken, err := lock.try(ctx)
	if err != nil || !taken {
		lock.Release()
		return nil, err
	}
	return lock, nil
}

func (l *Lock) wait(ctx context.Context, timeout time.Duration, waiting func(time.Duration)) error {
	started, told, pause := time.Now(), time.Now(), 100*time.Millisecond
	for {
		taken, err := l.try(ctx)
		if err != nil || taken {
			return err
		}
		if time.Since(started) >= timeout {
			return change.Failf(change.KindInfrastructure, "another run holds the lock of %s; waited %s", l.name, timeout).
				WithHint("see what runs for it; PATCHBAY_LOCK_TIMEOUT sets how long to wait")
		}
		if waiting != nil && time.Since(told) >= 5*time.Second {
			waiting(time.Since(started))
			told = time.Now()
		}
		if err := sleep(ctx, min(pause, timeout-time.Since(started))); err != nil {
			return err
		}
		pause = min(pause*3/2, time.Second)
	}
}

func (l *Lock) try(ctx context.Context) (taken bool, err error) {
	err = l.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockKey(l.name)).Scan(&taken)
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", l.name, Classify(err))
	}
	return taken, nil
}

// lockKey is the first 8 bytes of the name's SHA-256.
func lockKey(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // all 64 bits, sign included
}

// Held fails when the session, and the lock with it, is gone. It is asked
// before whatever cannot be taken back.
func (l *Lock) Held(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := l.conn.Ping(ctx); err != nil {
		return change.Failf(change.KindInfrastructure, "the lock of %s is lost: %w", l.name, network(err))
	}
	return nil
}

// Release gives the lock back by ending its session.
func (l *Lock) Release() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	l.conn.Close(ctx) // the server frees the lock when the session ends, cleanly or not
}

// sleep waits, or ends with the context as a failure.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return Classify(ctx.Err())
	}
}
