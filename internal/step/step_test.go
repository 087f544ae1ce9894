package step

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
)

type config struct {
	Common   `embed:""`
	Patch    PatchSet `embed:""`
	Gerrit   Gerrit   `embed:""`
	MaxDrop  int      `name:"max-drop" env:"PATCHBAY_MAX_DROP" default:"10" help:"How many."`
	DryRun   bool     `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Only show."`
	ModelDir []string `name:"model-dir" env:"PATCHBAY_MODEL_DIR" default:"data-model" help:"Paths."`
}

type outcome struct {
	status         int
	stdout, stderr string
	config         config
}

func runStep(t *testing.T, env map[string]string, args []string, run func(context.Context, *Session) error) outcome {
	t.Helper()
	p := Program{Name: "some-step", Contract: "Reads: nothing.", Examples: []string{"some-step --dry-run"}}
	return runProgram(t, p, env, args, run)
}

func runProgram(t *testing.T, p Program, env map[string]string, args []string, run func(context.Context, *Session) error) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	var cfg config
	if run == nil {
		run = func(context.Context, *Session) error { return nil }
	}
	status := runMain(p, &cfg, args, func(name string) string { return env[name] }, &stdout, &stderr, run)
	return outcome{status, stdout.String(), stderr.String(), cfg}
}

func given7(more ...string) map[string]string {
	env := map[string]string{
		"GERRIT_PROJECT": "registry", "GERRIT_CHANGE_NUMBER": "7", "GERRIT_PATCHSET_NUMBER": "2",
		"GERRIT_PATCHSET_REVISION": strings.Repeat("a", 40), "GERRIT_URL": "https://review.example.org",
	}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func TestFlagBeatsVariableBeatsDefault(t *testing.T) {
	t.Parallel()
	got := runStep(t, given7("PATCHBAY_MAX_DROP", "5", "PATCHBAY_DRY_RUN", "", "PATCHBAY_MODEL_DIR", "a,b"),
		[]string{"--change=8", "--model-dir", "c"}, nil)
	if got.status != ExitOK {
		t.Fatalf("exit status %d: %s", got.status, got.stderr)
	}
	c := got.config
	if c.MaxDrop != 5 || c.DryRun || c.Patch.Change != 8 || !cmp.Equal(c.ModelDir, []string{"c"}) {
		t.Errorf("got %+v", c)
	}
}

func TestAllFaultsTogether(t *testing.T) {
	t.Parallel()
	got := runStep(t, given7("PATCHBAY_MAX_DROP", "many", "GERRIT_CHANGE_NUMBER", "7x", "PATCHBAY_LOG_LEVEL", "loud"),
		[]string{"--patch-set=two", "--nonsense"}, nil)
	if got.status != ExitUsage || got.stdout != "" {
		t.Errorf("exit status %d, stdout %q", got.status, got.stdout)
	}
	for _, want := range []string{"PATCHBAY_MAX_DROP", "GERRIT_CHANGE_NUMBER", "PATCHBAY_LOG_LEVEL", "--patch-set", "--nonsense", "some-step --help"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("stderr does not name %s:\n%s", want, got.stderr)
		}
	}
}

func TestGroupsCheckThemselves(t *testing.T) {
	t.Parallel()
	got := runStep(t, given7("GERRIT_PATCHSET_REVISION", "abc", "GERRIT_URL", "ftp://x"), nil, nil)
	if got.status != ExitUsage || strings.Count(got.stderr, "40 hexadecimal") != 1 || strings.Count(got.stderr, "GERRIT_URL") != 1 {
		t.Errorf("exit status %d:\n%s", got.status, got.stderr)
	}
}

// TestOneFormOfAddresses: a database that was made for this Gerrit is not
// another's because a slash was added to a setting.
func TestOneFormOfAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://review.example.org":             "https://review.example.org",
		"HTTPS://Review.Example.org:8443/":       "https://review.example.org:8443",
		"https://review.example.org/a/":          "https://review.example.org",
		"https://review.example.org/Gerrit/r//":  "https://review.example.org/Gerrit/r",
		"https://review.example.org/Gerrit/r/a":  "https://review.example.org/Gerrit/r",
		"https://review.example.org/Gerrit/data": "https://review.example.org/Gerrit/data",
	} {
		variable := runStep(t, given7("GERRIT_URL", given), nil, nil)
		flag := runStep(t, given7(), []string{"--gerrit-url", given}, nil)
		if got := string(variable.config.Gerrit.URL); variable.status != ExitOK || got != want || string(flag.config.Gerrit.URL) != want {
			t.Errorf("%s: %q, exit status %d: %s", given, got, variable.status, variable.stderr)
		}
	}
	for _, given := range []string{"https://user@review.example.org/", "review.example.org", "%zz", "https:///x"} {
		if got := runStep(t, given7("GERRIT_URL", given), nil, nil); got.status != ExitUsage || strings.Count(got.stderr, "GERRIT_URL") != 1 {
			t.Errorf("%s: exit status %d: %s", given, got.status, got.stderr)
		}
	}
}

