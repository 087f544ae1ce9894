package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// make makes an asset in qa as a person does.
func (s *scene) make(path string, body map[string]any) {
	s.Helper()
	if err := s.client(s.pair.QA, "editor").Send(s.Context(), http.MethodPost, "/api/v1/"+path, body, nil); err != nil {
		s.Fatal(err)
	}
}

// TestTakenMeanwhile: the slug and the table that assets are to get are given
// to others while the run asks.
func TestTakenMeanwhile(t *testing.T) {
	s := newScene(t)
	r := s.meanwhile(func() {
		s.make("dashboard/", map[string]any{"dashboard_title": "Чужа", "slug": "overview"})
		s.make("dataset/", map[string]any{"database": s.rows(s.pair.QA, assets.Database)["Реєстри QA"].ID, "table_name": "laboratory"})
	}, "sync", "--from", "prod", "--to", "qa", "--overwrite-conflicts")
	for _, want := range []string{`dashboard "Огляд лабораторій" FAILED: the slug "overview" belongs to another dashboard there: "Чужа"`, `dataset "laboratory" FAILED: the table belongs to another dataset there`} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if _, stays := s.rows(s.pair.QA, assets.Dashboard)["Чужа"]; !stays || r.status != 1 || r.result.Outcome != "partial" {
		t.Errorf("exit status %d, outcome %s: the other dashboard was taken over", r.status, r.result.Outcome)
	}
	if s.rows(s.pair.QA, assets.Dataset)["laboratory"].UUID == s.rows(s.pair.Prod, assets.Dataset)["laboratory"].UUID {
		t.Error("the other dataset was taken over")
	}
}

// TestRenamedMeanwhile: the same for an asset that is there and changes its slug.
func TestRenamedMeanwhile(t *testing.T) {
	s := syncedScene(t)
	s.edit(s.pair.Prod, assets.Dashboard, "Мапа", map[string]any{"slug": "map-new"})
	r := s.meanwhile(func() { s.make("dashboard/", map[string]any{"dashboard_title": "Чужа", "slug": "map-new"}) }, "sync", "--from", "prod", "--to", "qa")
	if r.status != 1 || r.result.Writes != 0 || !strings.Contains(r.stdout, `dashboard "Мапа" FAILED: the slug "map-new" belongs to another dashboard there: "Чужа"`) {
		t.Errorf("exit status %d\n%s", r.status, r.stdout)
	}
}

// TestDatabaseTakenMeanwhile: an import would take the connection over.
func TestDatabaseTakenMeanwhile(t *testing.T) {
	s := newScene(t)
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `Реєстри: {qa: "Реєстри QA"}`, `Реєстри: {create: true, uri: "sqlite:///`+s.dir+`/other.db"}`))
	var before map[int]string
	r := s.meanwhile(func() {
		s.make("database/", map[string]any{"database_name": "Реєстри", "sqlalchemy_uri": "sqlite:///" + s.pair.QA.Home + "/warehouse.db?theirs=1"})
		before = s.uuids(s.pair.QA)[assets.Database]
	}, "sync", "--from", "prod", "--to", "qa")
	if r.status != 1 || r.result.Writes != 0 || !strings.Contains(r.stderr, "an import would take it over") {
		t.Errorf("exit status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	if diff := cmp.Diff(before, s.uuids(s.pair.QA)[assets.Database]); diff != "" {
		t.Error(diff)
	}
}

// TestNarrowedAnswer: what the filters of another question at the same moment
// keep back is not taken for deleted.
func TestNarrowedAnswer(t *testing.T) {
	s := syncedScene(t)
	s.edit(s.pair.Prod, assets.Dashboard, "Мапа", map[string]any{"slug": "map-new"})
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/dashboard/", Exact: true, Skip: 1, Times: 1, Header: asJSON, Body: `{"count":0,"result":[]}`})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Counts["update"] != 1 {
		t.Errorf("%s", r.stdout)
	}
}
