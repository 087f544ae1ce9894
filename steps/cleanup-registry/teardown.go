package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// teardown is one run of the step.
type teardown struct {
	*step.Session

	cfg      *Config
	names    pg.Names
	server   *pg.Server
	deadline time.Time // of waiting for locks, in all
	result   *change.CleanupRegistry
	left     map[string]change.Left // by name: what could not be dropped
}

func (t *teardown) run(ctx context.Context) (_ change.Outcome, err error) {
	t.server, err = pg.Connect(ctx, pg.Config{
		URL: t.cfg.Database.URL.Value(), AdminDatabase: t.cfg.Database.AdminDatabase, SSLRootCert: t.Getenv("PGSSLROOTCERT"),
	})
	if err != nil {
		return change.Failed, err
	}
	defer t.server.Close(context.WithoutCancel(ctx))
	p, err := t.look(ctx)
	if err != nil {
		return change.Failed, err
	}
	t.result.Planned = p.drops()
	for _, line := range p.lines() {
		t.Log.Info().Msg(line)
	}
	switch {
	case len(t.result.Planned) == 0 && p.kept == nil:
		t.Log.Info().Msgf("nothing of %s is there", t.cfg.Database.Prefix)
		return change.Nothing, nil
	case t.cfg.DryRun:
		t.Log.Info().Msgf("dry run: %d would be dropped, nothing was", len(t.result.Planned))
		return change.Nothing, nil
	}
	if len(t.result.Planned) > 0 {
		if err := t.confirm(ctx); err != nil {
			return change.Refused, err
		}
	}
	if err := errors.Join(t.tearDown(ctx), t.summarize()); err != nil {
		return change.Failed, err
	}
	t.Log.Info().Msgf("%d dropped, nothing of %s is left", len(t.result.Dropped), t.cfg.Database.Prefix)
	return change.Done, nil
}

// look lists what there is, without what an earlier round could not drop.
func (t *teardown) look(ctx context.Context) (plan, error) {
	all, err := candidate.List(ctx, t.server, t.names)
	if err != nil {
		return plan{}, err
	}
	logins, err := t.server.Logins(ctx, t.names)
	if err != nil {
		return plan{}, err
	}
	all = slices.DeleteFunc(all, func(s candidate.Standing) bool { return t.isLeft(s.Name) })
	for role := range logins {
		if t.isLeft(role) {
			delete(logins, role)
		}
	}
	return planFor(t.names, all, logins, t.cfg.AnyTemplate), nil
}

func (t *teardown) isLeft(name string) bool { return t.left[name].Name != "" }

// confirm takes the prefix, word for word, from --yes or from a person.
func (t *teardown) confirm(ctx context.Context) error {
	prefix := t.cfg.Database.Prefix
	if t.cfg.Yes == prefix {
		return nil
	}
	answer, asked, err := t.Ask(ctx, fmt.Sprintf("All of this is dropped for good. Type %s to go on: ", prefix))
	switch {
	case err != nil:
		return err
	case asked && answer != prefix:
		return change.Failf(change.KindConfiguration, "not confirmed: nothing was dropped").WithHint("the answer that confirms is %s", prefix)
	case !asked:
		return change.Failf(change.KindConfiguration, "not confirmed: nothing was dropped").WithHint("confirm with --yes %s", prefix)
	}
	return nil
}

// rounds is how often what has come meanwhile is dropped too.
const rounds = 3

// tearDown drops it all. The template's lock keeps a new one from being made;
// runs of changes are waited for, and may leave something new behind.
func (t *teardown) tearDown(ctx context.Context) error {
	t.deadline = time.Now().Add(t.cfg.Database.LockTimeout)
	lock, err := t.server.Lock(ctx, t.names.Template, t.cfg.Database.LockTimeout, t.waiting("prepare-template is at work"))
	if err != nil {
		return err
	}
	defer lock.Release()
	for range rounds {
		p, err := t.look(ctx)
		if err != nil {
			return err
		}
		if len(p.groups) == 0 {
			break
		}
		if err := t.dropGroups(ctx, lock, p.groups); err != nil {
			return err
		}
	}
	if err := t.dropTemplate(ctx, lock); err != nil {
		return err
	}
	return t.tellLeft(ctx)
}

func (t *teardown) waiting(what string) func(time.Duration) {
	return func(waited time.Duration) { t.Log.Info().Dur("waited", waited).Msg(what) }
}

