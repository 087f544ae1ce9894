package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/ci"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/message"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "report-verified",
	Contract: `report-verified says in Gerrit what a run came to.

Reads:  get-changes.json, create-temp-db.json, apply-changelog.json (one that is
        missing or of another run counts as no evidence); the change in Gerrit.
Does:   Verified +1 when the candidate deploys, -1 when it does not, 0 when
        that is not known; one message, an inline comment at the failing
        changeset. Says nothing when the patch set is superseded or closed, or
        when the same was said before.
Writes: report-verified.json (also to stdout). Outcomes: voted, unchanged,
        superseded, skipped.`,
	Exits: `0 posted, a -1 too, or nothing to say; 1 Gerrit or the network, cancelled;
2 bad input or configuration, or a vote that is not taken.`,
	Examples: []string{
		"report-verified --pending   before get-changes: takes the last vote back, empties the run directory",
		"report-verified             at its end, whatever happened before",
		"report-verified --dry-run   shows the message without posting it",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	PatchSet    step.PatchSet `embed:""`
	Gerrit      step.Gerrit   `embed:""`
	Timeout     time.Duration `name:"gerrit-timeout" env:"PATCHBAY_GERRIT_TIMEOUT" default:"30s" placeholder:"TIME" help:"How long to wait for one answer of Gerrit."`
	Label       string        `name:"label" env:"PATCHBAY_LABEL" default:"Verified" placeholder:"NAME" help:"The label voted on."`
	Pipeline    string        `name:"pipeline" env:"PATCHBAY_PIPELINE" default:"registry" placeholder:"NAME" help:"Names this pipeline in the tag of its messages."`
	Pending     bool          `name:"pending" help:"A run begins: take the last vote back and empty the run directory."`
	DryRun      bool          `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Post nothing."`
	BuildURL    string        `name:"build-url" env:"PATCHBAY_BUILD_URL" placeholder:"URL" help:"The page of this build. Default: what the CI system says."`
	RerunHint   string        `name:"rerun-hint" env:"PATCHBAY_RERUN_HINT" default:"re-run the pipeline of this patch set" placeholder:"TEXT" help:"How a person runs the verification again."`
}

var pipelineName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

// Faults lists what is wrong with the input.
func (c *Config) Faults() []error {
	var faults []error
	if c.Gerrit.Username == "" {
		faults = append(faults, errors.New("GERRIT_USERNAME is missing: the account that votes"))
	}
	if !pipelineName.MatchString(c.Pipeline) {
		faults = append(faults, fmt.Errorf("PATCHBAY_PIPELINE %q: want up to 40 letters, digits, dots, hyphens", c.Pipeline))
	}
	return faults
}

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	if cfg.Pending { // a run begins: results of an earlier one are no evidence
		if err := s.RunDir.Reset(); err != nil {
			return err
		}
	}
	r, err := newReport(ctx, s, cfg)
	if err != nil {
		return s.Fail(&change.ReportVerified{Header: change.Header{PatchSet: cfg.PatchSet.Value()}}, change.Failed, err)
	}
	end := ending{r.verdict.Outcome, r.verdict.Reason}
	if r.verdict.Vote != nil {
		end, err = r.report(ctx)
	}
	if err != nil {
		return s.Fail(r.result, change.Failed, err)
	}
	r.result.Outcome, r.result.Verdict = end.outcome, r.word(end.outcome)
	s.Log.Info().Str("outcome", string(end.outcome)).Msg(end.reason)
	return errors.Join(s.Write(r.result), r.show(s.CI))
}

// report is one run of the step.
type report struct {
	cfg      *Config
	log      func(message string)
	client   *gerrit.Client
	patchSet change.PatchSet
	evidence evidence
	verdict  change.Verdict
	result   *change.ReportVerified
	marker   message.Marker // of what is to be said
	buildURL string
}

func newReport(ctx context.Context, s *step.Session, cfg *Config) (*report, error) {
	r := &report{
		cfg: cfg, patchSet: cfg.PatchSet.Value(), buildURL: cfg.BuildURL,
		log: func(message string) { s.Log.Warn().Msg(message) },
	}
	if r.buildURL == "" {
		r.buildURL = s.CI.BuildURL()
	}
	if cfg.Pending {
		zero := 0
		r.verdict = change.Verdict{Vote: &zero, Outcome: change.Voted}
	} else {
		r.evidence = r.read(s.RunDir)
		r.verdict = r.evidence.verdict(r.patchSet)
	}
	r.marker = r.evidence.marker(r.patchSet, r.verdict.Vote)
	r.result = &change.ReportVerified{
		Header: change.Header{PatchSet: r.patchSet, Base: r.marker.Base, Attempt: r.marker.Attempt},
		Label:  cfg.Label,
	}
	var err error
	r.client, err = gerrit.New(ctx, gerrit.Config{
		URL: string(cfg.Gerrit.URL), Username: cfg.Gerrit.Username, Password: cfg.Gerrit.Password.Value(),
		UserAgent: "patchbay-report-verified/" + s.Version, Timeout: cfg.Timeout,
	})
	return r, err
}

// word is the verdict that Gerrit shows now, or why there is none.
func (r *report) word(outcome change.Outcome) string {
	if outcome == change.Voted || outcome == change.Unchanged {
		return message.Verdicts[*r.verdict.Vote]
	}
	return string(outcome)
}

// show repeats the verdict where the build is looked at.
func (r *report) show(where *ci.CI) error {
	if r.result.Outcome != change.Voted && r.result.Outcome != change.Unchanged || r.result.Message == "" {
		return nil
	}
	if f := r.verdict.Failure; f != nil && f.Kind == change.KindCandidate {
		where.Annotate(ci.Error, f.File, f.Line, f.Message)
	}
	return where.Summary(r.result.Message + "\n")
}
