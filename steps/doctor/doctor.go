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
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "doctor",
	Contract: `doctor checks an installation before the first change is pushed.

Reads:  PostgreSQL, Gerrit, git, Java, Liquibase, with the settings of the
        pipeline: give it the same variables.
Does:   tries each right of the service role on a scratch database, which it
        drops again; deploys a changelog of one changeset there; looks at
        template, roles, label, copy condition, submit requirement; fetches a
        change. It writes nothing to Gerrit.
Writes: a list with a remedy for each fault to stderr; doctor.json, also to
        stdout. Outcomes: done, failed.`,
	Exits: `0 nothing is wrong; 1 a server or network; 2 something is to be mended.`,
	Examples: []string{
		"doctor                      with the variables of the pipeline",
		"doctor --only postgresql    one part: postgresql, engine, gerrit",
	},
}

// Config is the step's input. Its groups' faults are told as checks.
type Config struct {
	step.Common `embed:""`
	Only        []string         `name:"only" placeholder:"PART" help:"Look at these parts only: postgresql, engine, gerrit."`
	Build       candidate.Config `embed:""`
	RowsAllowed []string         `name:"rows-allowed" env:"PATCHBAY_ROWS_ALLOWED" placeholder:"SCHEMA.TABLE" help:"Tables that may hold rows in the template, as for prepare-template."`
	Gerrit      step.Gerrit      `embed:""`
	Timeout     time.Duration    `name:"gerrit-timeout" env:"PATCHBAY_GERRIT_TIMEOUT" default:"30s" placeholder:"TIME" help:"How long to wait for one answer of Gerrit."`
	Project     string           `name:"project" env:"GERRIT_PROJECT" placeholder:"NAME" help:"The project, as Gerrit names it."`
	Change      int              `name:"change" env:"GERRIT_CHANGE_NUMBER" placeholder:"N" help:"An open change to look at. Default: the one that was updated last."`
	Label       string           `name:"label" env:"PATCHBAY_LABEL" default:"Verified" placeholder:"NAME" help:"The label that is voted on."`
	FetchURL    string           `name:"fetch-url" env:"PATCHBAY_FETCH_URL" placeholder:"URL" help:"Fetch from here, as get-changes does. Default: the project in Gerrit."`
	FetchWithin time.Duration    `name:"fetch-timeout" env:"PATCHBAY_FETCH_TIMEOUT" default:"5m" placeholder:"TIME" help:"How long fetching may take in all."`
}

// WaivesFaults: what is malformed is told in the list.
func (c *Config) WaivesFaults() bool { return true }

// parts are the areas, in the order in which they are looked at.
var parts = []struct {
	name string
	look func(*examination, context.Context)
}{
	{"postgresql", (*examination).postgresql},
	{"engine", (*examination).engine},
	{"gerrit", (*examination).gerrit},
}

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	e := &examination{Session: s, cfg: cfg, result: &change.Doctor{
		Header: change.Header{PatchSet: change.PatchSet{Project: cfg.Project}}, Checks: []change.Check{},
	}}
	if fault := unknownPart(cfg.Only); fault != nil {
		return s.Fail(e.result, change.Failed, fault)
	}
	for _, part := range parts {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, part.name) {
			continue
		}
		e.area = part.name
		part.look(e, ctx)
		if ctx.Err() != nil {
			return s.Fail(e.result, change.Failed, change.Failf(change.KindCancelled, "cancelled"))
		}
	}
	if err := e.verdict(); err != nil {
		return errors.Join(s.Fail(e.result, change.Failed, err), e.summarize())
	}
	e.result.Outcome = change.Done
	return errors.Join(s.Write(e.result), e.summarize())
}

func unknownPart(only []string) error {
	for _, name := range only {
		if !slices.ContainsFunc(parts, func(p struct {
			name string
			look func(*examination, context.Context)
		},
		) bool {
			return p.name == name
		}) {
			return change.Failf(change.KindConfiguration, "--only %s: there is no such part", name).WithHint("want postgresql, engine or gerrit")
		}
	}
	return nil
}

// verdict is the failure of an installation in which something is wrong.
func (e *examination) verdict() error {
	var failed []string
	for _, c := range e.result.Checks {
		if c.State == change.CheckFailed {
			failed = append(failed, c.Area+": "+c.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	kind := change.KindConfiguration
	if !e.mendable {
		kind = change.KindInfrastructure
	}
	return change.Failf(kind, "%d of %d checks failed: %s", len(failed), len(e.result.Checks), strings.Join(failed, "; ")).
		WithHint("each has its remedy in the list")
}

// summarize is for the page of the run on GitHub.
func (e *examination) summarize() error {
	text := "### doctor\n\n"
	for _, c := range e.result.Checks {
		text += fmt.Sprintf("- %s **%s: %s** %s\n", marks[c.State], c.Area, c.Name, markdown(c.Detail))
		if c.Remedy != "" {
			text += "  - " + markdown(c.Remedy) + "\n"
		}
	}
	return e.CI.Summary(text)
}

var quoting = strings.NewReplacer("`", "'", "<", "&lt;", "|", "\\|", "*", "\\*", "_", "\\_", "[", "\\[")

func markdown(text string) string { return quoting.Replace(change.OneLine(text)) }
