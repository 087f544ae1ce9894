package main

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

// TestGeneratedDashboards: whatever refers to whatever, in every place that can
// hold a reference, arrives right; also in the quick way for many assets, and
// after a batch that was refused and sent again in halves.
func TestGeneratedDashboards(t *testing.T) {
	s := emptyScene(t)
	chance := rand.Uint64()
	t.Logf("seed %d", chance)
	if err := seed.Generate(t.Context(), s.pair, seed.Size{Datasets: 5, Charts: 40, Dashboards: 24, PerDashboard: 7, Decks: 6}, chance); err != nil {
		t.Fatal(err)
	}
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/assets/import/", Status: 500, Header: asJSON, Body: `{"errors":[{"message":"Import failed for an unknown reason"}]}`, Times: 1})
	proxied := s.within(t)
	proxied.env = append(append([]string{}, s.env...), "QA_URL="+proxy.URL)
	r := proxied.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	want := 4 // the charts in two, one of them again, and the dashboards in one
	if versions[1] < "6" {
		want = 0
	}
	if n := proxy.Count("POST", "/assets/import/"); n != want {
		t.Errorf("%d bundles, want %d", n, want)
	}
	if r.result.Counts["create"] != 75 || r.result.Requests > 60 {
		t.Errorf("%+v, %d requests", r.result.Counts, r.result.Requests)
	}
	s.sameReferences()
	if again := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); again.result.Outcome != "nothing-to-do" || again.result.Requests > 30 {
		t.Errorf("%s, %d requests", again.result.Outcome, again.result.Requests)
	}
}

// sameReferences compares all dashboards in the browser's own terms.
func (s *scene) sameReferences() {
	s.Helper()
	prod, qa := s.live(s.pair.Prod), s.live(s.pair.QA)
	for _, row := range s.rows(s.pair.Prod, assets.Dashboard) {
		wantMetadata, wantPosition := s.dashboard(s.pair.Prod, prod, row.UUID)
		gotMetadata, gotPosition := s.dashboard(s.pair.QA, qa, row.UUID)
		for _, m := range []map[string]any{wantMetadata, gotMetadata} {
			withoutEmpty(m)
		}
		for _, gone := range unknown() {
			delete(wantMetadata, gone)
		}
		if diff := cmp.Diff(wantMetadata, gotMetadata); diff != "" {
			s.Errorf("%s: metadata: %s", row.Title, diff)
		}
		if diff := cmp.Diff(wantPosition, gotPosition); diff != "" {
			s.Errorf("%s: layout: %s", row.Title, diff)
		}
	}
	s.sameCharts(prod, qa)
}

func withoutEmpty(m map[string]any) {
	for key, value := range m {
		switch t := value.(type) {
		case []any:
			if len(t) == 0 {
				delete(m, key)
			}
		case map[string]any:
			if len(t) == 0 {
				delete(m, key)
			}
		}
	}
}

func emptyScene(t *testing.T) *scene {
	t.Helper()
	return sceneOf(t, lab.SupersetsOf(t, versions[0], versions[1]))
}
