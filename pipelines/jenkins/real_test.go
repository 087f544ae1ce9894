package jenkins_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// bin holds the binaries of all steps, built once.
var bin string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "patchbay-jenkins-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bin = dir
	if err := lab.BuildSteps(context.Background(), bin); err != nil {
		panic(err)
	}
	return m.Run()
}

// controller is a Jenkins with a registry and its credentials.
type controller struct {
	*testing.T
	*lab.Registration
}

// build runs a file for an event, in a workspace and with an archive of its own.
func (c *controller) build(s scenario) (b build, archive string) {
	c.Helper()
	env := c.Agent()
	if s.Workspace == "" {
		s.Workspace = c.TempDir()
	}
	maps.Copy(env, map[string]string{"JENKINS_URL": "https://jenkins.example.org/", "BUILD_URL": "https://jenkins.example.org/job/codereview/7/"})
	maps.Copy(env, s.Env)
	ci := c.Gerrit.CI()
	s.Env, s.Execute, s.Archive = env, true, c.TempDir()
	s.Credentials = map[string]credential{
		"patchbay-gerrit":   {Username: ci.Username, Password: ci.Password},
		"patchbay-database": {Text: c.Site.URL},
		"patchbay-reader":   {Text: c.Site.ReaderPassword()},

		"patchbay-assets-gerrit": {Username: c.Gerrit.Dev().Username, Password: c.Gerrit.Dev().Password},
		"patchbay-superset-prod": {Username: "sync", Password: "sync-secret"},
		"patchbay-superset-qa":   {Username: "sync", Password: "sync-secret"},
	}
	b = run(c.T, s)
	left, err := os.ReadDir(s.Workspace)
	if err != nil || len(left) > 0 {
		c.Errorf("the workspace is not clean: %v %v", left, err)
	}
	for _, secret := range []string{ci.Password, c.Gerrit.Dev().Password, "sync-secret", c.Site.ReaderPassword(), password(c.Site.URL)} {
		if strings.Contains(b.log(), secret) {
			c.Errorf("a secret is in the log:\n%s", b.log())
		}
	}
	return b, s.Archive
}

func password(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	_, rest, _ = strings.Cut(rest, ":")
	secret, _, _ := strings.Cut(rest, "@")
	return secret
}

// review runs the code review pipeline for a patch set.
func (c *controller) review(p lab.Pushed, a *abort) (build, string) {
	c.Helper()
	return c.build(scenario{File: "Jenkinsfile", Env: eventOf(p, nil), Abort: a})
}

// ended fails the test unless the build ended as wanted.
func (c *controller) ended(b build, result, title string) {
	c.Helper()
	if end := b.end(); end.Result != result || end.DisplayName != title {
		c.Errorf("ended %s %q, want %s %q\n%s", end.Result, end.DisplayName, result, title, b.log())
	}
}

// vote is what the CI account's vote stands at in Gerrit now.
func (c *controller) vote(number int) int {
	c.Helper()
	answer := c.Gerrit.MustREST(c.T, c.Gerrit.CI(), "GET", lab.ChangePath(c.Project, number, "detail"), "")
	var detail struct {
		Labels map[string]struct {
			All []struct {
				Username string
				Value    int
			}
		}
	}
	if err := json.Unmarshal([]byte(answer), &detail); err != nil {
		c.Fatal(err)
	}
	for _, vote := range detail.Labels["Verified"].All {
		if vote.Username == "ci" {
			return vote.Value
		}
	}
	return 0
}

// databases are the site's, without the template.
func (c *controller) databases() (names []string) {
	c.Helper()
	conn, err := pgx.Connect(c.Context(), c.Site.SuperURL("postgres"))
	if err != nil {
		c.Fatal(err)
	}
	defer conn.Close(c.Context())
	rows, err := conn.Query(c.Context(), "SELECT datname FROM pg_database ORDER BY 1")
	if err != nil {
		c.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		c.Fatal(err)
	}
	for _, name := range all {
		if kind := c.Site.Names.Parse(name).Kind; kind == pg.Candidate || kind == pg.Attempt {
			names = append(names, name)
		}
	}
	return names
}

const (
	good = "\n--changeset olena:sample-note\nALTER TABLE registry.sample ADD note text;\n"
	bad  = "\n--changeset olena:sample-note\nALTER TABLE registry.sampel ADD note text;\n"
)

// push makes a change of the procedures' file on top of master.
func (c *controller) push(subject, more string) lab.Pushed {
	c.Helper()
	c.Clone.Git(c.T, "checkout", "-q", "--detach", "origin/master")
	return c.Clone.Push(c.T, subject, c.procedures(more))
}

func (c *controller) procedures(more string) map[string]string {
	const file = "data-model/procedures.sql"
	return map[string]string{file: c.Clone.Git(c.T, "show", "origin/master:"+file) + "\n" + more}
}

