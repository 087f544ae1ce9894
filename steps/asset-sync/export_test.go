package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
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

// TestTooLargeAtOnce: a site that does not come in one export, by its size or
// for want of the right, comes by kinds, in smaller batches if need be; the
// tree is the same.
func TestTooLargeAtOnce(t *testing.T) {
	s := syncedScene(t)
	s.must(0, "export", "--from", "qa", "--dir", "qa", "--no-cache")
	want := s.tree("qa")
	for name, fault := range map[string]lab.Fault{
		"504": {Status: 504}, "403": {Status: 403, Header: asJSON, Body: `{"message":"Forbidden"}`}, "500": {Status: 500, Header: asJSON, Body: `{"errors":[{"message":"Export failed"}]}`}, "no answer": {Cut: true}, "half an answer": {CutBody: true},
	} {
		proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
		fault.Method, fault.Path = "GET", "/api/v1/assets/export/"
		proxy.Add(fault)
		proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/dashboard/export/", Status: 504, Times: 1})
		proxied := s.within(t)
		proxied.env = append(append([]string{}, s.env...), "QA_URL="+proxy.URL)
		proxied.must(0, "export", "--from", "qa", "--dir", "qa", "--no-cache")
		s.same(want, s.tree("qa"))
		if whole, batches := proxy.Count("GET", "/assets/export/"), proxy.Count("GET", "/dashboard/export/"); whole != 1 || batches != 3 {
			t.Errorf("%s: asked for everything %d times, for dashboards %d times, want 1 and 3", name, whole, batches)
		}
	}
}

// TestTooLargeToReadBack at once: a sync reads by kinds too, without trying twice.
func TestTooLargeToReadBack(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "GET", Path: "/assets/export/", Status: 504})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Outcome != "synced" || proxy.Count("GET", "/assets/export/") != 1 {
		t.Errorf("%s, asked for everything %d times", r.result.Outcome, proxy.Count("GET", "/assets/export/"))
	}
}

// TestCacheDecidesTheSame: what an asset names by UUID gets another one, and the
// server another release, and neither moves the time of its change.
func TestCacheDecidesTheSame(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.Prod.URL)
	s.env = append(s.env, "PROD_URL="+proxy.URL)
	exports := func() int { return proxy.Count("GET", "/assets/export/") + proxy.Count("GET", "/chart/export/") }
	s.must(0, "export", "--from", "prod")
	read := exports()
	if s.must(0, "export", "--from", "prod"); exports() != read {
		t.Errorf("it was read anew although nothing had changed")
	}
	const another = "51111111-2222-4333-8444-555555555555"
	path := fmt.Sprintf("/api/v1/dataset/%d", s.seeded.Datasets["laboratory"]) // of a chart and of a filter
	if err := s.client(s.pair.Prod, "admin").Send(t.Context(), http.MethodPut, path, map[string]any{"uuid": another}, nil); err != nil {
		t.Fatal(err)
	}
	s.must(0, "export", "--from", "prod")
	cached := s.tree("assets")
	s.must(0, "export", "--from", "prod", "--no-cache")
	s.same(s.tree("assets"), cached)
	if text := fmt.Sprint(cached); strings.Count(text, another) < 3 {
		t.Errorf("the dataset, a chart and a filter do not all have the new UUID")
	}
	read = exports()
	proxy.Add(lab.Fault{Method: "GET", Path: "/version", Exact: true, Header: asJSON, Body: `{"version_string":"6.2.0"}`})
	if s.must(0, "export", "--from", "prod"); exports() == read {
		t.Errorf("what an older release wrote was taken")
	}
}
