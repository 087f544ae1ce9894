// Package github_test runs the workflows and action.yml by act on this host,
// against the real servers. Third-party actions, which come from GitHub, are
// stood in for by those in testdata/stand-in.
package github_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

const (
	act        = "github.com/nektos/act@v0.2.89"
	actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
	release    = "v0.1.0" // of our own action, in the workflows
)

// bin holds the binaries of all steps, releases the archive of them that the
// action downloads; both are made once.
var bin, releases string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "patchbay-github-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bin, releases = filepath.Join(dir, "bin"), filepath.Join(dir, "releases")
	if err := lab.BuildSteps(context.Background(), bin); err != nil {
		panic(err)
	}
	if err := pack(filepath.Join(releases, release)); err != nil {
		panic(err)
	}
	return m.Run()
}

func archive() string {
	return fmt.Sprintf("patchbay_%s_linux_%s", strings.TrimPrefix(release, "v"), runtime.GOARCH)
}

// pack makes the archive of a release with its checksums, as goreleaser does.
func pack(into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(bin)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	squeezed, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	out := tar.NewWriter(squeezed)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(bin, e.Name()))
		if err != nil {
			return err
		}
		if err := out.WriteHeader(&tar.Header{Name: archive() + "/" + e.Name(), Mode: 0o755, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := squeezed.Close(); err != nil {
		return err
	}
	name := archive() + ".tar.gz"
	sums := fmt.Sprintf("%x  %s\n", sha256.Sum256(packed.Bytes()), name)
	if err := os.WriteFile(filepath.Join(into, "checksums.txt"), []byte(sums), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, name), packed.Bytes(), 0o600)
}

// runner is a GitHub runner: this host, with a repository checked out.
type runner struct {
	*testing.T
	repository string // a git checkout
	home       string
	artifacts  string
	releases   string // URL
	env        map[string]string
	variables  map[string]string
	secrets    map[string]string
	instance   string // host of the server, "" for GitHub itself
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(releases)))
	t.Cleanup(server.Close)
	r := &runner{
		T: t, repository: t.TempDir(), home: t.TempDir(), artifacts: t.TempDir(), releases: server.URL,
		env: map[string]string{}, variables: map[string]string{}, secrets: map[string]string{},
	}
	r.git("init", "-q", "-b", "main")
	r.git("remote", "add", "origin", "https://github.com/laboratories/verify.git")
	r.git("commit", "-q", "--allow-empty", "-m", "the repository of the workflows")
	return r
}

func (r *runner) git(args ...string) string {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
	cmd.Dir = r.repository
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// local are the actions that are taken from folders: ours, and the stand-ins.
var local = map[string]string{
	"patchbay-ci/patchbay@" + release:                                    ".",
	"actions/cache@0057852bfaa89a56745cba8c7296529d2fc39830":             "pipelines/github/testdata/stand-in/cache",
	"actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02":   "pipelines/github/testdata/stand-in/upload-artifact",
	"actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093": "pipelines/github/testdata/stand-in/download-artifact",
}

// run runs a workflow for an event and gives its log. No secret may be in it.
func (r *runner) run(event, workflow string, inputs map[string]string, more ...string) (log string, ok bool) {
	r.Helper()
	program, err := lab.GoTool(r.Context(), act)
	if err != nil {
		r.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		r.Fatal(err)
	}
	// act sets INPUT_* for the steps of composite actions; GitHub does not.
	unset := filepath.Join(r.home, "unset")
	if err := os.WriteFile(unset, []byte("unset ${!INPUT_*}\n"), 0o600); err != nil {
		r.Fatal(err)
	}
	args := slices.Concat([]string{
		event, "-W", filepath.Join(root, "pipelines", "github", workflow+".yaml"), "-C", r.repository, "-P", "ubuntu-latest=-self-hosted",
		"--no-cache-server", "--action-cache-path", filepath.Join(r.home, "act"), "--env", "BASH_ENV=" + unset, "--env", "ARTIFACTS=" + r.artifacts, "--env", "ACTION_RELEASES=" + r.releases,
	}, more)
	if r.instance != "" {
		args = append(args, "--github-instance", r.instance)
	}
	for name, folder := range local {
		args = append(args, "--local-repository", name+"="+filepath.Join(root, folder))
	}
	cmd := exec.CommandContext(r.Context(), program)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home, "XDG_CACHE_HOME=" + r.home, "LC_ALL=C.UTF-8"}
	for _, given := range []struct {
		flag   string
		values map[string]string
	}{{"--input", inputs}, {"--var", r.variables}, {"--env", r.env}} {
		for name, value := range given.values {
			args = append(args, given.flag, name+"="+value)
		}
	}
	for name, value := range r.secrets {
		args = append(args, "--secret", name)
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Args = append(cmd.Args, args...)
	out, err := cmd.CombinedOutput()
	for name, secret := range r.secrets {
		if secret != "" && bytes.Contains(out, []byte(secret)) {
			r.Errorf("secret %s is in the log:\n%s", name, out)
		}
	}
	return string(out), err == nil
}

// ran is run that must end as wanted.
func (r *runner) ran(want bool, event, workflow string, inputs map[string]string, more ...string) string {
	r.Helper()
	log, ok := r.run(event, workflow, inputs, more...)
	if ok != want {
		r.Fatalf("%s: succeeded %v, want %v\n%s", workflow, ok, want, log)
	}
	return log
}

// artifact reads a file that a workflow kept.
func (r *runner) artifact(name string) string {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.artifacts, name))
	if err != nil {
		r.Fatal(err)
	}
	return string(text)
}
