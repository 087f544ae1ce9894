package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// TestExport: a tree for git without anything of the environment, twice the
// same bytes, with and without a cache; what is gone leaves.
func TestExport(t *testing.T) {
	s := newScene(t)
	r := s.must(0, "export", "--from", "prod")
	if r.result.Outcome != "done" || r.result.Writes != 0 || r.result.Counts["dashboards"] != 4 || r.result.Counts["charts"] != 11 {
		t.Errorf("result %+v", r.result)
	}
	first := s.tree("assets")
	for name, text := range first {
		for _, particular := range []string{"127.0.0.1", "sqlite", "slice_id:", "chartId", "datasource:", "_on:", "2026-"} {
			if strings.Contains(text, particular) {
				t.Errorf("%s holds %q:\n%s", name, particular, text)
			}
		}
	}
	overview := first["dashboards/overview__"+s.rows(s.pair.Prod, assets.Dashboard)["Огляд лабораторій"].UUID[:8]+".yaml"]
	for _, want := range []string{"dashboard_title: Огляд лабораторій\n", "- огляд\n", "metadata.chart_configuration: chart 99999", "datasetUuid: ", "/explore/?slice_id=" + s.rows(s.pair.Prod, assets.Chart)["Лабораторії"].UUID} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview lacks %q:\n%s", want, overview)
		}
	}
	for _, cached := range []string{"--log-level=info", "--no-cache"} {
		if again := s.must(0, "export", "--from", "prod", cached); again.result.Outcome != "nothing-to-do" {
			t.Errorf("again: %+v", again.result)
		}
		if diff := cmp.Diff(first, s.tree("assets")); diff != "" {
			t.Error(diff)
		}
	}
	client := s.client(s.pair.Prod, "admin")
	if err := client.Delete(t.Context(), assets.Dashboard, []int{s.seeded.Dashboards["plain"]}); err != nil {
		t.Fatal(err)
	}
	s.must(0, "export", "--from", "prod")
	if after := s.tree("assets"); len(after) != len(first)-1 {
		t.Errorf("%d files after a dashboard went, there were %d", len(after), len(first))
	}
}
