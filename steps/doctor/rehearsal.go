package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// scratch is a database of doctor's own, with a throw-away login, made and
// dropped as those of an attempt. Its name is that of a base attempt, so that
// what a killed doctor leaves is found by the rules for those.
type scratch struct {
	server *pg.Server
	names  pg.Names
	lock   *pg.Lock
	name   string
	login  pg.Login
}

func digest(n pg.Names) string {
	sum := sha256.Sum256([]byte("doctor " + n.Prefix))
	return hex.EncodeToString(sum[:8])
}

// begin takes the lock and clears up after a doctor that was killed.
func begin(ctx context.Context, server *pg.Server, names pg.Names) (*scratch, error) {
	lock, err := server.Lock(ctx, names.Base(digest(names)), 30*time.Second, nil)
	if err != nil {
		return nil, err
	}
	s := &scratch{server: server, names: names, lock: lock}
	now, err := server.Now(ctx)
	if err == nil {
		s.name = names.BaseAttempt(digest(names), uint32(now.Unix())) //nolint:gosec // fits until 2106
		err = s.clear(ctx)
	}
	if err != nil {
		lock.Release()
		return nil, err
	}
	return s, nil
}

// clear drops whatever bears doctor's digest: databases, then the logins whose
// database is gone.
func (s *scratch) clear(ctx context.Context) error {
	databases, err := s.server.Databases(ctx, s.names)
	errs := []error{err}
	for _, d := range databases {
		if s.ours(d.Parsed) {
			errs = append(errs, candidate.Discard(ctx, s.server, s.names, d.Name))
		}
	}
	logins, err := s.server.Logins(ctx, s.names)
	errs = append(errs, err)
	for role, database := range logins {
		if s.ours(s.names.Parse(database)) {
			errs = append(errs, s.server.DropRoleAfterDatabase(ctx, role))
		}
	}
	return errors.Join(errs...)
}

func (s *scratch) ours(n pg.Name) bool {
	return n.Kind == pg.BaseAttempt && n.Digest == digest(s.names)
}

func (s *scratch) end(ctx context.Context) error {
	defer s.lock.Release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return s.clear(ctx)
}

func (s *scratch) clone(ctx context.Context, source, owner string) error {
	return s.server.Clone(ctx, source, s.name, pg.Access{Owner: owner, Comment: `{"formatVersion":1,"state":"created"}`}, nil)
}

func (s *scratch) createLogin(ctx context.Context, owner string) error {
	s.login = pg.NewLogin(s.names.Login(s.name), s.name, owner)
	return s.server.CreateLogin(ctx, s.login, pg.LoginLimits{
		ValidFor: 10 * time.Minute, Connections: 5, StatementTimeout: time.Minute, LockTimeout: 10 * time.Second, TempFileLimit: "1GB",
	})
}

// rehearse does with a scratch database what the steps do with an attempt:
// each right of the service role is tried for real.
func (e *examination) rehearse(ctx context.Context, server *pg.Server, template bool) {
	s, err := begin(ctx, server, e.names())
	if err != nil {
		e.fail("scratch database", err)
		return
	}
	defer func() {
		e.settle("drops", s.end(ctx), passed("database and login are gone again"))
	}()
	owner := e.cfg.Build.Database.OwnerRole
	source := "template0"
	if template {
		source = e.cfg.Build.Database.Template
	}
	began := time.Now()
	if !e.settle("creates databases", s.clone(ctx, source, owner), passed("cloned %s in %d ms", source, time.Since(began).Milliseconds())) {
		return
	}
	if !e.settle("creates logins", s.createLogin(ctx, owner), passed("a throw-away login with limits")) {
		return
	}
	conn, err := server.ConnectAs(ctx, s.login)
	if f := change.AsFailure(err); f != nil && f.SQLState != "" {
		err = f.WithHint("pg_hba.conf must let the logins %s…-login in from where the steps run, by scram-sha-256", e.cfg.Build.Database.Prefix)
	}
	if !e.settle("the login gets in", err, passed("from this machine, into its own database")) {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if template { // with the eyes of a changelog
		e.settle("works as the owner", works(owner, func(sql string) ([]string, error) { return pg.Texts(ctx, conn, sql) }),
			passed("creates schemas, and tables in public"))
		filled, err := pg.FilledTables(ctx, conn)
		e.emptiness(filled, err)
	}
	if conn.IsClosed() { // so that its end would prove nothing
		e.note("ends sessions", unknown("not tried: the session of the login broke off before", ""))
		return
	}
	e.settle("ends sessions", ended(ctx, s, conn.Ping), passed("as before a swap and a drop"))
}

// emptiness judges what was found in the template's tables.
func (e *examination) emptiness(filled []string, err error) {
	filled = slices.DeleteFunc(filled, func(table string) bool { return slices.Contains(e.cfg.RowsAllowed, table) })
	switch {
	case err != nil:
		err = fmt.Errorf("look for rows as the owner role: %w", pg.Classify(err))
	case len(filled) > 0:
		err = change.Failf(change.KindConfiguration, "%s holds rows, in %s", e.cfg.Build.Database.Template, some(filled)).
			WithHint("a template holds structure only: make it again by prepare-template, or allow them with PATCHBAY_ROWS_ALLOWED")
	}
	e.settle("template is empty", err, passed("no rows"))
}

// works tries what changelogs do, by query.
func works(owner string, query func(sql string) ([]string, error)) error {
	user, err := query("SELECT current_user::text")
	if err != nil {
		return pg.Classify(err)
	}
	if user[0] != owner {
		return change.Failf(change.KindConfiguration, "the login works as %s, not as %s", user[0], owner)
	}
	for _, sql := range []string{
		"CREATE SCHEMA patchbay_doctor", "CREATE TABLE public.patchbay_doctor ()", "DROP TABLE public.patchbay_doctor", "DROP SCHEMA patchbay_doctor",
	} {
		if _, err := query(sql); err != nil {
			f := pg.Classify(err)
			f.Message = sql + ": " + f.Message
			if f.SQLState == "" { // the connection's fault, not the template's
				return f
			}
			f.Kind = change.KindConfiguration
			return f.WithHint("changelogs need USAGE and CREATE on schema public of the template for %s: make it by prepare-template", owner)
		}
	}
	return nil
}

// ended says that a session of the login really is gone.
func ended(ctx context.Context, s *scratch, ping func(context.Context) error) error {
	if err := s.server.EndSessions(ctx, s.name); err != nil {
		return err
	}
	if ping(ctx) == nil {
		return change.Failf(change.KindConfiguration, "the session of a throw-away login lives on").
			WithHint("as superuser: GRANT pg_signal_backend TO %s;", pg.Ident(s.server.User()))
	}
	return nil
}
