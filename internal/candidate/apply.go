package candidate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// differenceLimit is how much of a comment the compressed difference takes.
const differenceLimit = 64 << 10

// Application is the input of Apply.
type Application struct {
	Run        Run
	Plan       *Plan
	Attempt    string // the attempt's database
	KeepFailed bool
	// Current says whether the patch set still is the change's current one and
	// the change open; reason says why not. It is asked once, before anything
	// that readers see is touched. nil: nobody to ask.
	Current func(context.Context) (current bool, reason string, err error)
}

// Applied is what Apply did. Snapshots and difference are nil unless the
// outcome is Applied.
type Applied struct {
	Outcome    change.Outcome // Applied, Superseded or Failed; Reused when this run had published before
	Reason     string
	Database   string
	Base       *schema.Snapshot
	Candidate  *schema.Snapshot
	Difference *schema.Difference
	EngineRan  bool
	Changesets []string
	Warnings   []string
	Kept       string
}

// Apply brings the attempt to the candidate's model and swaps it into the
// public name. When the candidate is at fault the outcome is Failed and the
// error says where; then no database of an older patch set stays either.
func (b *Builder) Apply(ctx context.Context, in Application) (_ *Applied, err error) {
	if err := b.Server.CheckOwnerRole(ctx, b.Owner); err != nil {
		return nil, err
	}
	lock, err := b.lock(ctx, b.Names.Candidate(in.Run.PatchSet.Change), in.Run.PatchSet.String())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if again, err := b.again(ctx, in); again != nil || err != nil {
		return again, err
	}
	a := &Applied{Database: b.Names.Candidate(in.Run.PatchSet.Change)}
	if a.Reason, err = b.overtaken(ctx, in); err != nil {
		return a, err
	}
	if a.Reason != "" {
		a.Outcome = change.Superseded
		return a, b.discard(ctx, in.Attempt)
	}
	err = b.apply(ctx, in, a)
	if err == nil && a.Outcome == change.Applied {
		if err = lock.Held(ctx); err == nil {
			err = b.publish(ctx, in, a)
		}
	}
	return a, b.settle(ctx, in, a, err)
}

// again is for a step that is repeated after this very run has published its
// database: its result was lost, nothing else.
func (b *Builder) again(ctx context.Context, in Application) (*Applied, error) {
	public, err := b.Server.Database(ctx, b.Names.Candidate(in.Run.PatchSet.Change))
	if err != nil || public == nil {
		return nil, err
	}
	p := ParseProvenance(public.Comment)
	if p == nil || p.Gerrit != in.Run.Gerrit || p.PatchSet != in.Run.PatchSet || p.Attempt != in.Run.Attempt ||
		p.State != StatePublished || p.InputDigest != in.Plan.InputDigest || p.Difference == "" {
		return nil, nil //nolint:nilnil // not repeated: an answer of its own
	}
	return b.Reuse(ctx, public.Name, in.Plan.InputDigest)
}

// overtaken says why this attempt is not the one to go on, "" when it is.
func (b *Builder) overtaken(ctx context.Context, in Application) (string, error) {
	all, err := b.standing(ctx)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(all, func(s Standing) bool { return s.Name == in.Attempt })
	if at < 0 {
		return "its database is gone: a later attempt has removed it", nil
	}
	switch p := all[at].Provenance; {
	case p == nil || p.Attempt != in.Run.Attempt || p.InputDigest != in.Plan.InputDigest:
		return "", change.Failf(change.KindConfiguration, "database %s is not this run's", in.Attempt).WithHint("begin again with get-changes")
	case p.State != StateCreated:
		return "", change.Failf(change.KindInfrastructure, "an earlier run of this step was interrupted or failed on database %s", in.Attempt).
			WithHint("begin again with get-changes")
	}
	switch d := Decide(in.Run, in.Plan.InputDigest, in.Attempt, all); d.Outcome {
	case change.Superseded:
		return d.Reason, nil
	case change.Refused:
		return "", change.Failf(change.KindConfiguration, "%s", d.Reason)
	}
	return "", nil
}

// apply runs the engine between two snapshots and asks whether the patch set
// is still the current one.
func (b *Builder) apply(ctx context.Context, in Application, a *Applied) (err error) {
	if a.Base, err = b.snapshot(ctx, in.Attempt); err != nil {
		return err
	}
	failed := b.deployCandidate(ctx, in, a)
	if failed != nil && change.AsFailure(failed).Kind != change.KindCandidate {
		return failed
	}
	if in.Current != nil {
		current, reason, err := in.Current(ctx)
		if err != nil {
			return errors.Join(err, failed)
		}
		if !current {
			a.Outcome, a.Reason = change.Superseded, reason
			return nil
		}
	}
	if failed != nil {
		a.Outcome = change.Failed
		return failed
	}
	a.Outcome = change.Applied
	return nil
}

