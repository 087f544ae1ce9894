package candidate

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// Reused repeats what a published database says of itself, when it still is
// the one that create-temp-db found for this very run. When it is gone, or
// another run has made it its own, the outcome is Superseded.
func (b *Builder) Reused(ctx context.Context, created *change.CreateTempDB) (*Applied, error) {
	lock, err := b.lock(ctx, b.Names.Candidate(created.Change), created.PatchSet.String())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	d, err := b.Server.Database(ctx, created.Database)
	if err != nil {
		return nil, err
	}
	if !foundFor(created, d) {
		return takenOver(created.Database), nil
	}
	return b.reuse(ctx, d)
}

func takenOver(database string) *Applied {
	return &Applied{Outcome: change.Superseded, Reason: "another run has taken over the database", Database: database}
}

// foundFor says that a database still is what create-temp-db has adopted.
func foundFor(created *change.CreateTempDB, d *pg.Database) bool {
	if d == nil || d.Invalid {
		return false
	}
	p := ParseProvenance(d.Comment)
	return p != nil && p.State == StatePublished && p.InputDigest == created.InputDigest &&
		p.PatchSet == created.PatchSet && p.Attempt == created.Attempt
}

// reuse reads the structure and the recorded difference of a published
// database. The change's lock is held.
func (b *Builder) reuse(ctx context.Context, d *pg.Database) (a *Applied, err error) {
	a = &Applied{Outcome: change.Reused, Database: d.Name}
	if a.Difference, err = schema.Decode[schema.Difference](ParseProvenance(d.Comment).Difference); err != nil {
		return nil, change.Failf(change.KindInfrastructure, "read the difference in the comment of %s: %w", d.Name, err)
	}
	published := b.observe(d.Name)
	defer published.End(ctx)
	a.Candidate, err = published.Read(ctx)
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
