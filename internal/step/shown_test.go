package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// hostile is what a candidate can name a file, a changeset or itself.
const hostile = "a\n::error::forged\r\n##[add-path]/tmp/evil\x1b[2J\u202e"

// TestCandidatesCannotForgeLogs, neither lines of their own nor commands.
func TestCandidatesCannotForgeLogs(t *testing.T) {
	t.Parallel()
	fault := func(_ context.Context, s *Session) error {
		f := change.Failf(change.KindCandidate, "%s", hostile).WithHint("%s", hostile)
		f.File, f.Line, f.Changeset, f.Author, f.SQLState = hostile, 2, hostile, hostile, hostile
		s.Log.Info().Str("file", "x\n::error::forged ##[error]").Msg("look at ##[error]this")
		return s.Fail(&change.GetChanges{Header: change.Header{PatchSet: seven}}, change.Failed, f)
	}
	for _, format := range []string{"console", "json"} {
		dir := t.TempDir()
		got := runStep(t, given7("GITHUB_ACTIONS", "true", "PATCHBAY_RUN_DIR", dir, "PATCHBAY_LOG_FORMAT", format), nil, fault)
		all := withoutOwnCommands(got.stdout + got.stderr)
		if strings.Contains(all, "##[") || strings.Contains(all, "\n::") || strings.ContainsAny(all, "\x1b\r\u202e") || got.status != ExitCandidate {
			t.Errorf("%s: exit status %d:\n%q", format, got.status, all)
		}
		read, err := Read[change.GetChanges](RunDir(dir), "some-step.json", seven, "")
		if err != nil {
			t.Fatal(err)
		}
		f := read.Failure
		for _, text := range []string{f.Message, f.Hint, f.File, f.Changeset, f.Author, f.SQLState} {
			if text != change.OneLine(hostile) {
				t.Errorf("%s: the result holds %q", format, text)
			}
		}
		var shown change.GetChanges
		if err := json.Unmarshal([]byte(got.stdout), &shown); err != nil || shown.Failure.File != f.File {
			t.Errorf("%s: stdout means another file: %v, %+v", format, err, shown.Failure)
		}
	}
	elsewhere := runStep(t, given7("PATCHBAY_RUN_DIR", t.TempDir()), nil, fault)
	if !strings.Contains(elsewhere.stdout, "##[add-path]") {
		t.Errorf("the text was changed where nobody takes it for a command: %s", elsewhere.stdout)
	}
}

// withoutOwnCommands leaves out the step's own group and annotation, whose
// text is data: GitHub takes the newer syntax first.
func withoutOwnCommands(text string) string {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "::group::some-step") && line != "::endgroup::" && !strings.HasPrefix(line, "::error file=") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// TestCleanUpFailuresAreTold: a login that stays is somebody's work.
func TestCleanUpFailuresAreTold(t *testing.T) {
	t.Parallel()
	got := runStep(t, given7("GERRIT_USERNAME", "ci", "GERRIT_PASSWORD", "hunter-22", "PATCHBAY_RUN_DIR", t.TempDir()), nil,
		func(_ context.Context, s *Session) error {
			why := fmt.Errorf("clone x: %w", change.Failf(change.KindLimit, "too slow"))
			left := fmt.Errorf("drop login y: %w", change.Failf(change.KindInfrastructure, "no answer\nto hunter-22"))
			return s.Fail(&change.GetChanges{Header: change.Header{PatchSet: seven}}, change.Failed, errors.Join(why, left))
		})
	for _, want := range []string{"clone x: too slow", `and: drop login y: no answer\\nto ***`} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, got.stderr)
		}
	}
	if got.status != ExitFault || !strings.Contains(got.stdout, `"message":"clone x: too slow"`) {
		t.Errorf("exit status %d: %s", got.status, got.stdout)
	}
}
