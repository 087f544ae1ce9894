//go:build long

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// TestTablesTaken: what an import would take for another dataset by its table,
// also where a part of the name is missing.
func TestTablesTaken(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	registry := s.rows(s.pair.QA, assets.Database)["Реєстри QA"].ID
	taken := s.rest(s.pair.QA, http.MethodPost, "dataset/", map[string]any{"database": registry, "table_name": "new_here", "schema": "main", "sql": "SELECT 1 AS qa"})
	s.rest(s.pair.Prod, http.MethodPost, "dataset/", map[string]any{"database": s.seeded.Databases["registry"], "table_name": "new_here", "sql": "SELECT 1 AS prod"})
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	if !strings.Contains(r.stdout, `! dataset "new_here": the table belongs to another dataset there`) || r.result.Writes != 0 {
		t.Errorf("%s", r.stdout)
	}
	if s.uuids(s.pair.QA)[assets.Dataset][taken] == s.rows(s.pair.Prod, assets.Dataset)["new_here"].UUID {
		t.Error("the other dataset was taken over")
	}
	// Another stands where this one would go: the server would say OK and do nothing.
	places := s.rows(s.pair.QA, assets.Dataset)["places"].ID
	s.rest(s.pair.QA, http.MethodPut, fmt.Sprintf("dataset/%d", places), map[string]any{"table_name": "places_old"})
	s.rest(s.pair.QA, http.MethodPost, "dataset/", map[string]any{"database": registry, "table_name": "places", "sql": "SELECT 2 AS a"})
	r = s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	if !strings.Contains(r.stdout, `! dataset "places": the table belongs to another dataset there`) {
		t.Errorf("%s", r.stdout)
	}
}

// TestDatasetOnAnotherDatabase and a slug that two dashboards want.
func TestDatasetOnAnotherDatabase(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	notes := s.rows(s.pair.QA, assets.Database)["Нотатки"].ID
	s.rest(s.pair.QA, http.MethodPut, fmt.Sprintf("dataset/%d", s.rows(s.pair.QA, assets.Dataset)["places"].ID), map[string]any{"database_id": notes})
	dashboards := s.rows(s.pair.QA, assets.Dashboard)
	s.rest(s.pair.QA, http.MethodPut, fmt.Sprintf("dashboard/%d", dashboards["Мапа"].ID), map[string]any{"slug": "map-old"})
	s.rest(s.pair.QA, http.MethodPut, fmt.Sprintf("dashboard/%d", dashboards["Локальна панель 1"].ID), map[string]any{"slug": "map"})
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	for _, want := range []string{`it stands on another database there: "Нотатки", not "Реєстри"`, `the slug "map" belongs to another dashboard there: "Локальна панель 1"`} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if r.result.Writes != 0 {
		t.Errorf("%d writes", r.result.Writes)
	}
}

// TestDatabaseIsNotTakenOver: one that may be made, whose name another has.
func TestDatabaseIsNotTakenOver(t *testing.T) {
	s := newScene(t)
	before := s.uuids(s.pair.QA)[assets.Database]
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `Реєстри: {qa: "Реєстри QA"}`, `{Реєстри: {qa: "Реєстри QA"}, Інша: {qa: "Аналітика"}, Аналітика: {create: true, uri: "sqlite:///`+s.dir+`/other.db"}}`))
	if r := s.must(2, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts"); r.result.Writes != 0 || !strings.Contains(r.stderr, "an import would take it over") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	if diff := cmp.Diff(before, s.uuids(s.pair.QA)[assets.Database]); diff != "" {
		t.Error(diff)
	}
}
