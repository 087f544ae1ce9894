package lab

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Clone is a developer's checkout of a project. Its configuration holds no
// password: each git process is given the login by its environment.
type Clone struct {
	Dir     string
	Project string
	server  *GerritServer
}

// Pushed names a patch set that was pushed for review.
type Pushed struct {
	Project  string
	Number   int // of the change
	PatchSet int
	Revision string // 40 hex digits
}

// CloneTo clones a project as account Dev; its branch is checked out.
func (g *GerritServer) CloneTo(ctx context.Context, project, dir string) (*Clone, error) {
	c := &Clone{Dir: dir, Project: project, server: g}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	remote := g.URL + "/a/" + url.PathEscape(project)
	_, err := c.RunGit(ctx, "clone", "-q", remote, ".")
	return c, err
}

// Clone is CloneTo a temporary folder.
func (g *GerritServer) Clone(t testing.TB, project string) *Clone {
	t.Helper()
	c, err := g.CloneTo(t.Context(), project, filepath.Join(t.TempDir(), "clone"))
	return must(t, c, err)
}

func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// RunGit runs git in the clone as account Dev and gives its output, trimmed.
func (c *Clone) RunGit(ctx context.Context, args ...string) (string, error) {
	return c.git(ctx, c.server.Dev(), args...)
}

// Git is RunGit for tests.
func (c *Clone) Git(t testing.TB, args ...string) string {
	t.Helper()
	out, err := c.RunGit(t.Context(), args...)
	return must(t, out, err)
}

func (c *Clone) git(ctx context.Context, as GerritAccount, args ...string) (string, error) {
	login := base64.StdEncoding.EncodeToString([]byte(as.Username + ":" + as.Password))
	email := as.Username + "@example.com"
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME="+as.Username, "GIT_AUTHOR_EMAIL="+email, "GIT_COMMITTER_NAME="+as.Username, "GIT_COMMITTER_EMAIL="+email,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic "+login)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// CommitFiles writes files (path → content) and commits them with a new
// Change-Id on top of what is checked out.
func (c *Clone) CommitFiles(ctx context.Context, subject string, files map[string]string) error {
	if err := c.write(ctx, files); err != nil {
		return err
	}
	id := make([]byte, 20)
	_, _ = rand.Read(id) // never fails
	_, err := c.RunGit(ctx, "commit", "-q", "--allow-empty", "-m", subject+"\n\nChange-Id: I"+hex.EncodeToString(id))
	return err
}

func (c *Clone) write(ctx context.Context, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(c.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	_, err := c.RunGit(ctx, "add", "-A")
	return err
}

// Commit is CommitFiles for tests.
func (c *Clone) Commit(t testing.TB, subject string, files map[string]string) {
	t.Helper()
	must(t, 0, c.CommitFiles(t.Context(), subject, files))
}

// PushChange commits files as a new change and pushes it for review.
func (c *Clone) PushChange(ctx context.Context, subject string, files map[string]string) (Pushed, error) {
	if err := c.CommitFiles(ctx, subject, files); err != nil {
		return Pushed{}, err
	}
	return c.PushHead(ctx)
}

// Push is PushChange for tests.
func (c *Clone) Push(t testing.TB, subject string, files map[string]string) Pushed {
	t.Helper()
	pushed, err := c.PushChange(t.Context(), subject, files)
	return must(t, pushed, err)
}

// AmendChange makes and pushes the next patch set of the change at HEAD: files
// are written, the subject is replaced unless it is empty.
func (c *Clone) AmendChange(ctx context.Context, subject string, files map[string]string) (Pushed, error) {
	if err := c.write(ctx, files); err != nil {
		return Pushed{}, err
	}
	message, err := c.RunGit(ctx, "log", "-1", "--format=%B")
	if err != nil {
		return Pushed{}, err
	}
	if old, rest, _ := strings.Cut(message, "\n"); subject != "" && subject != old {
		message = subject + "\n" + rest
	}
	if _, err := c.RunGit(ctx, "commit", "-q", "--amend", "--allow-empty", "-m", message); err != nil {
		return Pushed{}, err
	}
	return c.PushHead(ctx)
}

// Amend is AmendChange for tests.
func (c *Clone) Amend(t testing.TB, subject string, files map[string]string) Pushed {
	t.Helper()
	pushed, err := c.AmendChange(t.Context(), subject, files)
	return must(t, pushed, err)
}

// PushHead pushes HEAD for review on master, as it is, and looks up what it
// became. The options of a push may follow: "private", "wip", "topic=x".
func (c *Clone) PushHead(ctx context.Context, options ...string) (Pushed, error) {
	ref := "HEAD:refs/for/master"
	if len(options) > 0 {
		ref += "%" + strings.Join(options, ",")
	}
	if _, err := c.RunGit(ctx, "push", "-q", "origin", ref); err != nil {
		return Pushed{}, err
	}
	revision, err := c.RunGit(ctx, "rev-parse", "HEAD")
	if err != nil {
		return Pushed{}, err
	}
	return c.lookUp(ctx, revision)
}

func (c *Clone) lookUp(ctx context.Context, revision string) (Pushed, error) {
	query := "/changes/?o=CURRENT_REVISION&q=" + url.QueryEscape("project:"+c.Project+" commit:"+revision)
	_, answer, err := c.server.Call(ctx, c.server.Admin(), "GET", query, "")
	if err != nil {
		return Pushed{}, err
	}
	var found []struct {
		Number    int `json:"_number"`
		Revisions map[string]struct {
			Number int `json:"_number"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &found); err != nil || len(found) != 1 {
		return Pushed{}, fmt.Errorf("look up the change of %s: %w %s", revision, err, answer)
	}
	return Pushed{c.Project, found[0].Number, found[0].Revisions[revision].Number, revision}, nil
}

// PushBranch commits files and pushes HEAD past review to a branch, as the
// administrator: how a test makes the base. It gives the commit.
func (c *Clone) PushBranch(ctx context.Context, branch, subject string, files map[string]string) (string, error) {
	if err := c.CommitFiles(ctx, subject, files); err != nil {
		return "", err
	}
	if _, err := c.git(ctx, c.server.Admin(), "push", "-q", "origin", "HEAD:refs/heads/"+branch); err != nil {
		return "", err
	}
	return c.RunGit(ctx, "rev-parse", "HEAD")
}

// Land is PushBranch to master for tests.
func (c *Clone) Land(t testing.TB, subject string, files map[string]string) string {
	t.Helper()
	revision, err := c.PushBranch(t.Context(), "master", subject, files)
	return must(t, revision, err)
}

// AppendConfig appends to files of the project's configuration, on
// refs/meta/config, as the administrator; the checkout is left there.
func (c *Clone) AppendConfig(ctx context.Context, texts map[string]string) error {
	if _, err := c.git(ctx, c.server.Admin(), "fetch", "-q", "origin", "refs/meta/config"); err != nil {
		return err
	}
	if _, err := c.RunGit(ctx, "checkout", "-q", "--detach", "FETCH_HEAD"); err != nil {
		return err
	}
	whole := map[string]string{}
	for name, text := range texts {
		old, err := os.ReadFile(filepath.Join(c.Dir, name))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		whole[name] = string(old) + text
	}
	if err := c.CommitFiles(ctx, "configure", whole); err != nil {
		return err
	}
	// On this branch even the administrator may not push for another author.
	if _, err := c.git(ctx, c.server.Admin(), "commit", "-q", "--amend", "--no-edit", "--reset-author"); err != nil {
		return err
	}
	_, err := c.git(ctx, c.server.Admin(), "push", "-q", "origin", "HEAD:refs/meta/config")
	return err
}
