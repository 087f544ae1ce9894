package gerrit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

func client(t *testing.T, url string, as lab.GerritAccount) *gerrit.Client {
	t.Helper()
	c, err := gerrit.New(t.Context(), gerrit.Config{
		URL: url, Username: as.Username, Password: as.Password, UserAgent: "patchbay/test", Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func vote(value int) *int { return &value }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, username, password, want string }{
		{"", "", "", "does not start with http"},
		{"gerrit.example.org", "", "", "does not start with http"},
		{"ssh://gerrit.example.org:29418", "", "", "does not start with http"},
		{"https://ci:geheim@gerrit.example.org", "", "", "holds a user"},
		{"https://ci:ge%zzheim@gerrit.example.org", "", "", "cannot be parsed"},
		{"https://gerrit.example.org/q?x=1", "", "", "has a query"},
		{"https://gerrit.example.org", "ci", "", "half given"},
		{"https://gerrit.example.org", "", "geheim", "half given"},
	} {
		_, err := gerrit.New(t.Context(), gerrit.Config{URL: test.url, Username: test.username, Password: test.password})
		failure := change.AsFailure(err)
		if failure == nil || failure.Kind != change.KindConfiguration || !strings.Contains(failure.Message, test.want) || failure.Hint == "" {
			t.Errorf("%q: got %v, want a configuration failure with %q", test.url, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "heim") {
			t.Errorf("%q: the error shows a password: %v", test.url, err)
		}
	}
}

func TestGitURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, username, project, want string }{
		{"https://g.example/", "ci", "registry", "https://g.example/a/registry"},
		{"https://g.example/a", "ci", "registry", "https://g.example/a/registry"},
		{"https://g.example/r/", "ci", "team/sub proj", "https://g.example/r/a/team/sub%20proj"},
		{"https://g.example", "", "registry", "https://g.example/registry"},
	} {
		password := test.username // both or none
		c, err := gerrit.New(t.Context(), gerrit.Config{URL: test.url, Username: test.username, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.GitURL(test.project); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	_, err := client(t, g.URL, lab.GerritAccount{Username: "ci", Password: "wrong"}).Change(t.Context(), "any", 1)
	failure := change.AsFailure(err)
	if failure == nil || failure.Kind != change.KindConfiguration || !strings.Contains(failure.Hint, "expired or revoked") {
		t.Errorf("wrong password: %v, hint %q", err, failure.Hint)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	clone := g.Clone(t, project)
	base := clone.Land(t, "base", map[string]string{"a.txt": "a\n"})
	first := clone.Push(t, "Додати таблицю", map[string]string{"b.txt": "b\n"})
	stacked := clone.Push(t, "on top", map[string]string{"c.txt": "c\n"})
	ci := client(t, g.URL, g.CI())

	got, err := ci.Change(t.Context(), project, first.Number)
	if err != nil {
		t.Fatal(err)
	}
	want := &gerrit.Change{
		Project: project, Number: first.Number, Branch: "master", Subject: "Додати таблицю", Status: gerrit.StatusNew,
		PatchSet: 1, Revision: first.Revision,
		Parents:   []gerrit.Parent{{Commit: base, Merged: true}},
		Own:       map[string]int{},
		Permitted: map[string][]int{"Verified": {-1, 0, 1}, "Code-Review": {-1, 0, 1}},
		Labels:    map[string]gerrit.Label{"Verified": {Values: []int{-1, 0, 1}}, "Code-Review": {Values: []int{-2, -1, 0, 1, 2}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(gerrit.Change{}, "Messages", "ServerTime")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if age := time.Since(got.ServerTime); age < -time.Minute || age > time.Minute {
		t.Errorf("server time %v", got.ServerTime)
	}
	if len(got.Messages) != 1 || got.Messages[0].Own || got.Messages[0].PatchSet != 1 {
		t.Errorf("messages %+v", got.Messages)
	}

	top, err := ci.Change(t.Context(), project, stacked.Number)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]gerrit.Parent{{Commit: first.Revision, Change: first.Number, PatchSet: 1}}, top.Parents); diff != "" {
		t.Errorf("stacked, -want +got:\n%s", diff)
	}
}

func TestChangeNotFound(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	pushed := g.Clone(t, project).Push(t, "x", map[string]string{"a.txt": "a\n"})
	g.MustREST(t, g.Dev(), "POST", lab.ChangePath(project, pushed.Number, "private"), "{}")
	ci := client(t, g.URL, g.CI())
	for _, number := range []int{pushed.Number, 99999999} {
		if _, err := ci.Change(t.Context(), project, number); !errors.Is(err, gerrit.ErrNotFound) {
			t.Errorf("change %d: %v, want ErrNotFound", number, err)
		}
	}
	if _, err := ci.Change(t.Context(), "another project/%", pushed.Number); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("another project: %v, want ErrNotFound", err)
	}
}

func TestProjectWithSlashAndBlank(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := "team/" + g.NewProject(t) + " x"
	if err := g.CreateProject(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	clone, err := g.CloneTo(t.Context(), project, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := clone.CommitFiles(t.Context(), "x", map[string]string{"ім'я файла.txt": "a\nb\n"}); err != nil {
		t.Fatal(err)
	}
	clone.Git(t, "push", "-q", "origin", "HEAD:refs/for/master")
	revision := clone.Git(t, "rev-parse", "HEAD")
	number := changeOf(t, g, revision)
	ci := client(t, g.URL, g.CI())
	read, err := ci.Change(t.Context(), project, number)
	if err != nil || read.Revision != revision || read.Project != project {
		t.Fatalf("read %+v, %v", read, err)
	}
	reviewed, err := ci.Review(t.Context(), project, number, revision, gerrit.Review{
		Label: "Verified", Vote: vote(-1), Message: "ні",
		Comments: map[string][]gerrit.Comment{"ім'я файла.txt": {{Line: 2, Text: "тут"}}},
	})
	if err != nil || reviewed.Labels["Verified"] != -1 {
		t.Errorf("reviewed %+v, %v", reviewed, err)
	}
}

func changeOf(t *testing.T, g *lab.GerritServer, revision string) (number int) {
	t.Helper()
	answer := g.MustREST(t, g.Admin(), "GET", "/changes/?q=commit:"+revision, "")
	_, after, _ := strings.Cut(answer, `"_number":`)
	if _, err := fmt.Sscanf(after, "%d", &number); err != nil {
		t.Fatalf("no change for %s: %s", revision, answer)
	}
	return number
}
