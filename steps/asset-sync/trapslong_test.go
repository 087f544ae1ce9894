//go:build long

package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// rest sends a request to a site as a person who edits there.
func (s *scene) rest(site *lab.SupersetSite, method, path string, body map[string]any) (id int) {
	s.Helper()
	var made struct{ ID int }
	if err := s.client(site, "editor").Send(s.Context(), method, "/api/v1/"+path, body, &made); err != nil {
		s.Fatal(err)
	}
	return made.ID
}

// settled wants a sync that does all, and a second one that writes nothing.
func (s *scene) settled() ran {
	s.Helper()
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	for _, cached := range []string{"--log-level=info", "--no-cache"} {
		if again := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", cached); again.result.Writes != 0 {
			s.Errorf("a second run writes:\n%s", again.stdout)
		}
	}
	return r
}

// TestStaleReferences in every place of a dashboard: an importer fails as a
// whole at some of them, and takes others for what has the id there.
func TestStaleReferences(t *testing.T) {
	s := newScene(t)
	const gone = 99999
	total, pie := s.seeded.Charts["total"], s.seeded.Charts["pie"]
	metadata := map[string]any{
		"timed_refresh_immune_slices": []any{gone, total}, "expanded_slices": map[string]any{fmt.Sprint(gone): true, fmt.Sprint(total): true},
		"native_filter_configuration": []any{map[string]any{
			"id": "NATIVE_FILTER-9", "type": "NATIVE_FILTER", "name": "Ф", "filterType": "filter_select", "targets": []any{map[string]any{"datasetId": gone, "column": map[string]any{"name": "a"}}},
			"scope":         map[string]any{"rootPath": []any{"ROOT_ID"}, "excluded": []any{gone, pie}, "selectedLayers": []any{fmt.Sprintf("chart-%d-layer-0", total), fmt.Sprintf("chart-%d-layer-1", gone)}},
			"chartsInScope": []any{total, gone}, "cascadeParentIds": []any{},
		}},
		"global_chart_configuration": map[string]any{"scope": map[string]any{"rootPath": []any{"ROOT_ID"}, "excluded": []any{gone}}, "chartsInScope": []any{gone, total}},
		"chart_configuration":        map[string]any{fmt.Sprint(gone): map[string]any{"id": gone, "crossFilters": map[string]any{"scope": "global", "chartsInScope": []any{gone}}}},
	}
	position := map[string]any{
		"DASHBOARD_VERSION_KEY": "v2", "ROOT_ID": map[string]any{"type": "ROOT", "id": "ROOT_ID", "children": []string{"GRID_ID"}},
		"GRID_ID":  map[string]any{"type": "GRID", "id": "GRID_ID", "children": []string{"ROW-1"}, "parents": []string{"ROOT_ID"}},
		"ROW-1":    map[string]any{"type": "ROW", "id": "ROW-1", "children": []string{"CHART-1", "CHART-2"}, "parents": []string{"ROOT_ID", "GRID_ID"}, "meta": map[string]any{"background": "BACKGROUND_TRANSPARENT"}},
		"CHART-1":  map[string]any{"type": "CHART", "id": "CHART-1", "children": []string{}, "meta": map[string]any{"chartId": total, "width": 4, "height": 50}},
		"CHART-2":  map[string]any{"type": "CHART", "id": "CHART-2", "children": []string{}, "meta": map[string]any{"chartId": pie, "width": 4, "height": 50}},
		"MARKDOWN": map[string]any{"type": "MARKDOWN", "id": "MARKDOWN", "children": []string{}, "meta": map[string]any{"code": "[x](/superset/dashboard/99999/)"}},
	}
	id := s.rest(s.pair.Prod, http.MethodPost, "dashboard/", map[string]any{"dashboard_title": "Застаріле", "json_metadata": asText(metadata), "position_json": asText(position)})
	for chart, name := range map[int]string{total: "total", pie: "pie"} {
		on := []int{id}
		for _, row := range s.rows(s.pair.Prod, assets.Chart) {
			if row.ID == chart {
				on = append(on, row.Dashboards...)
			}
		}
		s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", s.seeded.Charts[name]), map[string]any{"dashboards": on})
	}
	deck := map[string]any{"viz_type": "deck_multi", "datasource": fmt.Sprintf("%d__table", s.seeded.Datasets["places"]), "deck_slices": []any{gone, s.seeded.Charts["points"]}}
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", s.seeded.Charts["map"]), map[string]any{"params": asText(deck)})
	r := s.settled()
	for _, want := range []string{"metadata.timed_refresh_immune_slices: chart 99999", "metadata.expanded_slices: chart 99999", "deck_slices: chart 99999", "selectedLayers: chart 99999"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	qa := s.live(s.pair.QA)
	got, _ := s.dashboard(s.pair.QA, qa, s.rows(s.pair.Prod, assets.Dashboard)["Застаріле"].UUID)
	want := fmt.Sprintf("chart-%s-layer-0", s.rows(s.pair.QA, assets.Chart)["Усього зразків"].UUID)
	if text := asText(got); strings.Contains(text, "?") || strings.Contains(text, "99999") || !strings.Contains(text, want) {
		t.Errorf("%s, want %s", text, want)
	}
}

// TestChartInAnotherChart: an annotation layer that another chart gives.
func TestChartInAnotherChart(t *testing.T) {
	s := newScene(t)
	source := fmt.Sprintf("%d__table", s.seeded.Datasets["sample"])
	for title, layer := range map[string]int{"Шар із раннього": s.seeded.Charts["total"], "Шар із пізнього": s.seeded.Charts["twin"]} {
		params := map[string]any{"viz_type": "echarts_timeseries_line", "datasource": source, "annotation_layers": []any{map[string]any{"name": "шар", "annotationType": "EVENT", "sourceType": "table", "value": layer}}}
		s.rest(s.pair.Prod, http.MethodPost, "chart/", map[string]any{"slice_name": title, "viz_type": "echarts_timeseries_line", "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table", "params": asText(params)})
	}
	s.settled()
	uuids := [2]map[int]string{s.uuids(s.pair.Prod)[assets.Chart], s.uuids(s.pair.QA)[assets.Chart]}
	for _, title := range []string{"Шар із раннього", "Шар із пізнього"} {
		var values [2]string
		for i, site := range []*lab.SupersetSite{s.pair.Prod, s.pair.QA} {
			var params struct {
				Layers []struct{ Value int } `json:"annotation_layers"`
			}
			if err := json.Unmarshal([]byte(s.params(site, title)), &params); err != nil || len(params.Layers) != 1 {
				t.Fatalf("%v: %s", err, s.params(site, title))
			}
			values[i] = uuids[i][params.Layers[0].Value]
		}
		if values[0] == "" || values[0] != values[1] {
			t.Errorf("%s: %v", title, values)
		}
	}
}

// TestNumbersAndTexts keep their meaning through YAML, Python and the database.
func TestNumbersAndTexts(t *testing.T) {
	s := newScene(t)
	const params = `{"viz_type":"table","a":1e-07,"b":1e22,"c":0.1,"d":9007199254740993,"e":-0.0,"f":1.0,"g":"1e3","h":"0777","i":"on","j":"12:30:45","k":"2026-01-01","l":"=","m":"<<","n":"~","o":" x ","p":"рядок\nдругий","q":"\u2028\u0085","r":[],"s":{},"t":null,"u":true,"v":"1_000","w":"0o14","x":"'","y":"\ttab","z":"#c: d"}`
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", s.seeded.Charts["pie"]), map[string]any{"params": params, "slice_name": "1e3", "description": "0777"})
	s.settled()
	var want, got map[string]any
	for text, into := range map[string]*map[string]any{params: &want, s.params(s.pair.QA, "1e3"): &got} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	delete(got, "datasource")
	delete(got, "annotation_layers") // an importer adds []
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestManyEmptyDashboards: the endpoint for many makes a link to nothing of
// each, so they are not sent there.
func TestManyEmptyDashboards(t *testing.T) {
	s := emptyScene(t)
	for i := range 25 {
		s.rest(s.pair.Prod, http.MethodPost, "dashboard/", map[string]any{"dashboard_title": fmt.Sprintf("Порожня %d", i)})
	}
	s.settled()
	db, err := sql.Open("sqlite", "file:"+s.pair.QA.Home+"/superset.db?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM dashboard_slices WHERE dashboard_id IS NULL OR slice_id IS NULL").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d links to nothing, %v", n, err)
	}
	if n := len(s.rows(s.pair.QA, assets.Dashboard)); n != 25 {
		t.Errorf("%d dashboards", n)
	}
}

// TestChartsComeAndGo: membership moves no time of a change, and importers
// before 6.1 take no chart off.
func TestChartsComeAndGo(t *testing.T) {
	s := newScene(t)
	s.settled()
	on := func(site *lab.SupersetSite, title string) (titles []string) {
		for name, row := range s.rows(site, assets.Dashboard) {
			if slices.Contains(s.rows(site, assets.Chart)[title].Dashboards, row.ID) {
				titles = append(titles, name)
			}
		}
		slices.Sort(titles)
		return titles
	}
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", s.seeded.Charts["hexes"]), map[string]any{"dashboards": []int{}})
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", s.seeded.Charts["points"]), map[string]any{"dashboards": []int{s.seeded.Dashboards["map"], s.seeded.Dashboards["plain"]}})
	if r := s.settled(); r.result.Counts["update"] != 2 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	for _, title := range []string{"Шестикутники", "Точки"} {
		if diff := cmp.Diff(on(s.pair.Prod, title), on(s.pair.QA, title)); diff != "" {
			t.Errorf("%s: %s", title, diff)
		}
	}
}

// TestDatabasesOfOneFileName: an export holds one of them.
func TestDatabasesOfOneFileName(t *testing.T) {
	s := newScene(t)
	for _, site := range []*lab.SupersetSite{s.pair.Prod, s.pair.QA} {
		for _, name := range []string{"North 1", "North_1"} {
			id := s.rest(site, http.MethodPost, "database/", map[string]any{"database_name": name, "sqlalchemy_uri": "sqlite:///" + site.Home + "/warehouse.db?site=" + strings.ReplaceAll(name, " ", "-")})
			if site == s.pair.Prod {
				s.rest(site, http.MethodPost, "dataset/", map[string]any{"database": id, "table_name": "of " + name, "sql": "SELECT 1 AS a"})
			}
		}
	}
	s.settled()
	for _, name := range []string{"North 1", "North_1"} {
		row := s.rows(s.pair.QA, assets.Dataset)["of "+name]
		if want := s.rows(s.pair.QA, assets.Database)[name].ID; row.DatabaseID != want {
			t.Errorf("%s: on database %d, want %d", row.Title, row.DatabaseID, want)
		}
	}
}

// TestFolders of a dataset name columns by UUIDs that each server gives anew:
// the target keeps its own.
func TestFolders(t *testing.T) {
	s := newScene(t)
	folders := func(site *lab.SupersetSite, name string) {
		path := fmt.Sprintf("dataset/%d", s.rows(site, assets.Dataset)["sample"].ID)
		var answer struct {
			Result struct{ Columns []struct{ UUID string } }
		}
		if err := s.client(site, "admin").Get(t.Context(), "/api/v1/"+path, "", &answer); err != nil {
			t.Fatal(err)
		}
		children := []any{map[string]any{"uuid": answer.Result.Columns[0].UUID}}
		s.rest(site, http.MethodPut, path, map[string]any{"folders": []any{map[string]any{"type": "folder", "name": name, "uuid": "11111111-2222-4333-8444-555555555555", "children": children}}})
	}
	folders(s.pair.Prod, "Основне")
	s.settled()
	folders(s.pair.QA, "Тутешнє")
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("dataset/%d", s.seeded.Datasets["sample"]), map[string]any{"description": "нове"})
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	db, err := sql.Open("sqlite", "file:"+s.pair.QA.Home+"/superset.db?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var description, kept, column string
	if err := db.QueryRowContext(t.Context(), "SELECT description, folders, (SELECT lower(hex(uuid)) FROM table_columns c WHERE c.table_id = t.id ORDER BY c.id LIMIT 1) FROM tables t WHERE id = ?", s.rows(s.pair.QA, assets.Dataset)["sample"].ID).Scan(&description, &kept, &column); err != nil {
		t.Fatal(err)
	}
	if description != "нове" || !strings.Contains(kept, `"uuid"`) || strings.Contains(kept, "\u041e") {
		t.Errorf("%s: folders %s", description, kept)
	}
}

// TestRepetitiveText is packed more tightly than a server takes.
func TestRepetitiveText(t *testing.T) {
	s := newScene(t)
	s.linked("Довга", strings.Repeat("дані ", 300_000))
	s.settled()
}

// TestChartWithoutParams: exports have null there, which no import takes; one
// without a type of visualisation cannot be imported at all.
func TestChartWithoutParams(t *testing.T) {
	s := newScene(t)
	s.rest(s.pair.Prod, http.MethodPost, "chart/", map[string]any{"slice_name": "Гола", "viz_type": "table", "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table"})
	s.settled()
	s.rest(s.pair.Prod, http.MethodPost, "chart/", map[string]any{"slice_name": "Без типу", "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table"})
	if r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Counts["broken"] != 1 || r.result.Writes != 0 || !strings.Contains(r.stdout, `chart "Без типу": it has no type of visualisation`) {
		t.Errorf("%s", r.stdout)
	}
}

// TestTagsAreOff at the target: everything else arrives, and it is told.
func TestTagsAreOff(t *testing.T) {
	s := newScene(t)
	site := lab.SupersetWithoutTags(t)
	s.env = append(s.env, "QA_URL="+site.URL)
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile,
		`Реєстри: {qa: "Реєстри QA"}`, `{Реєстри: {create: true, uri: "sqlite:///`+site.Home+`/r.db"}, Аналітика: {create: true, uri: "sqlite:///`+site.Home+`/a.db"}}`))
	if r := s.settled(); strings.Count(r.stdout, "keeps none (TAGGING_SYSTEM is off)") != 2 {
		t.Errorf("%s", r.stdout)
	}
}

