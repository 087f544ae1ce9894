package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/repo"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name:   "get-changes",
	Begins: true,
	Contract: `get-changes begins the run of a patch set.

Reads:  the change in Gerrit; base and revision from git, in the workspace's
        repository or, without one, in a bare one in the cache directory.
Does:   empties the run directory; sees whether the patch set is still current;
        finds its base, and by git tree ids whether the model differs from it.
Writes: get-changes.json (also to stdout). Outcomes: changed, unchanged,
        superseded, closed, invisible; failed with a "failure".`,
	Examples: []string{
		"get-changes                     in a pipeline, where the GERRIT_* variables are set",
		"get-changes --model-dir a,b.sql two paths decide whether the model changed",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	Cache       step.Cache    `embed:""`
	PatchSet    step.PatchSet `embed:""`
	Gerrit      step.Gerrit   `embed:""`

	GerritTimeout time.Duration `name:"gerrit-timeout" env:"PATCHBAY_GERRIT_TIMEOUT" default:"30s" placeholder:"TIME" help:"How long to wait for one answer of Gerrit."`
	Branch        string        `name:"branch" env:"GERRIT_BRANCH" placeholder:"NAME" help:"The target branch as the event named it; Gerrit's own answer counts, a difference is told."`
	ModelDir      []string      `name:"model-dir" env:"PATCHBAY_MODEL_DIR" default:"data-model" placeholder:"PATH" help:"Folders or files whose git trees decide whether the model changed."`
	Workspace     string        `name:"workspace" env:"PATCHBAY_WORKSPACE" default:"." placeholder:"DIR" help:"A git checkout, of any repository; fetched commits are kept in it. Without one, a bare repository in the cache directory is used."`
	FetchURL      string        `name:"fetch-url" env:"PATCHBAY_FETCH_URL" placeholder:"URL" help:"Fetch from here, a mirror for example. Default: the project in Gerrit. Gerrit's login is sent to Gerrit's own host only."`
	FetchWait     time.Duration `name:"fetch-wait" env:"PATCHBAY_FETCH_WAIT" default:"15s" placeholder:"TIME" help:"How long to ask again for a ref that is not there yet, or a server that is out of order."`
	FetchTimeout  time.Duration `name:"fetch-timeout" env:"PATCHBAY_FETCH_TIMEOUT" default:"5m" placeholder:"TIME" help:"How long fetching may take in all."`
}

// Faults lists what is malformed.
func (c *Config) Faults() (faults []error) {
	if err := repo.Within(c.ModelDir); err != nil {
		faults = append(faults, fmt.Errorf("PATCHBAY_MODEL_DIR: %w", err))
	}
	if c.FetchURL == "" {
		return faults
	}
	if err := (repo.Remote{URL: c.FetchURL}).Fault(); err != nil {
		faults = append(faults, fmt.Errorf("PATCHBAY_FETCH_URL: %w", err))
	}
	return faults
}

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	g := &getter{cfg: cfg, Session: s, patchSet: cfg.PatchSet.Value(), result: &change.GetChanges{
		Header:     change.Header{PatchSet: cfg.PatchSet.Value()},
		ModelTrees: map[string]string{}, BaseTrees: map[string]string{}, Files: []change.File{}, ModelPaths: cfg.ModelDir,
	}}
	outcome, err := g.get(ctx)
	if err != nil {
		return s.Fail(g.result, change.Failed, err)
	}
	g.result.Outcome = outcome
	g.say()
	return s.Write(g.result)
}

// getter is one run of the step.
type getter struct {
	*step.Session

	cfg      *Config
	patchSet change.PatchSet
	client   *gerrit.Client
	result   *change.GetChanges
}

// get fills in the result as far as it comes.
func (g *getter) get(ctx context.Context) (change.Outcome, error) {
	var err error
	g.client, err = gerrit.New(ctx, gerrit.Config{
		URL: string(g.cfg.Gerrit.URL), Username: g.cfg.Gerrit.Username, Password: g.cfg.Gerrit.Password.Value(),
		UserAgent: "patchbay-get-changes/" + g.Version, Timeout: g.cfg.GerritTimeout,
	})
	if err != nil {
		return "", err
	}
	current, err := g.ask(ctx)
	if errors.Is(err, gerrit.ErrNotFound) {
		return change.Invisible, nil
	}
	if err != nil {
		return "", err
	}
	g.note(current)
	if outcome, err := judge(g.patchSet, current); outcome != "" || err != nil {
		return outcome, err
	}
	return g.compare(ctx, current)
}

// note takes over what Gerrit says. The attempt is the time by Gerrit's clock:
// runs of one change start on many machines, and the later one has to win.
func (g *getter) note(c *gerrit.Change) {
	r := g.result
	r.Attempt = fmt.Sprintf("%08x", c.ServerTime.Unix())
	r.Branch, r.Subject, r.ChangeState, r.Current = c.Branch, change.OneLine(c.Subject), c.Status, c.PatchSet
	if len(c.Parents) > 0 && !c.Parents[0].Merged {
		r.StackedOn = c.Parents[0].Change
	}
	if g.cfg.Branch != "" && shortBranch(g.cfg.Branch) != shortBranch(c.Branch) {
		g.Log.Warn().Str("event", g.cfg.Branch).Str("gerrit", c.Branch).Msg("the change is on another branch now")
	}
}

// say tells a person what came out.
func (g *getter) say() {
	r := g.result
	event := g.Log.Info().Str("outcome", string(r.Outcome))
	switch r.Outcome {
	case change.Invisible:
		event.Msg("Gerrit shows no such change: it is deleted, private or hidden; " +
			"for private changes the account needs the right View Private Changes, see docs/gerrit-setup.md")
	case change.Superseded:
		event.Msgf("patch set %d is current", r.Current)
	case change.Closed:
		event.Msgf("the change is %s", r.ChangeState)
	default:
		event.Str("base", r.Base).Int("files", len(r.Files)).Str("repository", r.Repository).Msg(r.Subject)
	}
}
