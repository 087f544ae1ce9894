package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"
)

// LeaveSpare gives the lock back and leaves its session to the server with a
// last statement, which nobody waits for: clone a base database into a spare,
// closed to everybody. It is one statement, so the spare's name always means
// complete, and it is done under the base database's lock. When another session
// holds that lock, nothing is made.
func (l *Lock) LeaveSpare(ctx context.Context, base, spare string) {
	defer l.Release() // sends what is left to say, and hangs up
	var free bool
	err := l.conn.QueryRow(ctx, "SELECT pg_advisory_unlock($1), pg_try_advisory_lock($2)", lockKey(l.name), lockKey(base)).Scan(nil, &free)
	if err == nil && free {
		l.conn.PgConn().Frontend().SendQuery(&pgproto3.Query{String: cloning(base, spare)})
	}
}

// TakeSpare makes a spare the database of that name: as Clone, but for the
// copying. ErrNoDatabase when another session has taken it, ErrExists when the
// name is taken. Whatever else fails leaves no database of that name.
func (s *Server) TakeSpare(ctx context.Context, spare, name string, a Access) error {
	err := s.transaction(ctx, append([]string{rename(spare, name)}, a.statements(name)...)...)
	switch state(err) {
	case invalidCatalogName:
		return ErrNoDatabase
	case duplicateDatabase:
		return ErrExists
	}
	if err != nil {
		return fmt.Errorf("make %s of %s: %w", name, spare, s.undoClone(ctx, name, Classify(err)))
	}
	return nil
}
