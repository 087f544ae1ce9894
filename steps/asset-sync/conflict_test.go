package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// TestConflicts: what others edited is left alone, unless it is asked for;
// names that other assets hold are taken over by no flag.
func TestConflicts(t *testing.T) {
	s := syncedScene(t)
	editor := s.client(s.pair.QA, "editor")
	row := s.rows(s.pair.QA, assets.Chart)["За областями"]
	if err := editor.Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", row.ID), map[string]any{"description": "змінено тут"}, nil); err != nil {
		t.Fatal(err)
	}
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if r.result.Writes != 0 || r.result.Counts["conflict"] != 1 || !strings.Contains(r.stdout, `! chart "За областями": last edited by Editor User`) {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	if got := s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code"); got.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v", got.result.Counts)
	}
}

// TestTakeovers: the same slug and the same table under other UUIDs.
func TestTakeovers(t *testing.T) {
	s := newScene(t)
	qa := s.client(s.pair.QA, "editor")
	database := s.rows(s.pair.QA, assets.Database)["Реєстри QA"].ID
	for path, body := range map[string]map[string]any{
		"/api/v1/dashboard/": {"dashboard_title": "Чужа", "slug": "overview"},
		"/api/v1/dataset/":   {"database": database, "table_name": "laboratory"},
	} {
		if err := qa.Send(t.Context(), http.MethodPost, path, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	for _, want := range []string{`the slug "overview" belongs to another dashboard there: "Чужа"`, "the table belongs to another dataset there", `chart "Лабораторії": its dataset cannot be made`} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if _, stays := s.rows(s.pair.QA, assets.Dashboard)["Чужа"]; !stays || r.result.Outcome != "partial" {
		t.Errorf("outcome %s: the other dashboard was taken over", r.result.Outcome)
	}
}

// TestRefused: nothing at all is written.
func TestRefused(t *testing.T) {
	s := newScene(t)
	check := func(want string, args ...string) {
		t.Helper()
		r := s.must(2, args...)
		if !strings.Contains(r.stdout+r.stderr, want) || r.result.Writes != 0 {
			t.Errorf("%v: no %q in\n%s%s", args, want, r.stdout, r.stderr)
		}
	}
	check("there is no terminal", "sync", "--from", "prod", "--to", "qa")
	check("nothing in prod is selected", "sync", "--from", "prod", "--to", "qa", "--yes", "--title", "немає*")
	check("there is no environment", "sync", "--from", "prod", "--to", "stage", "--yes")
	check("is no place", "sync", "--from", "nowhere", "--to", "qa", "--yes")
	check("the same", "sync", "--from", "qa", "--to", "qa", "--yes")
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `Реєстри: {qa: "Реєстри QA"}`, "{}"))
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, "\ndatabases:\n  Реєстри: {qa: \"Реєстри QA\"}", ""))
	check("qa has no database for", "sync", "--from", "prod", "--to", "qa", "--yes")
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `qa: {url`, `qa: {protected: true, url`))
	check("is protected", "sync", "--from", "prod", "--to", "qa", "--yes")
	check("there is no terminal", "sync", "--from", "prod", "--to", "qa")
	check("but the environment is qa", "sync", "--from", "prod", "--to", "qa", "--confirm", "prod")
	s.write("asset-sync.yaml", `
environments:
  prod: {url: "${PROD_URL}", login: {username: sync, password: hunter-22}}
  qa: {url: "${MISSING}", login: {kind: magic}}
databases: {X: {moon: "Y"}}
select: {kinds: [slice]}
`)
	r := s.must(2, "plan", "--from", "prod", "--to", "qa")
	for _, want := range []string{"a secret does not stand in the file", "the variable MISSING is not set", `not \"magic\"`, `there is no environment \"moon\"`, `not \"slice\"`} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in\n%s", want, r.stderr)
		}
	}
	if strings.Contains(r.stdout+r.stderr, "hunter") {
		t.Error("a secret was shown")
	}
	if rows := s.rows(s.pair.QA, assets.Chart); len(rows) != 12 {
		t.Errorf("%d charts in qa", len(rows))
	}
}

// TestSourceIsOnlyRead: not one write but logins reaches it.
func TestSourceIsOnlyRead(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.Prod.URL)
	s.env = append(s.env, "PROD_URL="+proxy.URL)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	s.must(0, "repair", "--env", "qa", "--from", "prod", "--yes")
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		if n := proxy.Count(method, "") - proxy.Count(method, "/api/v1/security/login"); n != 0 {
			t.Errorf("%d requests of %s: %v", n, method, proxy.Requests())
		}
	}
}

