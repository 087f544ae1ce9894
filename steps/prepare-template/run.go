package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
)

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	result := &change.PrepareTemplate{Template: cfg.Database.Template, Source: cfg.source(), Roles: []string{}}
	err := prepare(ctx, s, cfg, result)
	switch {
	case errors.Is(err, errRows):
		return s.Fail(result, change.Refused, err)
	case err != nil:
		return s.Fail(result, change.Failed, err)
	case cfg.DryRun:
		result.Outcome = change.Nothing
	default:
		result.Outcome = change.Done
	}
	return s.Write(result)
}

func prepare(ctx context.Context, s *step.Session, cfg *Config, result *change.PrepareTemplate) error {
	server, err := pg.Connect(ctx, pg.Config{
		URL: cfg.Database.URL.Value(), AdminDatabase: cfg.Database.AdminDatabase, SSLRootCert: s.Getenv("PGSSLROOTCERT"),
	})
	if err != nil {
		return err
	}
	defer server.Close(context.WithoutCancel(ctx))
	lock, err := server.Lock(ctx, cfg.Database.Template, cfg.Database.LockTimeout, func(held time.Duration) {
		s.Log.Info().Dur("waited", held).Msg("another run makes this template")
	})
	if err != nil {
		return err
	}
	defer lock.Release()
	roles, err := lookAtRoles(ctx, server, cfg)
	if err != nil {
		return err
	}
	if result.Grants = roles.grants(); len(result.Grants) > 0 {
		return change.Failf(change.KindConfiguration, "rights are missing that only a DBA can give").
			WithHint("as superuser: %s; see docs/postgresql-grants.md", strings.Join(result.Grants, " "))
	}
	if result.Advice = roles.advice(); len(result.Advice) > 0 {
		s.Log.Warn().Msgf("the service role may not set up the reader role; a DBA should run: %s", strings.Join(result.Advice, " "))
	}
	old, err := replaceable(ctx, server, cfg)
	if err != nil {
		return err
	}
	result.Roles, result.Replaced = roles.missing(), old != nil
	if cfg.DryRun {
		s.Log.Info().Strs("roles", result.Roles).Bool("replace", old != nil).Str("source", result.Source).Msg("dry run: nothing was changed")
		return nil
	}
	if err := roles.make(ctx, server); err != nil {
		return err
	}
	b := &builder{
		server: server, lock: lock, cfg: cfg, version: s.Version, env: s.Getenv,
		say: func(message string) { s.Log.Info().Msg(message) },
	}
	if result.Replaced, err = b.build(ctx); err != nil {
		return err
	}
	s.Log.Info().Str("template", result.Template).Bool("replaced", result.Replaced).Str("source", result.Source).Msg("the template is there")
	return nil
}

// replaceable gives the template that is there, if we made it: a database that
// merely has its name may be anything.
func replaceable(ctx context.Context, server *pg.Server, cfg *Config) (*pg.Database, error) {
	old, err := server.Database(ctx, cfg.Database.Template)
	if err != nil || old == nil {
		return nil, err
	}
	if !madeHere(old.Comment) && !old.Invalid {
		return nil, change.Failf(change.KindConfiguration, "database %q was not made by prepare-template: it is not replaced", old.Name).
			WithHint("rename or drop it, or give another name by --template")
	}
	if old.Owner != server.User() {
		return nil, change.Failf(change.KindConfiguration, "template %q belongs to %s", old.Name, old.Owner).
			WithHint("as superuser: ALTER DATABASE %s OWNER TO %s;", pg.Ident(old.Name), pg.Ident(server.User()))
	}
	return old, nil
}
