package steps_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// second is the migration that candidates add to a quick registry.
const second = "data-model/00002_second.sql"

// migration is a file for goose.
func migration(statements string) string { return "-- +goose Up\n" + statements + "\n" }

// block is a statement with semicolons inside.
func block(statement string) string {
	return "-- +goose StatementBegin\n" + statement + "\n-- +goose StatementEnd\n"
}

// newTable is a candidate that adds one table.
func newTable(name string) map[string]string {
	return map[string]string{second: migration("CREATE TABLE registry." + name + " (id int PRIMARY KEY);")}
}

// quick is a registry of migrations, which goose deploys in no time.
func quick(t *testing.T, c corner) *registry {
	t.Helper()
	c.env = append(c.env, "PATCHBAY_CHANGELOG=data-model", "PATCHBAY_MAX_CANDIDATES=0")
	return newRegistryIn(t, c, map[string]string{
		"data-model/00001_first.sql": migration("CREATE TABLE registry.first (id int PRIMARY KEY);"),
	})
}

// ownServer is a site on a server that only this test uses.
func ownServer(t *testing.T) (*lab.OwnPostgres, *lab.Site) {
	t.Helper()
	server, err := lab.StartOwnPostgres(t.Context(), 15)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server, server.Site(t)
}

// alone gives the steps a temporary folder of their own: whose processes are
// still there can be told by it.
func (r *registry) alone() *registry { return r.with("TMPDIR=" + r.TempDir()) }

// behind sends the steps to Gerrit by way of a proxy.
func (r *registry) behind() (*registry, *lab.FaultProxy) {
	r.Helper()
	proxy := lab.NewFaultProxy(r.T, r.gerrit.URL)
	return r.with("GERRIT_URL=" + proxy.URL), proxy
}

// stack pushes many changes at once. Each is on top of the one before, but
// all have the same base: the tip of the branch.
func (r *registry) stack(n int, files func(i int) map[string]string) []lab.Pushed {
	r.Helper()
	var pushed []lab.Pushed
	r.clone.Git(r.T, "checkout", "-q", "--detach", "origin/master")
	for i := range n {
		r.clone.Commit(r.T, fmt.Sprint("change ", i), files(i))
		pushed = append(pushed, lab.Pushed{Project: r.project, PatchSet: 1, Revision: r.clone.Git(r.T, "rev-parse", "HEAD")})
	}
	r.clone.Git(r.T, "push", "-q", "origin", "HEAD:refs/for/master")
	numbers := r.numbers()
	for i := range pushed {
		pushed[i].Number = numbers[pushed[i].Revision]
	}
	return pushed
}

// numbers are the changes of the project by their current revision.
func (r *registry) numbers() map[string]int {
	r.Helper()
	var changes []struct {
		Number  int    `json:"_number"`
		Current string `json:"current_revision"`
	}
	answer := r.gerrit.MustREST(r.T, r.gerrit.Admin(), "GET", "/changes/?o=CURRENT_REVISION&q=project:"+r.project, "")
	if err := json.Unmarshal([]byte(answer), &changes); err != nil {
		r.Fatal(err)
	}
	numbers := map[string]int{}
	for _, c := range changes {
		numbers[c.Current] = c.Number
	}
	return numbers
}

