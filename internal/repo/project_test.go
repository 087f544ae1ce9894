package repo

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// project is a real repository with a work tree, made for one test.
type project struct {
	t   *testing.T
	dir string
}

func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{t, filepath.Join(t.TempDir(), "project")}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.git("init", "-q", "-b", "master")
	return p
}

// run runs git as a person would, without this machine's configuration.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=Dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (p *project) git(args ...string) string { p.t.Helper(); return run(p.t, p.dir, args...) }

// write puts a file into the work tree.
func (p *project) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// commit writes files and commits all that is in the work tree.
func (p *project) commit(subject string, files map[string]string) string {
	p.t.Helper()
	for name, text := range files {
		p.write(name, text)
	}
	p.git("add", "-A")
	p.git("commit", "-q", "--allow-empty", "-m", subject)
	return p.git("rev-parse", "HEAD")
}

func (p *project) open() *Repo {
	p.t.Helper()
	return open(p.t, p.dir)
}

func open(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serve offers the project over HTTP by git's own server program; guard comes
// first and may answer instead (true).
func (p *project) serve(guard func(http.ResponseWriter, *http.Request) bool) Remote {
	p.t.Helper()
	p.git("config", "uploadpack.allowAnySHA1InWant", "true")
	backend := &cgi.Handler{
		Path: filepath.Join(run(p.t, p.dir, "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(p.dir), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ci"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard == nil || !guard(w, r) {
			backend.ServeHTTP(w, r)
		}
	}))
	p.t.Cleanup(server.Close)
	return Remote{URL: server.URL + "/project"}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
