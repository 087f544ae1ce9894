package steps_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// in is the registry for a subtest.
func (r *registry) in(t *testing.T) *registry {
	other := *r
	other.T = t
	return &other
}

// with is the registry with more settings.
func (r *registry) with(env ...string) *registry {
	other := *r
	other.pipeline.Env = slices.Concat(r.pipeline.Env, env)
	return &other
}

// stepRun is one run of one binary.
type stepRun struct {
	status         int
	stdout, stderr string
}

// step runs one binary for a patch set, in the run directory dir.
func (r *registry) step(p lab.Pushed, dir, name string, args ...string) stepRun {
	r.Helper()
	var stdout, stderr bytes.Buffer
	cmd := r.command(p, dir, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.Fatal(err)
	}
	return stepRun{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (r *registry) command(p lab.Pushed, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.Context(), filepath.Join(bin, name), args...)
	cmd.Env = slices.Concat(os.Environ(), p.Environment(), []string{"PATCHBAY_RUN_DIR=" + dir}, r.pipeline.Env)
	cmd.Dir = dir
	return cmd
}

// result runs a step that must end with a status and gives what it wrote.
func result[T any](r *registry, p lab.Pushed, dir, name string, status int, args ...string) *T {
	r.Helper()
	run := r.step(p, dir, name, args...)
	if run.status != status {
		r.Fatalf("%s: exit status %d, want %d\n%s", name, run.status, status, run.stderr)
	}
	return read[T](r, filepath.Join(dir, name+".json"))
}

func read[T any](r *registry, path string) *T {
	r.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		r.Fatal(err)
	}
	doc := new(T)
	if err := json.Unmarshal(text, doc); err != nil {
		r.Fatalf("read %s: %v", path, err)
	}
	return doc
}

// begin runs get-changes in a run directory of its own.
func (r *registry) begin(p lab.Pushed) (dir string) {
	r.Helper()
	dir = r.TempDir()
	result[change.GetChanges](r, p, dir, "get-changes", 0)
	return dir
}

func (r *registry) create(p lab.Pushed, dir string, status int) *change.CreateTempDB {
	r.Helper()
	return result[change.CreateTempDB](r, p, dir, "create-temp-db", status)
}

func (r *registry) apply(p lab.Pushed, dir string, status int, args ...string) *change.ApplyChangelog {
	r.Helper()
	return result[change.ApplyChangelog](r, p, dir, "apply-changelog", status, args...)
}

// report runs report-verified and wants a vote, or none.
func (r *registry) report(p lab.Pushed, dir string, vote *int) *change.ReportVerified {
	r.Helper()
	got := result[change.ReportVerified](r, p, dir, "report-verified", 0)
	if (vote == nil) != (got.Vote == nil) || vote != nil && *got.Vote != *vote {
		r.Errorf("report-verified: got %+v", got)
	}
	return got
}

// databases names the candidates and what only a step at work may have:
// attempts, half-made base databases, throw-away logins.
func (r *registry) databases() (candidates, leftovers []string) {
	r.Helper()
	for _, name := range r.column("postgres", "SELECT datname FROM pg_database ORDER BY 1") {
		switch r.site.Names.Parse(name).Kind {
		case pg.Candidate:
			candidates = append(candidates, name)
		case pg.Attempt, pg.BaseAttempt:
			leftovers = append(leftovers, name)
		}
	}
	for _, role := range r.column("postgres", "SELECT rolname FROM pg_roles ORDER BY 1") {
		if _, login := r.site.Names.LoginOf(role); login {
			leftovers = append(leftovers, role)
		}
	}
	return candidates, leftovers
}

// tidy fails the test when a step left something of a change behind, and
// unless its candidate database is there or not as wanted.
func (r *registry) tidy(number int, wanted bool) {
	r.Helper()
	candidates, leftovers := r.databases()
	for _, name := range leftovers {
		if strings.HasPrefix(name, r.site.Names.Candidate(number)+"-") {
			r.Errorf("%s is left behind", name)
		}
	}
	if there := slices.Contains(candidates, r.site.Names.Candidate(number)); there != wanted {
		r.Errorf("database %s: there %v, want %v", r.site.Names.Candidate(number), there, wanted)
	}
}

