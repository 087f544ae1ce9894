// Package step is the runtime of every program of patchbay: it reads the
// configuration, sets up the log, turns signals into cancellation, writes the
// result document and maps failures to exit statuses. A step's main is
//
//	func main() { os.Exit(step.Main(program, &Config{}, run)) }
package step

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/ci"
)

// The exit statuses of all steps.
const (
	ExitOK        = 0 // done, or nothing to do: the result's outcome says which
	ExitFault     = 1 // infrastructure, a broken base, a limit, cancelled
	ExitUsage     = 2 // bad input or configuration
	ExitCandidate = 3 // the candidate is at fault
	ExitPending   = 4 // something is to do, where a run was asked to say so
)

// ErrPending is returned by a run that was asked whether there is something to
// do, and there is: exit status 4, and nothing failed.
var ErrPending = errors.New("something is to do")

// Program describes a step for its help.
type Program struct {
	Name     string   // "get-changes"
	Contract string   // opens the help: what the step reads, does, writes
	Exits    string   // and its exit statuses, where they are not those of the steps of a patch set
	Examples []string // command lines

	// Begins a run: what an earlier one left in the run directory is removed,
	// whatever becomes of this step. Else a step that ends at its input would
	// leave them for the last step of the pipeline to vote on.
	Begins bool
}

// Session is what a run is given.
type Session struct {
	Log     zerolog.Logger
	CI      *ci.CI
	Version string
	Started time.Time
	Stdin   io.Reader // for Ask
	Stdout  io.Writer
	Stderr  io.Writer
	People  bool // stderr is for people: a table may stand among its lines
	RunDir  RunDir
	Getenv  func(string) string

	program string // "asset-sync sync"
	step    string // "asset-sync": the result's
	mask    masker
}

// commoner is any config that embeds Common.
type commoner interface{ common() *Common }

// Main parses the configuration, runs the step and gives the exit status.
func Main[C commoner](p Program, cfg C, run func(context.Context, *Session, C) error) int {
	return runMain(p, cfg, os.Args[1:], os.Getenv, os.Stdout, os.Stderr, func(ctx context.Context, s *Session) error {
		s.Stdin = os.Stdin
		return run(ctx, s, cfg)
	})
}

func runMain(p Program, cfg commoner, args []string, getenv func(string) string,
	stdout, stderr io.Writer, run func(context.Context, *Session) error,
) int {
	done, faults, secrets := parse(p, cfg, args, getenv, stdout)
	if done {
		return ExitOK
	}
	s := newSession(p, cfg.common(), secrets, getenv, stdout, stderr)
	if p.Begins {
		if err := s.RunDir.Reset(); err != nil {
			return s.exit(err)
		}
	}
	if len(faults) > 0 {
		return s.usage(faults)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	endGroup := s.CI.Group(p.Name)
	err := run(ctx, s)
	endGroup()
	return s.exit(err)
}

func newSession(p Program, c *Common, secrets []string, getenv func(string) string, stdout, stderr io.Writer) *Session {
	where := ci.Detect(getenv, stderr)
	mask := newMasker(secrets)
	for _, secret := range secrets {
		where.Mask(secret)
	}
	log := mask.writer(where.Writer(stderr))
	return &Session{
		Log: newLogger(c, where, log), CI: where, Version: Version(), Started: time.Now(),
		Stdout: where.Writer(stdout), Stderr: log, People: forPeople(c, where), RunDir: RunDir(c.RunDir), Getenv: getenv,
		program: p.Name, step: strings.Fields(p.Name)[0], mask: mask,
	}
}

// usage shows all faults of the input at once.
func (s *Session) usage(faults []error) int {
	for _, fault := range faults {
		text := s.mask.text(change.OneLine(fault.Error()))
		fmt.Fprintf(s.Stderr, "%s: %s\n", s.program, text)
		s.CI.Annotate(ci.Error, "", 0, text)
	}
	fmt.Fprintf(s.Stderr, "%s: see %s --help\n", s.program, s.program)
	return ExitUsage
}

// exit says what went wrong, once, and what else did beside it, and gives the
// status for it.
func (s *Session) exit(err error) int {
	if err == nil {
		return ExitOK
	}
	if errors.Is(err, ErrPending) {
		return ExitPending
	}
	f := s.clean(failureOf(err))
	event := s.Log.Error().Str("kind", string(f.Kind))
	if f.Hint != "" {
		event = event.Str("hint", f.Hint)
	}
	event.Msg(f.Error())
	for _, other := range change.Beside(err) {
		s.Log.Warn().Msg("and: " + s.clean(change.AsFailure(other)).Error())
	}
	s.CI.Annotate(ci.Error, f.File, f.Line, f.Message+hint(f))
	switch f.Kind {
	case change.KindCandidate:
		return ExitCandidate
	case change.KindConfiguration:
		return ExitUsage
	}
	return ExitFault
}

// failureOf is change.AsFailure, but whatever a cancelled context broke is a
// cancellation, whoever met it first.
func failureOf(err error) *change.Failure {
	f := change.AsFailure(err)
	if f.Kind == change.KindInfrastructure && errors.Is(err, context.Canceled) {
		return &change.Failure{Kind: change.KindCancelled, Phase: f.Phase, Message: "cancelled"}
	}
	return f
}

// clean gives a copy without secrets, in which each text is one line: most of
// them quote what a candidate names.
func (s *Session) clean(f *change.Failure) *change.Failure {
	clean := *f
	for _, text := range []*string{
		&clean.Message, &clean.Hint, &clean.File, &clean.Changeset, &clean.Author, &clean.Phase, &clean.SQLState,
	} {
		*text = change.OneLine(s.mask.text(*text))
	}
	return &clean
}

func hint(f *change.Failure) string {
	if f.Hint == "" {
		return ""
	}
	return " (" + f.Hint + ")"
}
