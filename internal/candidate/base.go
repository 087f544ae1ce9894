package candidate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// ensureBase makes sure that the base database exists; made says that this
// run made it. However many runs wait for it, one makes it.
func (b *Builder) ensureBase(ctx context.Context, r Run, p *Plan) (made bool, err error) {
	if there, err := b.hasBase(ctx, p); there || err != nil {
		return false, err
	}
	lock, err := b.lock(ctx, p.BaseDatabase, "the base database")
	if err != nil {
		return false, err
	}
	defer lock.Release()
	if there, err := b.hasBase(ctx, p); there || err != nil {
		return false, err
	}
	if err := b.dropBaseRemains(ctx, p); err != nil {
		return false, err
	}
	return true, b.makeBase(ctx, r, p)
}

func (b *Builder) hasBase(ctx context.Context, p *Plan) (bool, error) {
	database, err := b.Server.Database(ctx, p.BaseDatabase)
	if err != nil || database == nil {
		return false, err
	}
	if database.Invalid && database.Owner == b.Server.User() {
		return false, nil // half dropped: it is dropped for good and made again
	}
	if database.Owner != b.Server.User() || database.AllowConnections {
		return false, change.Failf(change.KindConfiguration, "database %s has a base database's name but is not one of %s",
			p.BaseDatabase, b.Server.User()).WithHint("drop or rename it")
	}
	return true, nil
}

// dropBaseRemains removes what killed runs left, half made or half dropped:
// the lock is ours, so nobody works on it.
func (b *Builder) dropBaseRemains(ctx context.Context, p *Plan) error {
	all, err := b.Server.Databases(ctx, b.Names)
	if err != nil {
		return err
	}
	for _, d := range all {
		remains := d.Parsed.Kind == pg.BaseAttempt || d.Parsed.Kind == pg.Base && d.Invalid
		if !remains || d.Parsed.Digest != p.BaseDigest {
			continue
		}
		if err := b.discard(ctx, d.Name); err != nil {
			return err
		}
	}
	return b.dropStrayLogins(ctx, all, func(n pg.Name) bool {
		return n.Kind == pg.BaseAttempt && n.Digest == p.BaseDigest
	})
}

// makeBase builds under an attempt's name and renames last, so that the final
// name always means complete.
func (b *Builder) makeBase(ctx context.Context, r Run, p *Plan) (err error) {
	now, err := b.Server.Now(ctx)
	if err != nil {
		return err
	}
	comment, err := b.baseProvenance(r, p).Comment()
	if err != nil {
		return err
	}
	name := b.Names.BaseAttempt(p.BaseDigest, stamp(now))
	b.Say(fmt.Sprintf("making the base database %s from the template and commit %s", p.BaseDatabase, short(r.Base)))
	if err := b.clone(ctx, b.Names.Template, name, comment); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.discard(ctx, name))
		}
	}()
	if err := b.sameTemplate(ctx, p); err != nil {
		return err
	}
	if err := b.deployBase(ctx, r, p, name); err != nil {
		return err
	}
	if comment, err = b.describe(ctx, name, b.baseProvenance(r, p)); err != nil {
		return err
	}
	if err := b.Server.Freeze(ctx, name, p.BaseDatabase, comment); err != nil {
		return fmt.Errorf("close the base database: %w", err)
	}
	return nil
}

// sameTemplate: the digest that the base database will be called by was
// computed before the clone was made.
func (b *Builder) sameTemplate(ctx context.Context, p *Plan) error {
	now, err := b.templateFingerprint(ctx)
	if err != nil || now == p.TemplateDigest {
		return err
	}
	return change.Failf(change.KindInfrastructure, "the template database %s was changed meanwhile", b.Names.Template).
		WithHint("run the pipeline of this patch set again")
}

// deployBase applies the base's own changelog; its failure is nobody's fault
// but the branch's.
func (b *Builder) deployBase(ctx context.Context, r Run, p *Plan, name string) error {
	if r.Base == "" || empty(r.BaseTrees) {
		return nil
	}
	report, err := b.deploy(ctx, deployment{database: name, revision: r.Base, parameters: p.BaseParameters})
	if err == nil {
		return nil
	}
	for _, warning := range report.Warnings {
		b.Say(warning)
	}
	f := change.AsFailure(err).InPhase("base")
	if f.Kind == change.KindCandidate {
		f.Kind = change.KindBase
		f.Hint = fmt.Sprintf("commit %s of the target branch does not deploy; repair the branch", short(r.Base))
	}
	return f
}

func (b *Builder) baseProvenance(r Run, p *Plan) Provenance {
	return Provenance{
		State: StateBase, Gerrit: r.Gerrit, PatchSet: change.PatchSet{Project: r.PatchSet.Project},
		Base: r.Base, BaseDigest: p.BaseDigest, Engine: b.Engine.Name(), Version: r.Version,
	}
}

// clone makes a database of ours from another.
func (b *Builder) clone(ctx context.Context, source, name, comment string) error {
	err := b.Server.Clone(ctx, source, name, pg.Access{Owner: b.Owner, Comment: comment}, b.Say)
	if errors.Is(err, pg.ErrNoDatabase) && source == b.Names.Template {
		return b.noTemplate()
	}
	return err
}

func (b *Builder) noTemplate() error {
	return change.Failf(change.KindInfrastructure, "the template database %s does not exist", b.Names.Template).
		WithHint("make it with: prepare-template --environment dev --template %s", b.Names.Template)
}

// lock waits for a lock and tells so.
func (b *Builder) lock(ctx context.Context, name, what string) (*pg.Lock, error) {
	return b.Server.Lock(ctx, name, b.LockTimeout, b.waiting(what))
}

func (b *Builder) waiting(what string) func(time.Duration) {
	return func(waited time.Duration) {
		b.Say(fmt.Sprintf("another run holds %s; waited %s so far", what, waited.Round(time.Second)))
	}
}

// stamp is a time as names carry it.
func stamp(t time.Time) uint32 { return uint32(t.Unix()) } //nolint:gosec // until 2106

func short(revision string) string { return revision[:min(12, len(revision))] }
