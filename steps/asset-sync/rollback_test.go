package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
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

// TestRollbackOfOwners: those of what stays are left alone; what could not be
// set is set by a second rollback, and accounts and roles that are gone are told.
func TestRollbackOfOwners(t *testing.T) {
	s := syncedScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	s.env = append(s.env, "QA_URL="+proxy.URL)
	alpha, gamma := s.account(s.pair.QA, "alpha"), s.account(s.pair.QA, "gamma")
	roles, err := s.client(s.pair.QA, "admin").Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"За областями", "Лабораторії"} {
		s.own(s.pair.QA, assets.Chart, title, map[string]any{"owners": []int{alpha}})
		s.describe(s.pair.Prod, title, "нове")
	}
	s.own(s.pair.QA, assets.Dashboard, "Мапа", map[string]any{"owners": []int{alpha}, "roles": []int{roles["Gamma"]}})
	s.edit(s.pair.Prod, assets.Dashboard, "Мапа", map[string]any{"css": ".x {}"})
	snapshot := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts").result.Snapshot
	kept := filepath.Join("snapshots", snapshot, snapshotFile)
	s.write(kept, strings.NewReplacer(`"Gamma"`, `"Gamma", "Зникла"`, `"owners": [`, `"owners": [4711,`).Replace(s.tree("snapshots")[snapshot+"/"+snapshotFile]))
	s.own(s.pair.QA, assets.Chart, "Лабораторії", map[string]any{"owners": []int{gamma}})
	s.describe(s.pair.QA, "Лабораторії", "моє")
	proxy.Add(lab.Fault{Method: "PUT", Path: "/api/v1/chart/", Status: 500, Header: asJSON, Body: `{"message":"Fatal error"}`, Times: 1})
	for _, want := range []string{`chart "За областями" FAILED: its owners`, "owners or roles as they were", "2 unchanged, 1 in conflict"} {
		r := s.must(1, "rollback", "--to", "qa", snapshot, "--yes") // one is edited, and stays
		if !strings.Contains(r.stdout, want) || !strings.Contains(r.stdout, `dashboard "Мапа": its role "Зникла" is not there any more`) ||
			!strings.Contains(r.stdout, `chart "За областями": its owner, the account with the id 4711, is not there any more`) || strings.Count(r.stdout, "last edited by Editor User") != 1 {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	for title, want := range map[string]int{"За областями": alpha, "Лабораторії": gamma} {
		if got := s.owners(s.pair.QA, assets.Chart, title); !slices.Equal(got, []int{want}) {
			t.Errorf("%s: owners %v, want %d", title, got, want)
		}
	}
	if row := s.rows(s.pair.QA, assets.Dashboard)["Мапа"]; !slices.Equal(row.Roles, []string{"Gamma"}) || !slices.Equal(idsOf(row.Owners), []int{alpha}) {
		t.Errorf("owners %v, roles %v", row.Owners, row.Roles)
	}
}

// TestLatestSnapshot is the environment's own, although another's name begins
// with its name.
func TestLatestSnapshot(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"qa-20261128T090000Z", "qa-20261128T090000Z-2", "qa-eu-20261129T090000Z", "qa-20261130T090000Z"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "qa-20261130T090000Z" {
			continue // it was not written to its end
		}
		if err := os.WriteFile(filepath.Join(dir, name, snapshotFile), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if name, err := latest(dir, "qa"); err != nil || name != "qa-20261128T090000Z-2" {
		t.Errorf("%q, %v", name, err)
	}
	if name, err := latest(dir, "eu"); err == nil {
		t.Errorf("%q is of another environment", name)
	}
}

// TestUsedMeanwhile: what somebody edits or begins to use while a run deletes
// stays, and what it stands on.
func TestUsedMeanwhile(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	s.env = append(s.env, "QA_URL="+proxy.URL)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	proxy.Add(lab.Fault{Method: "DELETE", Path: "/api/v1/dashboard/", Times: 1, Before: func() {
		s.describe(s.pair.QA, "За областями", "моя")
		s.edit(s.pair.QA, assets.Dashboard, "Локальна панель 1", map[string]any{"json_metadata": fmt.Sprintf(`{"positions": {"CHART-1": {"type": "CHART", "id": "CHART-1", "children": [], "meta": {"chartId": %d}}}}`, s.rows(s.pair.QA, assets.Chart)["Точки"].ID)})
		body := map[string]any{"slice_name": "Нова", "viz_type": "table", "datasource_id": s.rows(s.pair.QA, assets.Dataset)["staff"].ID, "datasource_type": "table", "params": "{}"}
		if err := s.client(s.pair.QA, "editor").Send(t.Context(), http.MethodPost, "/api/v1/chart/", body, nil); err != nil {
			t.Error(err)
		}
	}})
	r := s.must(1, "rollback", "--to", "qa", "--yes")
	for _, want := range []string{`chart "За областями" FAILED: Editor User changed it meanwhile`, `chart "Точки" FAILED: dashboard "Локальна панель 1" uses it`, `dataset "staff" FAILED: chart "Нова" uses it`} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	charts, datasets := s.rows(s.pair.QA, assets.Chart), s.rows(s.pair.QA, assets.Dataset)
	for _, stays := range []bool{charts["За областями"].ID > 0, charts["Точки"].ID > 0, datasets["staff"].ID > 0, datasets["places"].ID > 0} {
		if !stays {
			t.Errorf("charts %v, datasets %v", charts, datasets)
		}
	}
	if _, stays := charts["Усього зразків"]; stays {
		t.Error("a chart that nobody uses is still there")
	}
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