// TestExpiredToken in the middle of a run: the server itself refuses it, a new
// one is got, and nothing is lost.
func TestExpiredToken(t *testing.T) {
	s := newScene(t)
	site := lab.SupersetOfShortLogins(t, 3)
	proxy := lab.NewFaultProxy(t, site.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/api/v1/dashboard/import/", Times: 1, Before: func() { s.expired(site) }})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--set",
		`databases: {Реєстри: {qa: "", create: true, uri: "sqlite:///`+site.Home+`/r.db"}, Аналітика: {create: true, uri: "sqlite:///`+site.Home+`/a.db"}}`)
	if r.result.Outcome != "synced" || proxy.Count("POST", "/security/refresh") == 0 || proxy.Count("POST", "/security/login") != 1 {
		t.Errorf("%s, %v", r.result.Outcome, proxy.Requests())
	}
}

// expired waits until a token that is younger than any of the run's has expired.
func (s *scene) expired(site *lab.SupersetSite) {
	token := s.token(site)
	for {
		request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, site.URL+"/api/v1/chart/", nil)
		if err != nil {
			s.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusUnauthorized {
			return
		}
	}
}

// TestExportLeavesDatasetsOut: before 6.0 an export has one file for the tables
// of one name; what is missing, and comes along with no chart, is asked for
// alone.
func TestExportLeavesDatasetsOut(t *testing.T) {
	s := newScene(t)
	admin := s.client(s.pair.Prod, "admin")
	for _, kind := range []assets.Kind{assets.Dashboard, assets.Chart} {
		rows, err := admin.List(t.Context(), kind)
		var ids []int
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		if err := errors.Join(err, admin.Delete(t.Context(), kind, ids)); err != nil {
			t.Fatal(err)
		}
	}
	bundles, _, err := admin.Export(t.Context(), assets.Dataset, []int{s.seeded.Datasets["sample"]}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	proxy := lab.NewFaultProxy(t, s.pair.Prod.URL)
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/dataset/export/", Times: 1, Header: map[string]string{"Content-Type": "application/zip"}, Body: string(bundles[0])})
	s.env = append(s.env, "PROD_URL="+proxy.URL)
	if r := s.must(0, "export", "--from", "prod", "--kinds", "dataset"); r.result.Counts["datasets"] != 6 || proxy.Count("GET", "/api/v1/dataset/export/") < 6 {
		t.Errorf("%+v, %v", r.result.Counts, proxy.Requests())
	}
}
