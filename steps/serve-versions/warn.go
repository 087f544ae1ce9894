package main

import (
	"context"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/versions"
)

// warn tells of what works and still is not as it should be. It asks in
// sessions of its own, which do not outlive the question; a server that does
// not answer is told of by whoever wants something of it.
func warn(ctx context.Context, s *step.Session, cfg *Config, v *versions.Versions) {
	master, variable := cfg.Databases.URL, "DATABASE_URL"
	if cfg.Databases.MasterURL != "" {
		warnOfRights(ctx, s, cfg, question{cfg.Databases.URL, variable, ""})
		master, variable = cfg.Databases.MasterURL, "PATCHBAY_MASTER_URL"
	}
	q := question{master, variable, v.MasterDatabase}
	warnOfRights(ctx, s, cfg, q)
	q.ask(cfg, func(r *pg.Readers) {
		missing, err := r.MissingSchemas(ctx, q.database, cfg.Shown.Schemas)
		if err == nil && len(missing) > 0 {
			s.Log.Warn().Str("variable", "PATCHBAY_SCHEMAS").Msg("master's database has no schema " + strings.Join(missing, ", "))
		}
	})
}

// question is where something is asked; without a database in any that there
// is.
type question struct {
	url                step.Secret
	variable, database string
}

func (q question) ask(cfg *Config, with func(*pg.Readers)) {
	r, err := readers(cfg, q.url, q.variable)
	if err != nil {
		return // open has told of it
	}
	defer r.Close()
	with(r)
}

// warnOfRights: a reader needs CONNECT and nothing else. One that could see
// rows is a risk that nobody has to take.
func warnOfRights(ctx context.Context, s *step.Session, cfg *Config, q question) {
	q.ask(cfg, func(r *pg.Readers) {
		if reasons, err := r.Excess(ctx, q.database); err == nil && len(reasons) > 0 {
			s.Log.Warn().Str("reader", r.User()).Str("variable", q.variable).Str("database", q.database).
				Msg("the reader has rights to rows: " + strings.Join(reasons, "; ") + "; CONNECT is all that it needs")
		}
	})
}
