//go:build long

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestOldTarget goes the whole way to older servers, by the tests of the way
// between two of today.
func TestOldTarget(t *testing.T) {
	for _, version := range lab.OldSupersets {
		if version < "6" {
			onVersions(t, lab.NewSuperset, version, map[string]func(*testing.T){"no version": versionNotTold})
		}
		onVersions(t, lab.NewSuperset, version, map[string]func(*testing.T){
			"sync": TestSync, "references": TestReferencesAreRight, "generated": TestGeneratedDashboards, "repair": TestRepair, "patch": TestPatch, "rollback": TestRollback,
			"conflicts": TestConflicts, "takeovers": TestTakeovers, "delete": TestDelete, "old types": TestOldTypes, "circular links": TestCircularLinks,
			"layers": TestAnnotationLayerMissing, "connections": TestConnectionsAreNeverTouched, "new database": TestNewDatabase, "one broken": TestOneBrokenAsset,
			"owners": TestOwners, "diff": TestDiffAndPlaces, "refused": TestRefusedAsset, "moved": TestMovedMeanwhile, "importer": TestLeftToTheImporter,
			"ids": idsOfOldServer, "rights": TestNotAdministrator, "come and go": TestChartsComeAndGo, "stale": TestStaleReferences, "numbers": TestNumbersAndTexts, "chart in chart": TestChartInAnotherChart, "bare": TestChartWithoutParams, "progress": TestProgress, "account": TestAccountNotTold, "taken": TestTakenMeanwhile, "used": TestUsedMeanwhile, "owners back": TestRollbackOfOwners, "slugs": TestSlugsMove,
		})
	}
}

// TestOldSource goes from older servers to one of today, and back into the
// same tree.
func TestOldSource(t *testing.T) {
	for _, version := range lab.OldSupersets {
		if version < "6" {
			onVersions(t, version, lab.NewSuperset, map[string]func(*testing.T){"left out": TestExportLeavesDatasetsOut})
		}
		onVersions(t, version, lab.NewSuperset, map[string]func(*testing.T){
			"sync": TestSync, "references": TestReferencesAreRight, "export": TestExport, "one broken": TestOneBrokenAsset, "source": TestSourceIsOnlyRead,
			"used again": idsUsedAgain,
		})
	}
}

func onVersions(t *testing.T, prod, qa string, tests map[string]func(*testing.T)) {
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(prod+" to "+qa+" "+name, func(t *testing.T) {
			versions = [2]string{prod, qa}
			defer func() { versions = [2]string{lab.NewSuperset, lab.NewSuperset} }()
			tests[name](t)
		})
	}
}

// idsOfOldServer are all of them, although its lists have no UUIDs, and the
// bundle that they make is right.
func idsOfOldServer(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	for _, cached := range []string{"--log-level=info", "--no-cache"} {
		s.must(0, "ids", "--env", "qa", "--out", "ids.json", cached)
		text, err := os.ReadFile(filepath.Join(s.dir, "ids.json"))
		if err != nil {
			t.Fatal(err)
		}
		var got idFile
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		listed := map[assets.Kind]map[int]string{}
		for _, k := range got.Assets {
			if listed[k.Kind] == nil {
				listed[k.Kind] = map[int]string{}
			}
			listed[k.Kind][k.ID] = k.UUID
		}
		if diff := cmp.Diff(s.uuids(s.pair.QA), listed); diff != "" {
			t.Error(diff)
		}
	}
}

// versionNotTold: what a server cannot take is known by what its lists lack.
func versionNotTold(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	for _, path := range []string{"/version", "/login/"} {
		proxy.Add(lab.Fault{Method: "GET", Path: path, Exact: true, Status: 404})
	}
	s.env = append(s.env, "QA_URL="+proxy.URL)
	if r := s.must(0, "doctor", "--env", "qa"); !strings.Contains(r.stdout, "does not tell its version") {
		t.Errorf("%s", r.stdout)
	}
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Outcome != "synced" || !strings.Contains(r.stdout, "without metadata.chart_customization_config, which the target is too old for") {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
}

// idsUsedAgain: a chart goes, and another gets its id.
func idsUsedAgain(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	old := s.rows(s.pair.Prod, assets.Chart)
	last := 0
	for _, row := range old {
		last = max(last, row.ID)
	}
	if err := s.client(s.pair.Prod, "admin").Delete(t.Context(), assets.Chart, []int{last}); err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"slice_name": "Нова", "viz_type": "table", "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table", "params": "{}"}
	if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPost, "/api/v1/chart/", body, nil); err != nil {
		t.Fatal(err)
	}
	if id := s.rows(s.pair.Prod, assets.Chart)["Нова"].ID; id != last {
		t.Fatalf("the new chart has id %d, the old one had %d", id, last)
	}
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Counts["create"] != 1 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	if uuids := s.uuids(s.pair.QA)[assets.Chart]; uuids[s.rows(s.pair.QA, assets.Chart)["Нова"].ID] != s.uuids(s.pair.Prod)[assets.Chart][last] {
		t.Error("the new chart arrived under another UUID")
	}
}