// edit makes the next patch set inside Gerrit, as its editor does.
func (r *registry) edit(p lab.Pushed, path, text string) (lab.Pushed, error) {
	content := `{"binary_content":"data:text/plain;base64,` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}`
	if err := r.act(p, "PUT", "edit/"+url.PathEscape(path), content); err != nil {
		return p, err
	}
	if err := r.act(p, "POST", "edit:publish", "{}"); err != nil {
		return p, err
	}
	_, answer, err := r.gerrit.Call(context.Background(), r.gerrit.Admin(), "GET", lab.ChangePath(p.Project, p.Number, "detail?o=CURRENT_REVISION"), "")
	if err != nil {
		return p, err
	}
	var now struct {
		Current string `json:"current_revision"`
	}
	err = json.Unmarshal([]byte(answer), &now)
	return lab.Pushed{Project: p.Project, Number: p.Number, PatchSet: p.PatchSet + 1, Revision: now.Current}, err
}

// act does something to a change as its owner.
func (r *registry) act(p lab.Pushed, method, below, body string) error {
	status, answer, err := r.gerrit.Call(context.Background(), r.gerrit.Dev(), method, lab.ChangePath(p.Project, p.Number, below), body)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%s %s: %d %s", method, below, status, answer)
	}
	return err
}

// submit merges a change, past its votes.
func (r *registry) submit(p lab.Pushed) error {
	for _, call := range []struct {
		as          lab.GerritAccount
		below, body string
	}{
		{r.gerrit.Admin(), "revisions/current/review", `{"labels":{"Code-Review":2}}`},
		{r.gerrit.CI(), "revisions/current/review", `{"labels":{"Verified":1}}`},
		{r.gerrit.Admin(), "submit", "{}"},
	} {
		status, answer, err := r.gerrit.Call(context.Background(), call.as, "POST", lab.ChangePath(p.Project, p.Number, call.below), call.body)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%s: %d %s %w", call.below, status, answer, err)
		}
	}
	return nil
}

// voted is what Verified stands at, and the texts of all messages.
func (r *registry) voted(number int) (value int, messages string) {
	r.Helper()
	answer := r.gerrit.MustREST(r.T, r.gerrit.Dev(), "GET", lab.ChangePath(r.project, number, "detail"), "")
	var detail struct {
		Labels map[string]struct {
			All []struct{ Value int }
		}
		Messages []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(answer), &detail); err != nil {
		r.Fatal(err)
	}
	for _, vote := range detail.Labels["Verified"].All {
		if vote.Value != 0 {
			value = vote.Value
		}
	}
	for _, m := range detail.Messages {
		messages += m.Message + "\n"
	}
	return value, messages
}

// wantVote fails the test unless Verified stands there.
func (r *registry) wantVote(number, want int) {
	r.Helper()
	if got, messages := r.voted(number); got != want {
		r.Errorf("Verified stands at %+d, want %+d\n%s", got, want, messages)
	}
}

// quiet fails the test when a step left something at work for a change: a
// session on the server or a process.
func (r *registry) quiet(number int) {
	r.Helper()
	name := r.site.Names.Candidate(number)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		busy := r.column("postgres", "SELECT coalesce(usename, '') || ' on ' || datname || ': ' || query FROM pg_stat_activity "+
			"WHERE datname ~ '^"+name+"(-|$)' OR usename ~ '^"+name+"-'")
		busy = append(busy, r.processes()...)
		if len(busy) == 0 {
			return
		}
		if time.Now().After(end) {
			r.Errorf("still at work: %v", busy)
			return
		}
	}
}

// processes are those that name the steps' temporary folder, as Java does.
func (r *registry) processes() (found []string) {
	folder := r.temporary()
	if folder == "" {
		return nil
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if text, err := os.ReadFile(line); err == nil && strings.Contains(string(text), folder) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

// recovers runs the pipeline again: it succeeds and leaves nothing behind.
func (r *registry) recovers(p lab.Pushed) {
	r.Helper()
	run := r.run(p)
	if run.Reported == nil || run.Reported.Vote == nil || *run.Reported.Vote != 1 {
		r.Errorf("the next run: want Verified +1, got %+v\n%s", run.Reported, logs(run))
	}
	r.wantVote(p.Number, 1)
	r.tidy(p.Number, true)
	r.quiet(p.Number)
}

// failedAs fails the test unless a result ended in a failure of that kind.
func (r *registry) failedAs(head *change.Header, kind change.Kind) {
	r.Helper()
	if head.Failure == nil || head.Failure.Kind != kind || head.Failure.Message == "" {
		r.Errorf("%s: want a failure of kind %s, got outcome %q, %+v", head.Step, kind, head.Outcome, head.Failure)
	}
}
