package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
)

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	r := &reconcile{
		cfg: cfg, session: s,
		result: newResult(cfg),
	}
	if err := r.run(ctx); err != nil {
		return s.Fail(r.result, r.outcome(change.Failed), errors.Join(err, r.trouble()))
	}
	r.result.Outcome = r.outcome(change.Nothing)
	if err := r.trouble(); err != nil {
		return s.Fail(r.result, r.result.Outcome, err)
	}
	return s.Write(r.result)
}

// reconcile is one run of the step.
type reconcile struct {
	cfg      *Config
	session  *step.Session
	observer *observer
	pace     pg.Pace
	state    state
	result   *change.Reconcile
}

func newResult(cfg *Config) *change.Reconcile {
	return &change.Reconcile{
		Header: change.Header{PatchSet: change.PatchSet{Project: cfg.Project, Change: cfg.Change}}, DryRun: cfg.DryRun,
		Dropped: []change.Reconciled{}, Refused: []change.Reconciled{}, Undecided: []change.Reconciled{}, Left: []change.Reconciled{},
		Locked: []change.Reconciled{}, Spared: []change.Reconciled{}, Waiting: []change.Reconciled{}, Foreign: []change.Reconciled{},
		Missing: []change.Missing{}, Outdated: []change.Missing{},
	}
}

// run observes, decides, acts and shows. What was decided is shown whatever
// becomes of it.
func (r *reconcile) run(ctx context.Context) error {
	closeServer, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer closeServer()
	if r.state, err = r.observer.observe(ctx); err != nil {
		return err
	}
	p := r.observer.rules.decide(r.state)
	r.note(p)
	err = r.act(ctx, p.drops)
	return errors.Join(err, r.writeRebuildList(p), r.show())
}

func (r *reconcile) connect(ctx context.Context) (closeServer func(), err error) {
	cfg, s := r.cfg, r.session
	client, err := gerrit.New(ctx, gerrit.Config{
		URL: string(cfg.Gerrit.URL), Username: cfg.Gerrit.Username, Password: cfg.Gerrit.Password.Value(),
		UserAgent: "patchbay-reconcile/" + s.Version, Timeout: cfg.GerritTimeout, NoRedirects: true,
	})
	if err != nil {
		return nil, err
	}
	server, err := pg.Connect(ctx, pg.Config{
		URL: cfg.Database.URL.Value(), AdminDatabase: cfg.Database.AdminDatabase, SSLRootCert: s.Getenv("PGSSLROOTCERT"),
	})
	if err != nil {
		return nil, err
	}
	r.observer = &observer{
		server: server, client: client, rules: cfg.rules(server.User()), label: cfg.Label,
		warn: func(message string) { s.Log.Warn().Msg(message) },
	}
	r.pace = pg.Pace{Every: cfg.DropEvery}
	return func() { server.Close(context.WithoutCancel(ctx)) }, nil
}

// note puts what was decided into the result.
func (r *reconcile) note(p plan) {
	r.result.Counts = p.counts
	for into, items := range map[*[]change.Reconciled][]item{
		&r.result.Refused: p.refused, &r.result.Undecided: p.undecided, &r.result.Waiting: p.waiting, &r.result.Foreign: p.foreign,
	} {
		for _, i := range items {
			*into = append(*into, i.Reconciled)
		}
	}
	r.result.Missing = append(r.result.Missing, p.missing...)
	r.result.Outdated = append(r.result.Outdated, p.outdated...)
}

// outcome is the step's answer in one word; otherwise is for a run that did
// nothing.
func (r *reconcile) outcome(otherwise change.Outcome) change.Outcome {
	switch {
	case len(r.result.Refused) > 0:
		return change.Refused
	case len(r.result.Dropped) > 0:
		return change.Done
	}
	return otherwise
}

// trouble is why a run that went through does not end with 0.
func (r *reconcile) trouble() error {
	var parts []string
	for _, group := range []struct {
		items []change.Reconciled
		what  string
	}{{r.result.Refused, "not dropped because they are too many that rest on a 404"}, {r.result.Undecided, "could not be decided"}, {r.result.Left, "could not be dropped"}} {
		if len(group.items) > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", group.what, few(group.items)))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	if len(r.result.Refused) > 0 {
		return change.Failf(change.KindLimit, "%s", strings.Join(parts, "; ")).
			WithHint("see in Gerrit whether these changes are really gone; if so: reconcile --yes")
	}
	return change.Failf(change.KindInfrastructure, "%s", strings.Join(parts, "; ")).
		WithHint("the reasons stand in reconcile.json")
}

// few names some of them, with the reason of the first.
func few(items []change.Reconciled) string {
	var names []string
	for _, i := range items[:min(5, len(items))] {
		names = append(names, i.Name)
	}
	if more := len(items) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ") + " (" + items[0].Reason + ")"
}