func TestBuildStartedByHand(t *testing.T) {
	t.Parallel()
	got := runStep(t, map[string]string{"GERRIT_URL": "https://review.example.org", "GERRIT_PROJECT": ""}, nil, nil)
	if got.status != ExitUsage || !strings.Contains(got.stderr, "started by hand") {
		t.Errorf("exit status %d:\n%s", got.status, got.stderr)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter-22\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	leak := func(_ context.Context, s *Session) error {
		s.Log.Info().Msg("the password is hunter-22")
		return change.Failf(change.KindInfrastructure, "login with hunter-22 refused")
	}
	got := runStep(t, given7("GERRIT_PASSWORD_FILE", file, "GITHUB_ACTIONS", "true"), nil, leak)
	if got.config.Gerrit.Password.Value() != "hunter-22" {
		t.Errorf("password %q", got.config.Gerrit.Password.Value())
	}
	if strings.Count(got.stderr, "hunter-22") != 1 || !strings.Contains(got.stderr, "::add-mask::hunter-22") || got.status != ExitFault {
		t.Errorf("exit status %d:\n%s", got.status, got.stderr)
	}
	refused := runStep(t, given7(), []string{"--gerrit-password=hunter-22"}, nil)
	if refused.status != ExitUsage || !strings.Contains(refused.stderr, "GERRIT_PASSWORD_FILE") || strings.Contains(refused.stderr, "hunter") {
		t.Errorf("exit status %d:\n%s", refused.status, refused.stderr)
	}
}

func TestPartsOfSecrets(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]string{
		"plain":                                  {"plain"},
		"postgres://u:p%40ss@h/db":               {"p@ss"},
		"postgres://u@h/db?password=other":       {"other"},
		"host=h user=u password=quoted dbname=d": {"quoted"},
		`host=h password='with \'blank' dbname=`: {"with 'blank"},
		"postgres://u@h/db":                      nil,
	} {
		if diff := cmp.Diff(want, parts(value)); diff != "" {
			t.Errorf("%s: %s", value, diff)
		}
	}
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	for kind, want := range map[change.Kind]int{
		change.KindCandidate: ExitCandidate, change.KindConfiguration: ExitUsage, change.KindBase: ExitFault,
		change.KindInfrastructure: ExitFault, change.KindLimit: ExitFault, change.KindCancelled: ExitFault,
	} {
		got := runStep(t, given7(), nil, func(context.Context, *Session) error { return change.Failf(kind, "x") })
		if got.status != want {
			t.Errorf("%s: exit status %d, want %d", kind, got.status, want)
		}
	}
	got := runStep(t, given7(), nil, func(context.Context, *Session) error { return context.Canceled })
	if got.status != ExitFault || !strings.Contains(got.stderr, "cancelled") {
		t.Errorf("cancelled: %d %s", got.status, got.stderr)
	}
}

func TestHelpOpensWithTheContract(t *testing.T) {
	t.Parallel()
	got := runStep(t, map[string]string{"PATCHBAY_MAX_DROP": "bad"}, []string{"--help"}, nil)
	if got.status != ExitOK || !strings.HasPrefix(got.stdout, "Reads: nothing.\n") {
		t.Errorf("exit status %d:\n%s%s", got.status, got.stdout, got.stderr)
	}
	for _, want := range []string{"($PATCHBAY_MAX_DROP)", "$GERRIT_PASSWORD ", "\nExits:  0 done", "some-step --dry-run"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("help lacks %q:\n%s", want, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "--gerrit-password") {
		t.Error("help offers a secret as a flag")
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	dir := RunDir(filepath.Join(t.TempDir(), "run"))
	patchSet := change.PatchSet{Project: "registry", Change: 7, PatchSet: 2, Revision: strings.Repeat("a", 40)}
	got := runStep(t, given7("PATCHBAY_RUN_DIR", string(dir)), nil, func(_ context.Context, s *Session) error {
		result := &change.GetChanges{Header: change.Header{PatchSet: patchSet, Attempt: "6565aabb"}}
		return s.Fail(result, change.Failed, change.Failf(change.KindInfrastructure, "no answer"))
	})
	if got.status != ExitFault || strings.Count(got.stdout, "\n") != 1 || !strings.Contains(got.stdout, `"message":"no answer"`) {
		t.Errorf("exit status %d, stdout %s", got.status, got.stdout)
	}
	read, err := Read[change.GetChanges](dir, "some-step.json", patchSet, "6565aabb")
	if err != nil || read.Failure.Message != "no answer" || read.Step != "some-step" {
		t.Errorf("read back %+v, %v", read, err)
	}
	other := patchSet
	other.Revision = strings.Repeat("b", 40)
	for _, c := range []struct {
		p       change.PatchSet
		attempt string
	}{{other, "6565aabb"}, {patchSet, "6565aabc"}} {
		if _, err := Read[change.GetChanges](dir, "some-step.json", c.p, c.attempt); change.AsFailure(err).Kind != change.KindConfiguration {
			t.Errorf("results of another run were taken: %v", err)
		}
	}
	if absent, err := Read[change.GetChanges](dir, "create-temp-db.json", patchSet, ""); absent != nil || err != nil {
		t.Errorf("absent: %v, %v", absent, err)
	}
}

func TestOutputsCannotBeForged(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "output")
	env := given7("GITHUB_ACTIONS", "true", "GITHUB_OUTPUT", file)
	runStep(t, env, nil, func(_ context.Context, s *Session) error {
		return s.CI.Output("subject", "x\n_GitHubActionsFileCommandDelimeter_\nverified<<E\n+1\nE")
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	delimiter, ok := strings.CutPrefix(lines[0], "subject<<patchbay_")
	if !ok || len(delimiter) != 32 || lines[len(lines)-1] != "patchbay_"+delimiter || strings.Count(string(text), delimiter) != 2 {
		t.Errorf("output file:\n%s", text)
	}
}