// dropGroups does first what no run holds up, then waits for the others.
func (t *teardown) dropGroups(ctx context.Context, template *pg.Lock, groups []group) error {
	var busy []group
	for _, g := range groups {
		lock, err := template, error(nil)
		if g.lock != t.names.Template {
			if lock, err = t.server.TryLock(ctx, g.lock); err != nil {
				return err
			}
		}
		if lock == nil {
			busy = append(busy, g)
			continue
		}
		if err := t.dropGroup(ctx, lock, g.lock); err != nil {
			return err
		}
	}
	for _, g := range busy {
		if err := t.dropBusy(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (t *teardown) dropBusy(ctx context.Context, g group) error {
	lock, err := t.server.Lock(ctx, g.lock, max(0, time.Until(t.deadline)), t.waiting("a run is at work on "+g.lock))
	if ctx.Err() != nil {
		return pg.Classify(ctx.Err())
	}
	if err == nil {
		return t.dropGroup(ctx, lock, g.lock)
	}
	for _, d := range g.databases {
		t.leave(d.Name, err)
	}
	for _, role := range g.logins {
		t.leave(role, err)
	}
	return nil
}

// dropGroup drops what the lock protects. It asks once more what that is: the
// run that held the lock may have put a database under another name.
func (t *teardown) dropGroup(ctx context.Context, lock *pg.Lock, name string) error {
	if name != t.names.Template {
		defer lock.Release()
	}
	p, err := t.look(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(p.groups, func(g group) bool { return g.lock == name })
	if at < 0 {
		return nil
	}
	for _, d := range p.groups[at].databases {
		if err := t.drop(ctx, lock, d.Name, func() error { return t.server.Drop(ctx, t.names, d.Name) }); err != nil {
			return err
		}
	}
	for _, role := range p.groups[at].logins {
		if err := t.drop(ctx, lock, role, func() error { return t.server.DropRoleAfterDatabase(ctx, role) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *teardown) dropTemplate(ctx context.Context, lock *pg.Lock) error {
	p, err := t.look(ctx)
	switch {
	case err != nil:
		return err
	case p.kept != nil:
		t.left[p.kept.Name] = *p.kept
		return nil
	case p.template == nil:
		return nil
	}
	return t.drop(ctx, lock, p.template.Name, func() error { return t.server.Drop(ctx, t.names, p.template.Name) })
}

// drop notes what became of it; its own error is the end of the step.
func (t *teardown) drop(ctx context.Context, lock *pg.Lock, name string, how func() error) error {
	if err := lock.Held(ctx); err != nil {
		return err
	}
	err := how()
	switch {
	case ctx.Err() != nil:
		return pg.Classify(ctx.Err())
	case err != nil:
		t.leave(name, err)
		return nil
	}
	t.result.Dropped = append(t.result.Dropped, name)
	t.Log.Info().Msgf("dropped %s (%d of %d)", name, len(t.result.Dropped), max(len(t.result.Planned), len(t.result.Dropped)))
	return nil
}

func (t *teardown) leave(name string, err error) {
	f := change.AsFailure(err)
	t.left[name] = change.Left{Name: name, Why: f.Message, Hint: f.Hint}
	t.Log.Warn().Msgf("%s is left: %s", name, f.Message)
}

// tellLeft looks once more: what counts is what the server says.
func (t *teardown) tellLeft(ctx context.Context) error {
	failed := t.left
	t.left = map[string]change.Left{}
	p, err := t.look(ctx)
	if err != nil {
		return err
	}
	there := p.drops()
	if p.kept != nil {
		there = append(there, p.kept.Name)
	}
	if len(there) == 0 {
		return nil
	}
	var reasons []string
	for _, name := range there {
		left, known := failed[name]
		if !known {
			left = change.Left{Name: name, Why: "it was made meanwhile", Hint: "stop the pipelines first"}
		}
		t.result.Left = append(t.result.Left, left)
		reasons = append(reasons, name+": "+left.Why)
	}
	return change.Failf(change.KindInfrastructure, "%d left: %s", len(there), strings.Join(reasons[:min(5, len(reasons))], "; ")).
		WithHint("%s, then run cleanup-registry again", firstHint(t.result.Left))
}

func firstHint(left []change.Left) string {
	for _, l := range left {
		if l.Hint != "" {
			return l.Hint
		}
	}
	return "remove what holds them"
}

// summarize is for the page of the run on GitHub.
func (t *teardown) summarize() error {
	text := fmt.Sprintf("### %s\n\n%d dropped, %d left\n", t.cfg.Database.Prefix, len(t.result.Dropped), len(t.result.Left))
	for _, l := range t.result.Left {
		text += fmt.Sprintf("- `%s`: %s\n", l.Name, strings.NewReplacer("|", " ", "<", " ", "`", "'").Replace(l.Why))
	}
	return t.CI.Summary(text)
}
