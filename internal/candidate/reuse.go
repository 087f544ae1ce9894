package candidate

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// Reuse reads the structure and the recorded difference of a published
// database that has the same input digest. When it is gone or another one
// stands there by now, the outcome is Superseded.
func (b *Builder) Reuse(ctx context.Context, database, inputDigest string) (*Applied, error) {
	d, err := b.Server.Database(ctx, database)
	if err != nil {
		return nil, err
	}
	a := &Applied{Outcome: change.Reused, Database: database}
	var p *Provenance
	if d != nil {
		p = ParseProvenance(d.Comment)
	}
	if p == nil || p.InputDigest != inputDigest || p.State != StatePublished {
		a.Outcome, a.Reason = change.Superseded, "another run has replaced the database"
		return a, nil
	}
	if a.Difference, err = schema.Decode(p.Difference); err != nil {
		return nil, change.Failf(change.KindInfrastructure, "read the difference in the comment of %s: %w", database, err)
	}
	a.Candidate, err = b.snapshot(ctx, database)
	return a, err
}

// PlanAgain computes the plan of an earlier step in a later one. It refuses
// when the two differ: their settings or engines are not the same.
func (b *Builder) PlanAgain(ctx context.Context, r Run, created *change.CreateTempDB) (*Plan, error) {
	plan, err := b.plan(ctx, r, created.TemplateDigest)
	if err != nil {
		return nil, err
	}
	if plan.InputDigest != created.InputDigest {
		return nil, change.Failf(change.KindConfiguration, "the settings or the engine are not those of create-temp-db").
			WithHint("give both steps the same variables, then begin again with get-changes")
	}
	return plan, nil
}
