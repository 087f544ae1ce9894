package candidate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Created is what Create did.
type Created struct {
	Outcome  change.Outcome // Created, Reused, Superseded, Limited or BaseFailed
	Reason   string
	Database string // the attempt, or what is reused
	BaseMade bool
	Holders  []int // of outcome Limited
	Plan     *Plan

	lock *pg.Lock // of the change
}

// Create makes the attempt of a run, or finds that nothing needs to be made.
// With outcome BaseFailed the error says why the base does not deploy.
func (b *Builder) Create(ctx context.Context, r Run) (_ *Created, err error) {
	began := time.Now()
	if err := b.checkRoles(ctx); err != nil {
		return nil, err
	}
	lock, err := b.lock(ctx, b.Names.Candidate(r.PatchSet.Change), r.PatchSet.String())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	content, err := b.templateSince(ctx, began)
	if err != nil {
		return nil, err
	}
	plan, err := b.plan(ctx, r, content)
	if err != nil {
		return nil, err
	}
	all, err := b.standing(ctx)
	if err != nil {
		return &Created{Plan: plan}, err
	}
	c, err := b.create(ctx, r, Decide(r, plan.InputDigest, "", all), &Created{Plan: plan, lock: lock}, all)
	if f := change.AsFailure(err); f != nil && f.Kind == change.KindBase {
		c.Outcome = change.BaseFailed
	}
	return c, err
}

func (b *Builder) create(ctx context.Context, r Run, d Decision, c *Created, all []Standing) (*Created, error) {
	c.Outcome, c.Reason = d.Outcome, d.Reason
	switch d.Outcome {
	case change.Refused:
		return c, change.Failf(change.KindConfiguration, "%s", d.Reason).
			WithHint("give each registry a prefix of its own (PATCHBAY_PREFIX), or remove that database")
	case change.Superseded:
		return c, nil
	}
	if err := b.clear(ctx, r.PatchSet.Change, d.Drop, all); err != nil {
		return c, err
	}
	if d.Outcome == change.Reused {
		c.Database = d.Reuse
		return c, b.adopt(ctx, r, c, all)
	}
	if b.limited(r, c, all) {
		return c, nil
	}
	return c, b.cloneFromBase(ctx, r, c, d.Drop)
}

// cloneFromBase makes the attempt from its base database. Nothing is locked
// between finding that and cloning it, so reconcile may have dropped it: then
// it is made again.
func (b *Builder) cloneFromBase(ctx context.Context, r Run, c *Created, dropped []string) error {
	for try := 1; ; try++ {
		made, err := b.ensureBase(ctx, r, c.Plan)
		if err != nil {
			return err
		}
		c.BaseMade = c.BaseMade || made
		err = b.cloneAttempt(ctx, r, c, dropped)
		if !errors.Is(err, pg.ErrNoDatabase) || try == 3 {
			return err
		}
		b.Say("the base database " + c.Plan.BaseDatabase + " was dropped meanwhile")
	}
}

// clear removes what other runs of the change have left.
func (b *Builder) clear(ctx context.Context, number int, drop []string, all []Standing) error {
	for _, name := range drop {
		if err := b.discard(ctx, name); err != nil {
			return err
		}
	}
	return b.dropStrayLogins(ctx, databasesOf(all), func(n pg.Name) bool {
		return n.Kind == pg.Attempt && n.Change == number
	})
}

func databasesOf(all []Standing) (databases []pg.Database) {
	for _, s := range all {
		databases = append(databases, s.Database)
	}
	return databases
}

func (b *Builder) standing(ctx context.Context) ([]Standing, error) {
	return List(ctx, b.Server, b.Names)
}

// adopt makes the reused database this patch set's: same content, later name.
func (b *Builder) adopt(ctx context.Context, r Run, c *Created, all []Standing) error {
	at := slices.IndexFunc(all, func(s Standing) bool { return s.Name == c.Database })
	p := *all[at].Provenance
	p.PatchSet, p.Branch, p.Base, p.Attempt, p.Version = r.PatchSet, r.Branch, r.Base, r.Attempt, r.Version
	comment, err := p.Comment()
	if err != nil {
		return err
	}
	return b.Server.Comment(ctx, c.Database, comment)
}

// limited says that no place is left, and who holds the places.
func (b *Builder) limited(r Run, c *Created, all []Standing) bool {
	limit := b.Settings.MaxCandidates
	holders, held := Holders(r, all)
	if limit == 0 || held || r.PatchSet.Change == 0 || len(holders) < limit {
		return false
	}
	c.Outcome, c.Holders = change.Limited, holders
	c.Reason = fmt.Sprintf("%d of %d places are taken", len(holders), limit)
	return true
}

// cloneAttempt takes the place and makes the attempt. Places are counted
// under a lock of their own, or two runs could take the last one. The name is
// never that of a database that was dropped for it: the run that made that one
// would take the new one for its own.
func (b *Builder) cloneAttempt(ctx context.Context, r Run, c *Created, dropped []string) error {
	release, err := c.lock.And(ctx, b.Names.Prefix+"places", b.LockTimeout, b.waiting("the places"))
	if err != nil {
		return err
	}
	defer release()
	all, err := b.standing(ctx)
	if err != nil || b.limited(r, c, all) {
		return err
	}
	comment, err := b.provenance(r, c.Plan, StateCreated).Comment()
	if err != nil {
		return err
	}
	now, err := b.Server.Now(ctx)
	if err != nil {
		return err
	}
	first := stamp(now)
	for _, name := range dropped {
		first = max(first, b.Names.Parse(name).Stamp+1)
	}
	for s := first; ; s++ { // one more if taken
		c.Database = b.Names.Attempt(r.PatchSet.Change, r.PatchSet.PatchSet, s)
		err := b.makeAttempt(ctx, c.Plan, c.Database, comment, all)
		if !errors.Is(err, pg.ErrExists) {
			return err
		}
	}
}

func (b *Builder) provenance(r Run, p *Plan, state string) Provenance {
	return Provenance{
		State: state, Gerrit: r.Gerrit, PatchSet: r.PatchSet, Branch: r.Branch, Base: r.Base, Attempt: r.Attempt,
		BaseDigest: p.BaseDigest, InputDigest: p.InputDigest, Engine: b.Engine.Name(), Version: r.Version,
	}
}
