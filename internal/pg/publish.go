package pg

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Publication is an attempt that becomes the public database.
type Publication struct {
	Attempt string
	Public  string
	Retired string // name for the database that Public was, an attempt's; used only when there is one
	Comment string // of the public database
	Owner   string // loses CREATE and TEMPORARY
	Reader  string // gets CONNECT; "" none
}

// Freeze closes a finished database for good and gives it its final name:
// nobody enters it any more, it can only be cloned. ErrExists when the final
// name is taken; name == final closes it under its own.
func (s *Server) Freeze(ctx context.Context, name, final, comment string) error {
	err := s.exec(ctx, "ALTER DATABASE "+Ident(name)+" ALLOW_CONNECTIONS false")
	if err != nil {
		return fmt.Errorf("close %s: %w", name, Classify(err))
	}
	statements := []string{commentOn(name, comment)}
	if name != final {
		statements = append(statements, rename(name, final))
	}
	if _, err := s.whileAlone(ctx, statements, name); err != nil {
		return fmt.Errorf("freeze %s as %s: %w", name, final, err)
	}
	return nil
}

// Swap says how a publication went.
type Swap struct {
	Replaced bool // a database, which is called Retired now
	// Rounds says how often sessions were looked for and ended while the swap
	// waited for others to leave, 20 ms or more apart: 0 when nobody was in the way.
	Rounds int
}

// Publish puts the attempt under the public name, in one transaction: a
// reader that connects gets the old database or the new one, never none. Both
// databases' sessions are ended.
func (s *Server) Publish(ctx context.Context, p Publication) (swap Swap, err error) {
	old, err := s.Database(ctx, p.Public)
	if err != nil {
		return swap, err
	}
	statements := append(p.swap(old != nil), p.rights(old != nil)...)
	if swap.Rounds, err = s.whileAlone(ctx, statements, p.Public, p.Attempt); err != nil {
		return swap, fmt.Errorf("publish %s as %s: %w", p.Attempt, p.Public, err)
	}
	swap.Replaced = old != nil
	return swap, nil
}

// swap goes by a temporary name, because the retired database may take the
// attempt's. Nobody ever sees it: it lives inside the transaction.
func (p Publication) swap(replace bool) []string {
	if !replace {
		return []string{rename(p.Attempt, p.Public)}
	}
	temporary := p.Attempt + "-swap" // as long as a login's name at most
	return []string{
		rename(p.Public, temporary),
		rename(p.Attempt, p.Public),
		rename(temporary, p.Retired),
	}
}

func (p Publication) rights(replace bool) []string {
	statements := []string{
		"REVOKE CREATE, TEMPORARY ON DATABASE " + Ident(p.Public) + " FROM " + Ident(p.Owner),
		commentOn(p.Public, p.Comment),
	}
	if p.Reader == "" {
		return statements
	}
	if replace {
		statements = append(statements, "REVOKE CONNECT ON DATABASE "+Ident(p.Retired)+" FROM "+Ident(p.Reader))
	}
	return append(statements, "GRANT CONNECT ON DATABASE "+Ident(p.Public)+" TO "+Ident(p.Reader))
}

func rename(from, to string) string {
	return "ALTER DATABASE " + Ident(from) + " RENAME TO " + Ident(to)
}

// whileAlone runs the statements in one transaction while nobody is connected
// to the databases. RENAME keeps new sessions out of its database from its
// start and waits up to 5 s for those inside to leave; should it have to wait,
// a second session of ours ends whoever slipped in before.
func (s *Server) whileAlone(ctx context.Context, statements []string, databases ...string) (rounds int, err error) {
	for range 2 {
		if err = s.endAll(ctx, databases); err != nil {
			return rounds, err
		}
		stop := s.keepEnding(ctx, databases)
		err = s.transaction(ctx, statements...)
		rounds += stop()
		if state(err) != objectInUse {
			break
		}
	}
	switch state(err) {
	case duplicateDatabase:
		return rounds, ErrExists
	case objectInUse:
		return rounds, change.Failf(change.KindInfrastructure, "%s and cannot be ended: a superuser's session or a prepared transaction",
			s.sessionsOn(ctx, databases[0]))
	}
	if err != nil {
		return rounds, Classify(err)
	}
	return rounds, nil
}

func (s *Server) endAll(ctx context.Context, databases []string) error {
	for _, database := range databases {
		if err := s.EndSessions(ctx, database); err != nil {
			return err
		}
	}
	return nil
}

// keepEnding ends sessions, by one of its own, until stop is called, which
// waits for its end and says how many rounds it was.
func (s *Server) keepEnding(ctx context.Context, databases []string) (stop func() (rounds int)) {
	ctx, cancel := context.WithCancel(ctx)
	bouncer := &Server{config: s.config, endpoint: s.endpoint, version: s.version}
	var running sync.WaitGroup
	rounds := 0
	running.Go(func() {
		defer bouncer.Close(context.WithoutCancel(ctx))
		for sleep(ctx, 20*time.Millisecond) == nil && bouncer.endAll(ctx, databases) == nil {
			rounds++
		}
	})
	return func() int {
		cancel()
		running.Wait()
		return rounds
	}
}

// EndSessions ends all sessions on a database but a superuser's, which the
// service role may not end, and autovacuum's, which give way by themselves.
// It waits a moment for them to be gone. Autovacuum is told by its having no
// role: what kind of backend another role's is, the service role cannot see.
func (s *Server) EndSessions(ctx context.Context, database string) error {
	return s.endSessions(ctx, "a.datname = $1", database)
}

func (s *Server) endSessions(ctx context.Context, which, name string) error {
	err := s.withAdmin(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `
			SELECT CASE WHEN pg_terminate_backend(a.pid) THEN a.pid END
			FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
			WHERE NOT r.rolsuper AND a.pid <> pg_backend_pid() AND `+which, name)
		if err != nil {
			return err
		}
		ended, err := pgx.CollectRows(rows, pgx.RowTo[*int32]) // NULL: gone by itself
		if err != nil {
			return err
		}
		return awaitEnd(ctx, conn, ended)
	})
	if err != nil {
		return fmt.Errorf("end the sessions of %s: %w", name, Classify(err))
	}
	return nil
}

// awaitEnd waits a moment for backends to be gone.
func awaitEnd(ctx context.Context, conn *pgx.Conn, backends []*int32) error {
	for range 50 {
		left := 0
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", backends).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
