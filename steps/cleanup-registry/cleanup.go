package main

import (
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/sql"
)

var program = step.Program{
	Name: "cleanup-registry",
	Contract: `cleanup-registry tears an environment down.

Reads:  PostgreSQL.
Does:   shows what it will drop; with the prefix repeated as a confirmation it
        drops all candidate, attempt and base databases of that prefix and
        their throw-away logins, the template last. Sessions are ended. What
        cannot be dropped does not keep it from the rest. Every other database
        is left alone, however much its name looks like one of ours; so are
        the owner role and the reader role.
Writes: cleanup-registry.json, also to stdout. Outcomes: done, nothing-to-do
        (nothing is there, or --dry-run), refused (not confirmed), failed.`,
	Exits: `0 done or nothing to do; 1 something is left, a server, a network;
2 input, or not confirmed.`,
	Examples: []string{
		"cleanup-registry --environment dev --dry-run              what would be dropped",
		"cleanup-registry --environment dev                        asks at a terminal",
		"cleanup-registry --environment dev --yes registry-dev-    in a pipeline",
		"cleanup-registry --print-sql >CleanupRegistry.sql         the same for psql",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	Database    step.Database    `embed:""`
	Environment step.Environment `embed:""`
	Yes         string           `name:"yes" placeholder:"PREFIX" help:"Confirms the teardown by repeating the prefix. It has no variable: what stands in every environment confirms nothing."`
	AnyTemplate bool             `name:"any-template" help:"Drop the template also when prepare-template did not make it."`
	PrintSQL    bool             `name:"print-sql" help:"Write a file for psql that does the same to stdout, and end."`
	DryRun      bool             `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Show what would be dropped, drop nothing."`
}

func (c *Config) names() pg.Names {
	return pg.Names{Prefix: c.Database.Prefix, Template: c.Database.Template}
}

// Faults lists what is missing or malformed.
func (c *Config) Faults() []error {
	faults := c.Environment.RequireDev("cleanup-registry")
	faults = append(faults, c.names().Faults()...)
	if c.Yes != "" && c.Yes != c.Database.Prefix {
		faults = append(faults, fmt.Errorf("--yes %s: the prefix is %s; to tear that down, repeat it", c.Yes, c.Database.Prefix))
	}
	return faults
}

// WaivesFaults: to print the file needs no server.
func (c *Config) WaivesFaults() bool { return c.PrintSQL }

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	if cfg.PrintSQL {
		_, err := fmt.Fprint(s.Stdout, sql.CleanupRegistry)
		return err
	}
	result := &change.CleanupRegistry{
		Prefix: cfg.Database.Prefix, Template: cfg.Database.Template, DryRun: cfg.DryRun,
		Planned: []string{}, Dropped: []string{}, Left: []change.Left{},
	}
	t := &teardown{Session: s, cfg: cfg, names: cfg.names(), result: result, left: map[string]change.Left{}}
	outcome, err := t.run(ctx)
	if err != nil {
		return s.Fail(result, outcome, err)
	}
	result.Outcome = outcome
	return s.Write(result)
}