// TestDelete: only what an earlier state of the source held goes, within the
// limit.
func TestDelete(t *testing.T) {
	s := newScene(t)
	s.must(0, "export", "--from", "prod")
	s.git("init", "-q")
	s.git("add", "assets")
	s.git("commit", "-qm", "prod")
	s.must(0, "sync", "--from", "assets", "--to", "qa", "--yes")
	if err := s.client(s.pair.Prod, "admin").Delete(t.Context(), assets.Dashboard, []int{s.seeded.Dashboards["plain"]}); err != nil {
		t.Fatal(err)
	}
	if err := s.client(s.pair.Prod, "admin").Delete(t.Context(), assets.Chart, []int{s.seeded.Charts["twin"]}); err != nil {
		t.Fatal(err)
	}
	s.must(0, "export", "--from", "prod")
	delete := []string{"sync", "--from", "assets", "--to", "qa", "--yes", "--delete", "--since", "HEAD"}
	s.must(2, append(delete, "--max-delete", "1")...)
	r := s.must(0, delete...)
	if r.result.Counts["delete"] != 2 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	if rows := s.rows(s.pair.QA, assets.Dashboard); len(rows) != 6 {
		t.Errorf("%d dashboards, want qa's 3 and 3 of prod", len(rows))
	}
	s.must(0, "rollback", "--to", "qa", "--yes")
	if rows := s.rows(s.pair.QA, assets.Dashboard); len(rows) != 7 {
		t.Errorf("%d dashboards after the rollback", len(rows))
	}
}

// TestOneBrokenAsset: a chart whose dataset is gone holds nothing else up, and
// neither does a dashboard without charts.
func TestOneBrokenAsset(t *testing.T) {
	s := newScene(t)
	admin := s.client(s.pair.Prod, "admin")
	if err := admin.Delete(t.Context(), assets.Dataset, []int{s.seeded.Datasets["Зарплати"]}); err != nil {
		t.Fatal(err)
	}
	if err := admin.Send(t.Context(), http.MethodPost, "/api/v1/dashboard/", map[string]any{"dashboard_title": "Порожня"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := admin.Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", s.seeded.Charts["hexes"]), map[string]any{"query_context": "{broken"}, nil); err != nil {
		t.Log(err) // newer servers refuse it
	}
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if r.result.Counts["broken"] != 1 || !strings.Contains(r.stdout, `chart "Зарплати": its dataset is gone`) {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	rows := s.rows(s.pair.QA, assets.Dashboard)
	if _, there := rows["Порожня"]; !there || len(rows) != 8 {
		t.Errorf("%d dashboards: %s", len(rows), r.stdout)
	}
}

// TestNewDatabase is made only where it may be, under the name that it has
// there.
func TestNewDatabase(t *testing.T) {
	s := newScene(t)
	s.env = append(s.env, "WAREHOUSE_PASSWORD=new-secret-1")
	as := func(databases, uri string) {
		s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `Реєстри: {qa: "Реєстри QA"}`, strings.ReplaceAll(databases, "NEW", `create: true, uri: "`+uri+`", password: "${WAREHOUSE_PASSWORD}"`)))
	}
	uri := "postgresql://reader:XXXXXXXXXX@127.0.0.1:9/registry" // nobody is there
	if versions[1] < "6" {
		as(`Реєстри: {NEW}`, uri)
		if r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes"); !strings.Contains(r.stderr, "reaches it") || strings.Contains(r.stdout+r.stderr, "new-secret-1") {
			t.Errorf("%s", r.stderr)
		}
		uri = "sqlite:///" + s.pair.QA.Home + "/warehouse.db?new=1"
	}
	taken := `{Реєстри QA: {prod: "Реєстри", NEW}, Чужі: {qa: "Реєстри QA"}}`
	as(taken, uri)
	if r := s.must(2, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Writes != 0 || !strings.Contains(r.stdout+r.stderr, `Реєстри QA: {qa: \"its name there\", create: true`) {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	s.env = append(s.env, "WAREHOUSE="+strings.ReplaceAll(uri, "XXXXXXXXXX", "new-secret-1"))
	as(strings.Replace(taken, "NEW", `qa: "Реєстри 2", NEW`, 1), "${WAREHOUSE}") // as it says
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	row, there := s.rows(s.pair.QA, assets.Database)["Реєстри 2"]
	if !there || strings.Contains(r.stdout+r.stderr, "new-secret-1") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	if again := s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code"); again.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v", again.result.Counts)
	}
	if id := s.rows(s.pair.QA, assets.Dataset)["sample"].DatabaseID; id != row.ID {
		t.Errorf("the dataset stands on database %d, want %d", id, row.ID)
	}
}

// TestLeftOut: a server that answers OK and leaves something out is found out.
func TestLeftOut(t *testing.T) {
	s := newScene(t)
	chart := assets.Key{Kind: assets.Chart, UUID: "11111111-2222-4333-8444-555555555555"}
	doc, err := document.ParseYAML([]byte("{slice_name: x, viz_type: table, params: {}, version: 1.0.0, uuid: " + chart.UUID + ", dataset_uuid: 21111111-2222-4333-8444-555555555555}"))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := assets.Bundle(assets.Chart, []assets.File{{Name: assets.FileOf(chart), Doc: doc}}, s.now())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client(s.pair.QA, "admin").Import(t.Context(), superset.Endpoint{Kind: assets.Chart}, bundle, nil); err != nil {
		t.Fatalf("the server refused it: %v", err)
	}
	if _, there := s.rows(s.pair.QA, assets.Chart)["x"]; there {
		t.Fatal("the server has changed: it makes such a chart now")
	}
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/api/v1/dashboard/import/", Body: `{"message":"OK"}`, Header: map[string]string{"Content-Type": "application/json"}})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	if r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes"); strings.Count(r.stdout, "the server said OK and did not make it") != 4 {
		t.Errorf("%s", r.stdout)
	}
}