func (b *Builder) deployCandidate(ctx context.Context, in Application, a *Applied) error {
	if in.unchanged() {
		a.Candidate = a.Base
		a.Difference = schema.Compare(a.Base, a.Candidate)
		return nil
	}
	comment, err := b.provenance(in.Run, in.Plan, StateApplying).Comment()
	if err != nil {
		return err
	}
	if err := b.Server.Comment(ctx, in.Attempt, comment); err != nil {
		return err
	}
	a.EngineRan = true
	report, err := b.deploy(ctx, deployment{
		database: in.Attempt, revision: in.Run.PatchSet.Revision, parameters: in.Plan.Parameters, candidate: true, previous: previous(in.Run),
	})
	if err != nil {
		return change.AsFailure(err).InPhase("candidate")
	}
	a.Changesets, a.Warnings = report.Changesets, report.Warnings
	if a.Candidate, err = b.snapshot(ctx, in.Attempt); err != nil {
		return err
	}
	a.Difference = schema.Compare(a.Base, a.Candidate)
	return nil
}

// unchanged: parameters may come from files beside the model, so equal trees
// alone do not make equal databases.
func (in Application) unchanged() bool {
	return in.Run.Unchanged() && maps.Equal(in.Plan.BaseParameters, in.Plan.Parameters)
}

// previous is the base's commit when it has a model to compare with.
func previous(r Run) string {
	if empty(r.BaseTrees) {
		return ""
	}
	return r.Base
}

// snapshot reads the catalogs of a database, as the service role, which reads
// nothing else there.
func (b *Builder) snapshot(ctx context.Context, database string) (*schema.Snapshot, error) {
	conn, err := b.Server.Catalog(ctx, database)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	s, err := schema.Read(ctx, conn, schema.Options{Hide: b.tracking()})
	if err != nil {
		return nil, fmt.Errorf("read the catalogs of %s: %w", database, pg.Classify(err))
	}
	return s, nil
}

// settle clears up after an attempt that was not published.
func (b *Builder) settle(ctx context.Context, in Application, a *Applied, err error) error {
	switch {
	case err == nil && a.Outcome == change.Applied:
		return nil
	case err == nil: // superseded
		return b.discard(ctx, in.Attempt)
	case a.Outcome != change.Failed:
		return errors.Join(err, b.discard(ctx, in.Attempt))
	}
	if in.KeepFailed {
		a.Kept = in.Attempt
		return errors.Join(err, b.keep(ctx, in), b.retireOlder(ctx, a.Database))
	}
	return errors.Join(err, b.discard(ctx, in.Attempt), b.retireOlder(ctx, a.Database))
}

// keep marks a failed attempt, which the change's next run removes.
func (b *Builder) keep(ctx context.Context, in Application) error {
	comment, err := b.provenance(in.Run, in.Plan, StateFailed).Comment()
	if err != nil {
		return err
	}
	return b.Server.Comment(ctx, in.Attempt, comment)
}

// retireOlder drops what stands under the public name: the current patch set
// has no complete database. That it is ours was checked under the lock.
func (b *Builder) retireOlder(ctx context.Context, public string) error {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	return b.Server.Drop(ctx, b.Names, public)
}

// publish swaps the attempt into the public name and drops what it replaced.
func (b *Builder) publish(ctx context.Context, in Application, a *Applied) error {
	p := b.provenance(in.Run, in.Plan, StatePublished)
	p.Difference, _ = schema.Encode(a.Difference, differenceLimit)
	comment, err := p.Comment()
	if err != nil {
		return err
	}
	now, err := b.Server.Now(ctx)
	if err != nil {
		return err
	}
	retired := b.Names.Attempt(in.Run.PatchSet.Change, in.Run.PatchSet.PatchSet, stamp(now))
	if retired == in.Attempt { // cloned within this very second
		retired = b.Names.Attempt(in.Run.PatchSet.Change, in.Run.PatchSet.PatchSet, stamp(now)+1)
	}
	replaced, err := b.Server.Publish(ctx, pg.Publication{
		Attempt: in.Attempt, Public: a.Database, Retired: retired, Comment: comment, Owner: b.Owner, Reader: b.Reader,
	})
	if err != nil {
		return fmt.Errorf("swap %s into %s: %w", in.Attempt, a.Database, err)
	}
	if replaced {
		if err := b.Server.Drop(ctx, b.Names, retired); err != nil { // published all the same
			a.Warnings = append(a.Warnings, fmt.Sprintf("the replaced database stays as %s until the next run: %s", retired, change.AsFailure(err).Message))
		}
	}
	return nil
}

// tracking are the tables of the engines themselves: no part of the model.
func (b *Builder) tracking() []string {
	if table := b.Settings.Changelog.ChangelogTable; table != "" {
		return []string{table, table + "_lock"}
	}
	return []string{"databasechangelog", "databasechangeloglock", "goose_db_version"}
}