// nothingLeft is tidy for everything of the registry.
func (r *registry) nothingLeft() {
	r.Helper()
	if _, leftovers := r.databases(); len(leftovers) > 0 {
		r.Errorf("left behind: %v", leftovers)
	}
}

// column reads texts as superuser.
func (r *registry) column(database, sql string) []string {
	r.Helper()
	conn, err := pgx.Connect(r.Context(), r.site.SuperURL(database))
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close(r.Context())
	rows, err := conn.Query(r.Context(), sql)
	if err != nil {
		r.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.Fatalf("%s: %v", sql, err)
	}
	return values
}

// tables of the schema registry in a change's candidate database.
func (r *registry) tables(number int) []string {
	r.Helper()
	return r.column(r.site.Names.Candidate(number), "SELECT tablename FROM pg_tables WHERE schemaname = 'registry' ORDER BY 1")
}

// provenance is what a database's comment says.
func (r *registry) provenance(database string) *candidate.Provenance {
	r.Helper()
	text := r.column("postgres", "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = "+pg.Literal(database))
	if len(text) != 1 || candidate.ParseProvenance(text[0]) == nil {
		r.Fatalf("the comment of %s: %q", database, text)
	}
	return candidate.ParseProvenance(text[0])
}

// comments are the inline comments in Gerrit: "file:line" → text.
func (r *registry) comments(number int) map[string]string {
	r.Helper()
	answer := r.gerrit.MustREST(r.T, r.gerrit.CI(), "GET", lab.ChangePath(r.project, number, "comments"), "")
	var files map[string][]struct {
		Line       int
		Message    string
		Unresolved bool
	}
	if err := json.Unmarshal([]byte(answer), &files); err != nil {
		r.Fatal(err)
	}
	found := map[string]string{}
	for file, comments := range files {
		for _, c := range comments {
			found[(&change.Failure{File: file, Line: c.Line}).Where()] = c.Message
		}
	}
	return found
}

// onMaster pushes a new change on top of what the branch is now; a file of
// text "" is removed.
func (r *registry) onMaster(subject string, files map[string]string) lab.Pushed {
	r.Helper()
	r.clone.Git(r.T, "fetch", "-q", "origin")
	r.clone.Git(r.T, "checkout", "-q", "--detach", "origin/master")
	return r.clone.Push(r.T, subject, r.without(files))
}

// land commits files to the branch, past review.
func (r *registry) land(subject string, files map[string]string) string {
	r.Helper()
	r.clone.Git(r.T, "fetch", "-q", "origin")
	r.clone.Git(r.T, "checkout", "-q", "--detach", "origin/master")
	return r.clone.Land(r.T, subject, r.without(files))
}

// without removes the files of text "" from the checkout and the list.
func (r *registry) without(files map[string]string) map[string]string {
	r.Helper()
	kept := map[string]string{}
	for name, text := range files {
		if text == "" {
			r.clone.Git(r.T, "rm", "-q", "-r", name)
			continue
		}
		kept[name] = text
	}
	return kept
}

// amend makes the next patch set of a change.
func (r *registry) amend(p lab.Pushed, subject string, files map[string]string) lab.Pushed {
	r.Helper()
	r.clone.Git(r.T, "checkout", "-q", "--detach", p.Revision)
	return r.clone.Amend(r.T, subject, files)
}

// nextSecond waits until Gerrit's clock gives another attempt.
func (r *registry) nextSecond() { time.Sleep(1100 * time.Millisecond) }

func vote(value int) *int { return &value }

// people is the smallest model: one table.
func people(more string) map[string]string { return map[string]string{root: changelog(person + more)} }

const person = `
<changeSet id="person" author="olena">
  <createTable schemaName="registry" tableName="person">
    <column name="id" type="int"><constraints primaryKey="true"/></column>
    <column name="name" type="text"/>
  </createTable>
</changeSet>`

// table is a changeset that makes a table of one column.
func table(name string) string {
	return `
<changeSet id="` + name + `" author="olena">
  <createTable schemaName="registry" tableName="` + name + `"><column name="id" type="int"/></createTable>
</changeSet>`
}

// named runs a subtest on the registry.
func (r *registry) named(name string, test func(r *registry)) {
	r.Run(name, func(t *testing.T) { test(r.in(t)) })
}
