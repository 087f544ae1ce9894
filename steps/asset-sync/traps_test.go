package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// linked makes a dashboard of prod that holds a text only.
func (s *scene) linked(title, code string) (id int) {
	s.Helper()
	var made struct{ ID int }
	if err := s.client(s.pair.Prod, "editor").Send(s.Context(), http.MethodPost, "/api/v1/dashboard/", textOnly(title, code), &made); err != nil {
		s.Fatal(err)
	}
	return made.ID
}

func textOnly(title, code string) map[string]any {
	position, _ := json.Marshal(map[string]any{
		"DASHBOARD_VERSION_KEY": "v2", "ROOT_ID": map[string]any{"type": "ROOT", "id": "ROOT_ID", "children": []string{"GRID_ID"}},
		"GRID_ID":    map[string]any{"type": "GRID", "id": "GRID_ID", "children": []string{"MARKDOWN-1"}, "parents": []string{"ROOT_ID"}},
		"MARKDOWN-1": map[string]any{"type": "MARKDOWN", "id": "MARKDOWN-1", "children": []string{}, "meta": map[string]any{"code": code}},
	})
	return map[string]any{"dashboard_title": title, "position_json": string(position)}
}

// TestCircularLinks: dashboards that link to each other get ids in both
// directions by a second pass, which nobody has to ask for.
func TestCircularLinks(t *testing.T) {
	s := newScene(t)
	a := s.linked("Перша", "")
	b := s.linked("Друга", fmt.Sprintf("[перша](/superset/dashboard/%d/)", a))
	body := textOnly("Перша", fmt.Sprintf("[друга](/superset/dashboard/%d/)", b))
	if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/dashboard/%d", a), body, nil); err != nil {
		t.Fatal(err)
	}
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if strings.Contains(r.stdout, "a link in Markdown") {
		t.Errorf("%s", r.stdout)
	}
	rows := s.rows(s.pair.QA, assets.Dashboard)
	for from, to := range map[string]string{"Перша": "Друга", "Друга": "Перша"} {
		var answer struct {
			Result struct {
				Position string `json:"position_json"`
			}
		}
		if err := s.client(s.pair.QA, "admin").Get(t.Context(), fmt.Sprintf("/api/v1/dashboard/%d", rows[from].ID), "", &answer); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("(/superset/dashboard/%d/)", rows[to].ID); !strings.Contains(answer.Result.Position, want) {
			t.Errorf("%s: no %s in %s", from, want, answer.Result.Position)
		}
	}
	if again := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); again.result.Writes != 0 {
		t.Errorf("%s", again.stdout)
	}
}

// TestAnnotationLayerMissing at the target: the chart arrives, and it is told;
// once there is one of the name the next run uses it.
func TestAnnotationLayerMissing(t *testing.T) {
	s := newScene(t)
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if want := `note: chart "Зразки за місяцями": qa has nothing for params.annotation_layers свята: annotation layer "Свята"`; !strings.Contains(r.stdout, want) {
		t.Errorf("no %q in\n%s", want, r.stdout)
	}
	for _, name := range []string{"Інше", "Свята"} {
		if err := s.client(s.pair.QA, "editor").Send(t.Context(), http.MethodPost, "/api/v1/annotation_layer/", map[string]any{"name": name, "descr": ""}, nil); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := s.client(s.pair.QA, "admin").Layers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Counts["update"] != 1 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	var answer struct{ Result struct{ Params string } }
	if err := s.client(s.pair.QA, "admin").Get(t.Context(), fmt.Sprintf("/api/v1/chart/%d", s.rows(s.pair.QA, assets.Chart)["Зразки за місяцями"].ID), "", &answer); err != nil {
		t.Fatal(err)
	}
	var params struct {
		Layers []struct {
			Name  string
			Value any
		} `json:"annotation_layers"`
	}
	if err := json.Unmarshal([]byte(answer.Result.Params), &params); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range params.Layers {
		id, _ := l.Value.(float64)
		found = found || l.Name == "свята" && layers[int(id)] == "Свята"
	}
	if !found {
		t.Errorf("%+v, want the layer of %v", params, layers)
	}
	if again := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); again.result.Writes != 0 {
		t.Errorf("%s", again.stdout)
	}
}

// connections are the databases of a site as it exports them, with their
// addresses.
func (s *scene) connections(site *lab.SupersetSite) map[string]string {
	s.Helper()
	var ids []int
	for _, row := range s.rows(site, assets.Dataset) {
		ids = append(ids, row.ID)
	}
	bundles, _, err := s.client(site, "admin").Export(s.Context(), assets.Dataset, ids, func(int) {})
	if err != nil {
		s.Fatal(err)
	}
	all := map[string]string{}
	for _, bundle := range bundles {
		raws, err := assets.ReadExport(bundle)
		if err != nil {
			s.Fatal(err)
		}
		for _, raw := range raws {
			if raw.Kind == assets.Database {
				all[raw.UUID] = string(raw.Text)
			}
		}
	}
	return all
}

// TestConnectionsAreNeverTouched, although an import takes a database of the
// same name over.
func TestConnectionsAreNeverTouched(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--only", "dashboard:overview", "--yes") // a dataset on each database
	before := s.connections(s.pair.QA)
	if len(before) != 3 {
		t.Fatalf("%d databases", len(before))
	}
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	s.must(0, "rollback", "--to", "qa", "--yes")
	s.same(before, s.connections(s.pair.QA))
	for _, text := range before {
		if !strings.Contains(text, "site=qa-") {
			t.Errorf("this is no connection of qa:\n%s", text)
		}
	}
}