// TestRealBuilds walks one registry through all pipelines: what Jenkins would
// run is run, on real servers.
func TestRealBuilds(t *testing.T) {
	t.Parallel()
	c := &controller{t, lab.Register(t, bin)}
	c.Clone.Git(t, "fetch", "-q", "origin")
	b, _ := c.build(scenario{File: "pipelines/jenkins/prepare-template.Jenkinsfile"})
	c.ended(b, "SUCCESS", "#1")

	first := c.push("A good change", good)
	b, archive := c.review(first, nil)
	c.ended(b, "SUCCESS", title(first)+" +1")
	c.archived(archive, "apply-changelog.json", "create-temp-db.json", "diff.json", "get-changes.json", "report-verified.json", "schema-base.json", "schema.json")
	if vote := c.vote(first.Number); vote != 1 {
		t.Errorf("Verified %+d, want +1", vote)
	}

	second := c.push("A bad change", bad)
	b, _ = c.review(second, nil)
	c.ended(b, "FAILURE", title(second)+" -1")
	if vote := c.vote(second.Number); vote != -1 || !strings.Contains(b.log(), "does not exist") {
		t.Errorf("Verified %+d, want -1\n%s", vote, b.log())
	}

	c.superseded(second)
	c.aborted()
	c.closed(first, second)
	c.tornDown()
}

func title(p lab.Pushed) string { return fmt.Sprintf("%d/%d", p.Number, p.PatchSet) }

func (c *controller) archived(dir string, want ...string) {
	c.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, ".patchbay"))
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if err != nil || !slices.Equal(got, want) {
		c.Errorf("archived %v (%v), want %v", got, err, want)
	}
}

// superseded: the build of an older patch set ends without a vote and the
// newer one's is not touched by it; other changes go on.
func (c *controller) superseded(old lab.Pushed) {
	c.Helper()
	c.Clone.Git(c.T, "checkout", "-q", "--detach", old.Revision)
	next := c.Clone.Amend(c.T, "A repaired change", c.procedures(good))
	b, _ := c.review(next, nil)
	c.ended(b, "SUCCESS", title(next)+" +1")
	b, _ = c.review(old, nil)
	c.ended(b, "SUCCESS", title(old)+" superseded")
	if vote := c.vote(next.Number); vote != 1 {
		c.Errorf("Verified %+d after a build of the older patch set, want +1", vote)
	}
}

// aborted: what is half made is undone, and Gerrit does not keep a verdict.
func (c *controller) aborted() {
	c.Helper()
	before := c.databases()
	p := c.push("A change whose build is aborted", "\n--changeset olena:slow\nSELECT pg_sleep(60);\n")
	b, _ := c.review(p, &abort{Match: "apply-changelog", After: 2500})
	c.ended(b, "ABORTED", title(p)+" 0")
	if after := c.databases(); !slices.Equal(before, after) {
		c.Errorf("databases %v, before the aborted build %v\n%s", after, before, b.log())
	}
}

// closed: the event of an abandoned change drops its database and no other;
// the nightly run finds the rest.
func (c *controller) closed(first, second lab.Pushed) {
	c.Helper()
	for _, p := range []lab.Pushed{first, second} {
		c.Gerrit.MustREST(c.T, c.Gerrit.Admin(), "POST", lab.ChangePath(c.Project, p.Number, "abandon"), "{}")
	}
	b, _ := c.build(scenario{File: "pipelines/jenkins/closed-change.Jenkinsfile", Env: eventOf(first, nil)})
	c.ended(b, "SUCCESS", strconv.Itoa(first.Number))
	if left := c.databases(); len(left) != 1 || left[0] != c.Site.Names.Candidate(second.Number) {
		c.Errorf("databases: %v\n%s", left, b.log())
	}
	b, archive := c.build(scenario{File: "pipelines/jenkins/reconcile.Jenkinsfile", Env: map[string]string{"GERRIT_PROJECT": c.Project}})
	c.ended(b, "SUCCESS", "#1")
	if left := c.databases(); len(left) != 0 {
		c.Errorf("databases: %v\n%s", left, b.log())
	}
	if list, err := os.ReadFile(filepath.Join(archive, "rebuild.json")); err != nil || !strings.Contains(string(list), c.Project) {
		c.Errorf("the change whose build was aborted is to be rebuilt: %s %v", list, err)
	}
	b, _ = c.build(scenario{File: "pipelines/jenkins/closed-change.Jenkinsfile", Env: map[string]string{"GERRIT_PROJECT": c.Project, "GERRIT_CHANGE_NUMBER": ""}})
	if b.end().Result != "FAILURE" {
		c.Errorf("a build without an event ended %s\n%s", b.end().Result, b.log())
	}
}

// tornDown: shown, refused with another prefix, done, begun again.
func (c *controller) tornDown() {
	c.Helper()
	for _, step := range []struct {
		file       string
		parameters map[string]any
		result     string
		template   bool
	}{
		{"delete-registry", nil, "SUCCESS", true},
		{"delete-registry", map[string]any{"CONFIRM_PREFIX": "registry-prod-"}, "FAILURE", true},
		{"delete-registry", map[string]any{"CONFIRM_PREFIX": c.Site.Names.Prefix}, "SUCCESS", false},
		{"prepare-template", map[string]any{"PATCHBAY_DRY_RUN": true}, "SUCCESS", false},
		{"prepare-template", nil, "SUCCESS", true},
	} {
		b, _ := c.build(scenario{File: "pipelines/jenkins/" + step.file + ".Jenkinsfile", Parameters: step.parameters})
		c.ended(b, step.result, "#1")
		conn, err := pgx.Connect(c.Context(), c.Site.SuperURL("postgres"))
		if err != nil {
			c.Fatal(err)
		}
		var there bool
		err = conn.QueryRow(c.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", c.Site.Names.Template).Scan(&there)
		conn.Close(c.Context())
		if err != nil || there != step.template {
			c.Errorf("after %s %v: template %v, want %v: %v\n%s", step.file, step.parameters, there, step.template, err, b.log())
		}
	}
}
