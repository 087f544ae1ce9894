package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// TestRollback: the environment exports what it did before the sync, owners
// too; what was edited since stays unless it is forced.
func TestRollback(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	s.must(0, "export", "--from", "qa", "--dir", "before")
	before, owners := s.tree("before"), s.rows(s.pair.QA, assets.Chart)["Лабораторії"].Owners
	editor := s.client(s.pair.Prod, "editor")
	for path, body := range map[string]map[string]any{
		fmt.Sprintf("/api/v1/chart/%d", s.seeded.Charts["table"]):         {"slice_name": "Лабораторії 2", "description": "1e3"},
		fmt.Sprintf("/api/v1/dataset/%d", s.seeded.Datasets["places"]):    {"sql": "SELECT id, name, lat, lon FROM laboratory WHERE lat > 0"},
		fmt.Sprintf("/api/v1/dashboard/%d", s.seeded.Dashboards["plain"]): {"dashboard_title": "Зарплати і премії", "published": true},
	} {
		if err := editor.Send(t.Context(), http.MethodPut, path, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	tags := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"].Tags
	s.retag("overview", "якість", "нове")
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if now := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"].Tags; !slices.Equal(now, []string{"нове", "огляд"}) {
		t.Errorf("tags %v after the sync, %v before", now, tags)
	}
	if r.result.Counts["update"] != 4 || !strings.Contains(r.stdout, "undo: asset-sync rollback --to qa qa-") {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	back := s.must(0, "rollback", "--to", "qa", "--yes")
	if back.result.Outcome != "synced" || back.result.Counts["update"] != 4 || !strings.Contains(back.stdout, "→ qa: 4 updated") {
		t.Errorf("%+v\n%s", back.result, back.stdout)
	}
	s.must(0, "export", "--from", "qa", "--dir", "before")
	if diff := cmp.Diff(before, s.tree("before")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(owners, s.rows(s.pair.QA, assets.Chart)["Лабораторії"].Owners); diff != "" {
		t.Error(diff)
	}
	if now := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"].Tags; !slices.Equal(now, tags) {
		t.Errorf("tags %v after the rollback, %v before the sync", now, tags)
	}
	s.first(t)
}

// retag gives a dashboard of prod another tag in the place of one.
func (s *scene) retag(dashboard, old, tag string) {
	s.Helper()
	admin := s.client(s.pair.Prod, "admin")
	path := fmt.Sprintf("/api/v1/tag/3/%d/", s.seeded.Dashboards[dashboard])
	if err := admin.Send(s.Context(), http.MethodDelete, path+url.PathEscape(old)+"/", nil, nil); err != nil {
		s.Fatal(err)
	}
	if err := admin.Send(s.Context(), http.MethodPost, path, map[string]any{"properties": map[string]any{"tags": []string{tag}}}, nil); err != nil {
		s.Fatal(err)
	}
}

// first takes the first sync back, after somebody edited one of its charts and
// put another on a dashboard of their own.
func (s *scene) first(t *testing.T) {
	names := s.tree("snapshots")
	oldest := ""
	for name := range names {
		if name, _, _ = strings.Cut(name, "/"); oldest == "" || name < oldest {
			oldest = name
		}
	}
	charts := s.rows(s.pair.QA, assets.Chart)
	editor := s.client(s.pair.QA, "editor")
	for title, body := range map[string]map[string]any{
		"За областями": {"description": "моя"},
		"Точки":        {"dashboards": []int{s.rows(s.pair.QA, assets.Dashboard)["Локальна панель 1"].ID}},
	} {
		if err := editor.Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", charts[title].ID), body, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := s.must(1, "rollback", "--to", "qa", oldest, "--yes")
	if r.result.Outcome != "partial" || !strings.Contains(r.stdout, `chart "За областями": last edited by Editor User`) {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	charts = s.rows(s.pair.QA, assets.Chart)
	if _, stays := charts["За областями"]; !stays {
		t.Error("an edited chart was deleted")
	}
	if _, stays := charts["Точки"]; !stays {
		t.Error("a chart on a dashboard of others was deleted")
	}
	if _, stays := charts["Усього зразків"]; stays {
		t.Error("a chart that the sync made is still there")
	}
	s.must(0, "rollback", "--to", "qa", oldest, "--yes", "--force")
	if left := s.rows(s.pair.QA, assets.Chart); len(left) != 12 {
		t.Errorf("%d charts are left, want the 12 of qa itself", len(left))
	}
}
