package main

import (
	"context"
	"errors"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "create-temp-db",
	Contract: `create-temp-db gives a patch set its database.

Reads:  get-changes.json, PostgreSQL, git objects.
Does:   reuses registry-dev-<change> when nothing that could change its content
        differs; else makes sure that the base database exists (template, then
        the changelog of the base; made once, then closed) and clones it into
        an attempt, registry-dev-<change>-<patch set>-<attempt>.
Writes: create-temp-db.json, also to stdout. Outcomes: created, reused,
        superseded, limited, base-failed, skipped; failed with a "failure".`,
	Examples: []string{
		"create-temp-db                                 in a pipeline, after get-changes",
		"PATCHBAY_CHANGELOG=migrations create-temp-db   a folder of *.sql files: goose",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	PatchSet    step.PatchSet     `embed:""`
	Gerrit      step.GerritServer `embed:""` // part of a database's provenance
	Build       candidate.Config  `embed:""`
}

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	patchSet := cfg.PatchSet.Value()
	result := &change.CreateTempDB{Header: change.Header{PatchSet: patchSet}}
	before, err := step.Require[change.GetChanges](s.RunDir, "get-changes", patchSet, "")
	if err != nil {
		return s.Fail(result, change.Failed, err)
	}
	result.Base, result.Attempt = before.Base, before.Attempt
	if reason, ended := before.EndedTheWay(); ended {
		result.Outcome, result.Reason = change.Skipped, reason
		return s.Write(result)
	}
	created, err := create(ctx, s, cfg, before, result)
	if err != nil {
		outcome := change.Failed
		if created != nil && created.Outcome == change.BaseFailed {
			outcome = change.BaseFailed
		}
		return s.Fail(result, outcome, err)
	}
	s.Log.Info().Str("outcome", string(created.Outcome)).Str("database", created.Database).Msg(created.Reason)
	return errors.Join(s.Write(result), s.CI.Output("database", result.Database))
}

// create builds and fills in the result, as far as it came.
func create(ctx context.Context, s *step.Session, cfg *Config, before *change.GetChanges, result *change.CreateTempDB) (*candidate.Created, error) {
	builder, err := cfg.Build.OpenToCreate(ctx, s, candidate.Recorded(before))
	if err != nil {
		return nil, err
	}
	defer builder.Close(ctx)
	created, err := builder.Create(ctx, candidate.RunOf(before, string(cfg.Gerrit.URL), s.Version))
	if created != nil {
		result.Outcome, result.Reason, result.Database = created.Outcome, created.Reason, created.Database
		result.BaseMade, result.Holders, result.Engine = created.BaseMade, created.Holders, builder.Engine.Name()
		result.BaseDatabase, result.BaseDigest = created.Plan.BaseDatabase, created.Plan.BaseDigest
		result.InputDigest, result.TemplateDigest = created.Plan.InputDigest, created.Plan.TemplateDigest
	}
	return created, err
}
