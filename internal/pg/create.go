package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// cleanUpTime is for what must still be done after the context has ended.
const cleanUpTime = 30 * time.Second

// Access says who may do what in a new database and what its comment is. A
// reader gets nothing yet: CONNECT comes with Publish.
type Access struct {
	Owner   string // the owner role: CREATE and TEMPORARY
	Comment string
}

// Clone makes a database from a source that the service role owns. Nobody can
// enter it before it is complete: it is born closed, then rights, settings,
// comment and opening come in one transaction.
//
// A source in use is tried again for a minute; waiting (may be nil) is told
// why. ErrExists and ErrNoDatabase can be asked for with errors.Is. Whatever
// else fails leaves no database.
func (s *Server) Clone(ctx context.Context, source, name string, a Access, waiting func(reason string)) error {
	if err := s.create(ctx, source, name, waiting); err != nil {
		return fmt.Errorf("clone %s into %s: %w", source, name, err)
	}
	if err := s.transaction(ctx, a.statements(name)...); err != nil {
		return fmt.Errorf("set up %s: %w", name, s.undoClone(ctx, name, Classify(err)))
	}
	return nil
}

func (a Access) statements(name string) []string {
	database := Ident(name)
	return []string{
		"REVOKE CONNECT, TEMPORARY ON DATABASE " + database + " FROM PUBLIC",
		"GRANT CREATE, TEMPORARY ON DATABASE " + database + " TO " + Ident(a.Owner),
		commentOn(name, a.Comment),
		"ALTER DATABASE " + database + " ALLOW_CONNECTIONS true",
	}
}

func (s *Server) create(ctx context.Context, source, name string, waiting func(string)) error {
	if len(name) > maxName {
		return change.Failf(change.KindConfiguration, "database name %q is longer than %d bytes", name, maxName)
	}
	there, err := s.Database(ctx, name)
	if err != nil {
		return err
	}
	if there != nil {
		return ErrExists
	}
	for deadline := time.Now().Add(time.Minute); ; {
		err := s.createOnce(ctx, source, name)
		if state(err) != objectInUse || time.Now().After(deadline) {
			return s.whyNotCreated(ctx, err, source, name)
		}
		if waiting != nil {
			waiting(s.sessionsOn(ctx, source))
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
}

// createOnce is one CREATE DATABASE; the server itself waits 5 s for a source
// in use.
func (s *Server) createOnce(ctx context.Context, source, name string) error {
	return s.exec(ctx, cloning(source, name))
}

// cloning is by WAL_LOG: it needs no checkpoints, unlike FILE_COPY, and is the
// faster one for structure without rows.
func cloning(source, name string) string {
	return fmt.Sprintf("%s TEMPLATE %s ALLOW_CONNECTIONS false STRATEGY wal_log", creating(name), Ident(source))
}

func creating(name string) string { return "CREATE DATABASE " + Ident(name) }

func (s *Server) whyNotCreated(ctx context.Context, err error, source, name string) error {
	switch state(err) {
	case duplicateDatabase:
		return ErrExists
	case invalidCatalogName:
		return ErrNoDatabase
	case objectInUse:
		return change.Failf(change.KindInfrastructure, "%s for a minute; it can be cloned only while nobody is connected", s.sessionsOn(ctx, source)).
			WithHint("end these sessions, or forbid them: ALTER DATABASE %s ALLOW_CONNECTIONS false", Ident(source))
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return s.undoClone(ctx, name, Classify(ctx.Err()))
	case state(err) == "": // the answer was lost: the server may have gone on
		return s.undoClone(ctx, name, Classify(err))
	}
	return Classify(err)
}

// sessionsOn says who is connected; the text never quotes an application's
// own name, which anyone may choose.
func (s *Server) sessionsOn(ctx context.Context, database string) string {
	sessions := 0
	err := s.withAdmin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = $1", database).Scan(&sessions)
	})
	switch {
	case err != nil || sessions == 0:
		return database + " is in use"
	case sessions == 1:
		return database + " is in use by 1 session"
	}
	return fmt.Sprintf("%s is in use by %d sessions", database, sessions)
}

// undoClone drops what a failed clone left, in its own time; a failure to do
// so is added to the reason.
func (s *Server) undoClone(ctx context.Context, name string, why *change.Failure) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	if err := s.dropHalfMade(ctx, name); err != nil {
		why.Message += "; and the half-made database is left: " + change.AsFailure(err).Message
	}
	return why
}

// dropHalfMade tries for some seconds, since the way to the server may just
// have been lost. A database that is still being made cannot be seen: only
// when the session that makes it is gone, a drop is the last word.
func (s *Server) dropHalfMade(ctx context.Context, name string) error {
	for deadline := time.Now().Add(cleanUpTime / 3); ; {
		err := s.endMakers(ctx, name)
		if err == nil {
			err = s.drop(ctx, name)
		}
		if err == nil || time.Now().After(deadline) || sleep(ctx, 250*time.Millisecond) != nil {
			return err
		}
	}
}

// endMakers ends the service role's own sessions that make the database. It
// is an error that there were some: they need a moment to be gone.
func (s *Server) endMakers(ctx context.Context, name string) error {
	makers := 0
	err := s.withAdmin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `
			SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE usename = current_user AND state = 'active' AND pid <> pg_backend_pid() AND starts_with(query, $1)`,
			creating(name)+" ").Scan(&makers)
	})
	if err != nil {
		return Classify(err)
	}
	if makers > 0 {
		return change.Failf(change.KindInfrastructure, "a session that is making %s has not ended yet", name)
	}
	return nil
}
