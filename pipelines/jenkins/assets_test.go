//go:build long

package jenkins_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

// proposal is a change in Gerrit.
type proposal struct {
	Number    int `json:"_number"`
	Status    string
	Topic     string
	Subject   string
	Revisions map[string]struct {
		Number int `json:"_number"`
	}
}

// exchange is a controller whose project holds assets, with two Supersets.
type exchange struct {
	*controller
	pair *lab.SupersetPair
}

func (e *exchange) proposals() (all []proposal) {
	e.Helper()
	query := "/changes/?o=ALL_REVISIONS&q=" + url.QueryEscape("project:"+e.Project)
	if err := json.Unmarshal([]byte(e.Gerrit.MustREST(e.T, e.Gerrit.Admin(), "GET", query, "")), &all); err != nil {
		e.Fatal(err)
	}
	return all
}

// job runs a file in a checkout of what master is now.
func (e *exchange) job(file, result string, s scenario) (b build, archive string) {
	e.Helper()
	clone := e.Gerrit.Clone(e.T, e.Project)
	s.File, s.Workspace = "pipelines/jenkins/"+file+".Jenkinsfile", clone.Dir
	s.Env = map[string]string{
		"PATH":                 bin + ":" + e.scripts() + ":" + os.Getenv("PATH"),
		"PATCHBAY_ASSETS_FROM": "prod", "PATCHBAY_ASSETS_TO": "qa", "SUPERSET_PROD_URL": e.pair.Prod.URL, "SUPERSET_QA_URL": e.pair.QA.URL,
		"GERRIT_PROJECT": e.Project, "GIT_COMMITTER_NAME": "dev", "GIT_COMMITTER_EMAIL": "dev@example.com",
	}
	b, archive = e.build(s)
	e.ended(b, result, "#1")
	return b, archive
}

// scripts is where propose-assets lies.
func (e *exchange) scripts() string {
	e.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		e.Fatal(err)
	}
	return dir
}

func (e *exchange) charts(site *lab.SupersetSite) map[string]int {
	e.Helper()
	client, err := seed.Client(site, "admin")
	if err != nil {
		e.Fatal(err)
	}
	rows, err := client.List(e.Context(), assets.Chart)
	if err != nil {
		e.Fatal(err)
	}
	all := map[string]int{}
	for _, row := range rows {
		all[row.Title] = row.ID
	}
	return all
}

// TestAssets: proposed once for review, a newer state as the next patch set of
// the same change, synced when merged, taken back by hand.
func TestAssets(t *testing.T) {
	t.Parallel()
	e := &exchange{&controller{t, lab.Register(t, bin)}, lab.Supersets(t)}
	if _, err := seed.Fixture(t.Context(), e.pair); err != nil {
		t.Fatal(err)
	}
	e.Clone.Land(t, "configuration", map[string]string{"asset-sync.yaml": seed.Configuration, ".gitignore": "/.patchbay/\n/snapshots/\n/ids.json\n"})

	_, archive := e.job("propose-assets", "SUCCESS", scenario{})
	if ids, err := os.ReadFile(filepath.Join(archive, "ids.json")); err != nil || !strings.Contains(string(ids), "uuid") {
		t.Errorf("ids.json: %v %.100s", err, ids)
	}
	b, _ := e.job("propose-assets", "SUCCESS", scenario{})
	if p := e.proposals(); len(p) != 1 || len(p[0].Revisions) != 1 || p[0].Topic != "patchbay/assets-qa" {
		t.Fatalf("the same was proposed twice: %+v\n%s", p, b.log())
	}
	editor, err := seed.Client(e.pair.Prod, "editor")
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/api/v1/chart/%d", e.charts(e.pair.Prod)["Зарплати"])
	if err := editor.Send(t.Context(), http.MethodPut, path, map[string]any{"slice_name": "Оклади"}, nil); err != nil {
		t.Fatal(err)
	}
	b, _ = e.job("propose-assets", "SUCCESS", scenario{})
	p := e.proposals()
	if len(p) != 1 || len(p[0].Revisions) != 2 {
		t.Fatalf("want a second patch set: %+v\n%s", p, b.log())
	}
	for _, review := range []struct {
		as   lab.GerritAccount
		path string
		body string
	}{
		{e.Gerrit.CI(), "revisions/current/review", `{"labels":{"Verified":1}}`},
		{e.Gerrit.Admin(), "revisions/current/review", `{"labels":{"Code-Review":2}}`},
		{e.Gerrit.Admin(), "submit", `{}`},
	} {
		e.Gerrit.MustREST(t, review.as, "POST", lab.ChangePath(e.Project, p[0].Number, review.path), review.body)
	}
	b, _ = e.job("propose-assets", "SUCCESS", scenario{})
	if !strings.Contains(b.log(), "nothing to propose") {
		t.Errorf("%s", b.log())
	}
	_, archive = e.job("sync-assets", "SUCCESS", scenario{})
	if e.charts(e.pair.QA)["Оклади"] == 0 {
		t.Errorf("the chart did not arrive: %v", e.charts(e.pair.QA))
	}
	e.job("rollback-assets", "SUCCESS", scenario{Copied: archive, Parameters: map[string]any{"SYNC_BUILD": "12"}})
	if e.charts(e.pair.QA)["Оклади"] != 0 {
		t.Errorf("after the rollback: %v", e.charts(e.pair.QA))
	}
	e.job("rollback-assets", "FAILURE", scenario{Copied: t.TempDir(), Parameters: map[string]any{"SYNC_BUILD": "13"}})
}
