package candidate

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

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

	standing []Standing // as found under the change's lock
	asked    time.Time
	answer   func() (current bool, reason string, err error) // of what was asked ahead; nil: nothing was
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
	if in.unchanged() { // then there is nothing to do until the answer comes
		in.asked, in.answer = time.Now(), in.ask(ctx)
	}
	if err := b.checkRoles(ctx); err != nil {
		return nil, err
	}
	public := place{name: b.Names.Candidate(in.Run.PatchSet.Change)}
	if public.lock, err = b.lock(ctx, public.name, in.Run.PatchSet.String()); err != nil {
		return nil, err
	}
	defer func() { b.leave(ctx, public.lock, in.Plan, err) }()
	all, err := b.standing(ctx)
	if err != nil {
		return nil, err
	}
	if at := slices.IndexFunc(all, in.published); at >= 0 {
		return b.reuse(ctx, &all[at].Database)
	}
	a := &Applied{Database: public.name}
	if a.Reason, err = b.overtaken(in, all); err != nil {
		return a, err
	}
	if a.Reason != "" {
		a.Outcome = change.Superseded
		return a, b.discard(ctx, in.Attempt)
	}
	public.oid, in.standing = oidOf(public.name, all), all
	return a, b.settle(ctx, in, a, public, b.applyAndPublish(ctx, in, a, public))
}

// applyAndPublish: the outcome is Applied only when readers see the result.
func (b *Builder) applyAndPublish(ctx context.Context, in Application, a *Applied, public place) error {
	attempt := b.observe(in.Attempt)
	err := b.apply(ctx, in, a, attempt)
	attempt.End(ctx)
	if err != nil || a.Outcome != "" {
		return err
	}
	if err := public.lock.Held(ctx); err != nil {
		return err
	}
	if err := b.publish(ctx, in, a); err != nil {
		return err
	}
	a.Outcome = change.Applied
	return nil
}

// published is for a step that is repeated after this very run has published
// its database: its result was lost, nothing else.
func (in Application) published(s Standing) bool {
	p := s.Provenance
	return s.Parsed.Kind == pg.Candidate && s.Parsed.Change == in.Run.PatchSet.Change &&
		p != nil && p.Gerrit == in.Run.Gerrit && p.PatchSet == in.Run.PatchSet && p.Attempt == in.Run.Attempt &&
		p.State == StatePublished && p.InputDigest == in.Plan.InputDigest && p.Difference != ""
}

// overtaken says why this attempt is not the one to go on, "" when it is.
func (b *Builder) overtaken(in Application, all []Standing) (string, error) {
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
// is still the current one. Without an error the outcome is Superseded, or
// still open: there is something to publish.
func (b *Builder) apply(ctx context.Context, in Application, a *Applied, attempt *schema.Session) (err error) {
	var failed error
	if !in.unchanged() {
		failed = b.deployCandidate(ctx, in, a, attempt)
		if failed != nil && change.AsFailure(failed).Kind != change.KindCandidate {
			return failed
		}
	}
	answer := in.answer
	if answer == nil || time.Since(in.asked) > lockWaits {
		answer = in.ask(ctx)
	}
	if failed == nil {
		if err := b.compare(ctx, in, a, attempt); err != nil {
			return err
		}
	}
	current, reason, err := answer()
	switch {
	case err != nil:
		return errors.Join(err, failed)
	case !current:
		a.Outcome, a.Reason = change.Superseded, reason
		return nil
	case failed != nil:
		a.Outcome = change.Failed
	}
	return failed
}

// ask puts the question to Gerrit; the answer is waited for when there is
// nothing else left to do.
func (in Application) ask(ctx context.Context) (answer func() (current bool, reason string, err error)) {
	if in.Current == nil {
		return func() (bool, string, error) { return true, "", nil }
	}
	var current bool
	var reason string
	var err error
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		current, reason, err = in.Current(ctx)
	}()
	return func() (bool, string, error) {
		<-answered
		return current, reason, err
	}
}

func (b *Builder) deployCandidate(ctx context.Context, in Application, a *Applied, attempt *schema.Session) error {
	report, err := b.deploy(ctx, deployment{
		database: in.Attempt, revision: in.Run.PatchSet.Revision, parameters: in.Plan.Parameters, candidate: true, previous: previous(in.Run),
		first: func(ctx context.Context) error { return b.lookBefore(ctx, in, a, attempt) },
	})
	a.Changesets, a.Warnings = report.Changesets, report.Warnings
	if err != nil && a.EngineRan {
		return change.AsFailure(err).InPhase("candidate")
	}
	return err
}

// lookBefore takes the snapshot of the base and notes that the attempt is not
// a clone of it any more.
func (b *Builder) lookBefore(ctx context.Context, in Application, a *Applied, attempt *schema.Session) (err error) {
	if a.Base, err = b.baseOf(ctx, in, attempt); err != nil {
		return err
	}
	if err := attempt.Open(ctx); err != nil { // now: there is nothing to wait for later
		return err
	}
	comment, err := b.provenance(in.Run, in.Plan, StateApplying).Comment()
	if err != nil {
		return err
	}
	a.EngineRan = true
	return b.Server.Comment(ctx, in.Attempt, comment)
}

// compare reads what the engine has made of the base; without one there is
// nothing but the base.
func (b *Builder) compare(ctx context.Context, in Application, a *Applied, attempt *schema.Session) (err error) {
	if a.EngineRan {
		a.Candidate, err = attempt.Read(ctx)
	} else {
		a.Base, err = b.baseOf(ctx, in, attempt)
		a.Candidate = a.Base
	}
	if err != nil {
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

// observe reads the structure of a database but for the engines' own tables.
// The caller ends it.
func (b *Builder) observe(database string) *schema.Session {
	return &schema.Session{Server: b.Server, Database: database, Options: schema.Options{Hide: b.Settings.Changelog.TrackingTables()}}
}
