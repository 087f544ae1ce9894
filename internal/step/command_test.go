package step

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

type subConfig struct {
	Common `embed:""`
	From   string `name:"from" env:"SOME_FROM" help:"Where from."`
	Pairs  string `arg:"" optional:"" help:"A place."`
	Token  Secret `name:"token" env:"SOME_TOKEN" help:"A token."`
}

func (c subConfig) Faults() []error {
	if c.From == "" {
		return []error{errors.New("--from is missing")}
	}
	return nil
}

func runCommand(t *testing.T, env map[string]string, run func(context.Context, *Session, *subConfig) error, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cfg := &subConfig{}
	status := dispatch(Program{Name: "some-tool", Contract: "Does things.", Examples: []string{"some-tool push --from x"}},
		[]Command{NewCommand("pushes", Program{Name: "push", Contract: "Reads: x.", Examples: []string{"some-tool push --from y"}}, cfg, run)},
		args, func(name string) string { return env[name] }, &stdout, &stderr)
	return outcome{status: status, stdout: stdout.String(), stderr: stderr.String()}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(_ context.Context, s *Session, c *subConfig) error {
		if c.From != "x" || c.Pairs != "place" {
			t.Errorf("got %+v", c)
		}
		return s.Publish(&change.GetChanges{Header: change.Header{Outcome: change.Done}}, "said\n")
	}
	got := runCommand(t, map[string]string{"PATCHBAY_RUN_DIR": dir}, run, "push", "--from", "x", "place")
	if got.status != ExitOK || got.stdout != "said\n" {
		t.Errorf("exit status %d: %q %s", got.status, got.stdout, got.stderr)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "some-tool.json")); err != nil || !strings.Contains(string(text), `"step": "some-tool"`) {
		t.Errorf("%v: %s", err, text)
	}
	for want, args := range map[string][]string{
		"Does things.\n":               {"--help"},
		"push       pushes":            {"help"},
		"Reads: x.\n":                  {"push", "--help"},
		"some-tool push --from y":      {"help", "push"},
		"some-tool devel":              {"--version"},
		"($SOME_FROM)":                 {"push", "--help"},
		"\nSecrets (the variable, or ": {"push", "--help"},
	} {
		if got := runCommand(t, nil, nil, args...); got.status != ExitOK || !strings.Contains(got.stdout, want) {
			t.Errorf("%v: exit status %d, no %q in\n%s", args, got.status, want, got.stdout)
		}
	}
}

func TestCommandFaults(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"no sub-command \"pull\"; there are push": {"pull"},
		"Sub-commands:":             {},
		"--from is missing":         {"push"},
		"unknown flag --form":       {"push", "--form=x", "--from=y"},
		"SOME_TOKEN_FILE":           {"push", "--from=y", "--token=hunter-22"},
		"see some-tool push --help": {"push"},
	} {
		got := runCommand(t, nil, nil, args...)
		if got.status != ExitUsage || !strings.Contains(got.stderr, want) || strings.Contains(got.stderr, "hunter") {
			t.Errorf("%v: exit status %d, want %q in\n%s", args, got.status, want, got.stderr)
		}
	}
}

// TestPending: something is to do, which is neither success nor failure.
func TestPending(t *testing.T) {
	t.Parallel()
	got := runCommand(t, nil, func(context.Context, *Session, *subConfig) error { return ErrPending }, "push", "--from=x")
	if got.status != ExitPending || got.stderr != "" {
		t.Errorf("exit status %d: %s", got.status, got.stderr)
	}
}
