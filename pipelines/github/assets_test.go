package github_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

// exchange is two Supersets and a repository on a server, with a runner.
type exchange struct {
	*runner
	*server
	pair   *lab.SupersetPair
	seeded *seed.Seeded
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	pair := lab.Supersets(t)
	seeded, err := seed.Fixture(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	e := &exchange{newRunner(t), newServer(t), pair, seeded}
	e.instance = e.host
	e.env = map[string]string{"CURL_CA_BUNDLE": e.certificate, "GIT_SSL_CAINFO": e.certificate, "PATCHBAY_CACHE_DIR": filepath.Join(e.home, "cache")}
	e.secrets = map[string]string{"GITHUB_TOKEN": e.token, "SUPERSET_PROD_PASSWORD": "sync-secret", "SUPERSET_QA_PASSWORD": "sync-secret"}
	e.variables = map[string]string{
		"SUPERSET_PROD_URL": pair.Prod.URL, "SUPERSET_QA_URL": pair.QA.URL, "SUPERSET_PROD_USERNAME": "sync", "SUPERSET_QA_USERNAME": "sync",
		"PATCHBAY_ASSETS_FROM": "prod", "PATCHBAY_ASSETS_TO": "qa",
	}
	for name, text := range map[string]string{"asset-sync.yaml": seed.Configuration, ".gitignore": "/.patchbay/\n/snapshots/\n/ids.json\n"} {
		if err := os.WriteFile(filepath.Join(e.repository, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e.runner.git("add", "-A")
	e.runner.git("commit", "-qm", "configuration")
	e.runner.git("push", "-q", e.server.git, "main")
	e.runner.git("remote", "set-url", "origin", "https://"+e.host+"/"+repository+".git")
	return e
}

// rename gives a chart of a site another title, as a user.
func (e *exchange) rename(site *lab.SupersetSite, user, chart, title string) {
	e.runner.Helper()
	client, err := seed.Client(site, user)
	if err != nil {
		e.runner.Fatal(err)
	}
	id := e.charts(site)[chart]
	if err := client.Send(e.runner.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", id), map[string]any{"slice_name": title}, nil); err != nil {
		e.runner.Fatalf("rename chart %d: %v", id, err)
	}
}

// charts are the ids of a site's charts by title.
func (e *exchange) charts(site *lab.SupersetSite) map[string]int {
	e.runner.Helper()
	client, err := seed.Client(site, "admin")
	if err != nil {
		e.runner.Fatal(err)
	}
	rows, err := client.List(e.runner.Context(), assets.Chart)
	if err != nil {
		e.runner.Fatal(err)
	}
	all := map[string]int{}
	for _, row := range rows {
		all[row.Title] = row.ID
	}
	return all
}

// propose runs the nightly job and gives the branch's commit; so many pull
// requests must have been made by then.
func (e *exchange) propose(made int) (log, commit string) {
	e.runner.Helper()
	log = e.ran(true, "schedule", "asset-sync", nil, "--job", "propose")
	if len(e.pulls) != made {
		e.runner.Fatalf("%d pull requests, want %d\n%s", len(e.pulls), made, log)
	}
	return log, e.head("patchbay/assets-qa")
}

// merge merges the open pull request and checks the branch out.
func (e *exchange) merge() {
	e.runner.Helper()
	e.finish(true)
	e.runner.git("fetch", "-q", e.server.git, "main")
	e.runner.git("reset", "-q", "--hard", "FETCH_HEAD")
}

// TestAssetSync: what people make in one environment is proposed once, goes to
// the other on merge, and is taken back by hand.
func TestAssetSync(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	_, first := e.propose(1)
	if log, again := e.propose(1); again != first || e.pulls[0].Title != "assets for qa: first export of prod" {
		t.Errorf("%s after %s, %q\n%s", again, first, e.pulls[0].Title, log)
	}
	if ids := e.artifact("ids/ids.json"); !strings.Contains(ids, "uuid") {
		t.Errorf("ids: %.200s", ids)
	}
	e.rename(e.pair.Prod, "editor", "Зарплати", "Зарплати за посадами")
	if log, next := e.propose(1); next == first || e.pulls[0].State != "open" {
		t.Errorf("%s after %s\n%s", next, first, log)
	}
	e.merge()
	if log, _ := e.propose(1); !strings.Contains(log, "nothing to propose") {
		t.Errorf("%s", log)
	}
	e.ran(true, "push", "asset-sync", nil, "--job", "sync")
	if _, there := e.charts(e.pair.QA)["Зарплати за посадами"]; !there {
		t.Errorf("the chart did not arrive: %v", e.charts(e.pair.QA))
	}
	if log := e.ran(true, "push", "asset-sync", nil, "--job", "sync"); !strings.Contains(log, "set-output:: changed=false") {
		t.Errorf("the second sync:\n%s", log)
	}
	e.again()
}

// again: a second round, in words; one that is closed and not proposed again;
// one asset that somebody edited in the target; and back.
func (e *exchange) again() {
	t := e.runner
	t.Helper()
	e.rename(e.pair.Prod, "editor", "Зарплати за посадами", "Оклади")
	_, commit := e.propose(2)
	if p := e.pulls[1]; p.Title != "assets for qa: 0 added, 1 changed, 0 removed" || !strings.Contains(p.Body, "Оклади") {
		t.Errorf("%q\n%s", p.Title, p.Body)
	}
	e.finish(false)
	if log, same := e.propose(2); same != commit || !strings.Contains(log, "proposed before, and closed") {
		t.Errorf("%s", log)
	}
	e.rename(e.pair.Prod, "editor", "Усього зразків", "Зразків усього")
	e.propose(3)
	e.merge()
	e.rename(e.pair.QA, "editor", "Зарплати за посадами", "Їхня назва")
	log := e.ran(false, "push", "asset-sync", nil, "--job", "sync")
	charts := e.charts(e.pair.QA)
	if charts["Зразків усього"] == 0 || charts["Їхня назва"] == 0 || !strings.Contains(log, "Оклади") {
		t.Errorf("%v\n%s", charts, log)
	}
	inputs := map[string]string{"command": "rollback", "run-id": "7"}
	e.ran(true, "workflow_dispatch", "asset-sync", inputs, "--job", "rollback")
	if charts := e.charts(e.pair.QA); charts["Усього зразків"] == 0 || charts["Зразків усього"] != 0 {
		t.Errorf("after the rollback: %v", charts)
	}
	inputs["run-id"] = "8"
	e.ran(false, "workflow_dispatch", "asset-sync", inputs, "--job", "rollback")
}
