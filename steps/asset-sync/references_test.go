package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// live is what the browser works with: the numbers as the server has them. It
// is read by the REST API and put into names without any code of the program,
// so a mistake in the program's list of places shows here.
type live struct {
	charts, datasets, dashboards map[int]string // id → UUID
}

func (s *scene) live(site *lab.SupersetSite) live {
	s.Helper()
	uuids := s.uuids(site)
	return live{uuids[assets.Chart], uuids[assets.Dataset], uuids[assets.Dashboard]}
}

// halves are metadata and layout of a dashboard as the server has them.
func (s *scene) halves(site *lab.SupersetSite, uuid string) (both [2]map[string]any) {
	s.Helper()
	var answer struct {
		Result struct {
			Metadata string `json:"json_metadata"`
			Position string `json:"position_json"`
		}
	}
	if err := s.client(site, "admin").Get(s.Context(), "/api/v1/dashboard/"+uuid, "", &answer); err != nil {
		s.Fatal(err)
	}
	for i, text := range []string{answer.Result.Metadata, answer.Result.Position} {
		if err := json.Unmarshal([]byte(text), &both[i]); err != nil {
			s.Fatal(err)
		}
	}
	return both
}

// dashboard reads metadata and layout of a dashboard by its UUID, with UUIDs in
// the place of all numbers that are ids.
func (s *scene) dashboard(site *lab.SupersetSite, l live, uuid string) (metadata, position map[string]any) {
	s.Helper()
	both := s.halves(site, uuid)
	l.name(both[0], "", "")
	l.name(both[1], "", "")
	return both[0], both[1]
}

// name replaces ids in place. Numbers that lead nowhere become "?".
func (l live) name(v any, key, above string) any {
	switch t := v.(type) {
	case map[string]any:
		for _, k := range slices.Collect(maps.Keys(t)) {
			value := t[k]
			delete(t, k)
			name := k
			if key == "chart_configuration" || key == "expanded_slices" {
				n, _ := strconv.Atoi(k)
				name = of(l.charts, n)
			}
			t[name] = l.name(value, k, key)
		}
	case []any:
		for i := range t {
			t[i] = l.name(t[i], key, above)
		}
	case string:
		return l.links(key, t)
	case float64:
		switch {
		case key == "chartId", key == "excluded", key == "chartsInScope", key == "timed_refresh_immune_slices", key == "deck_slices", key == "id" && above != "":
			return of(l.charts, int(t))
		case key == "datasetId":
			return of(l.datasets, int(t))
		}
	}
	return v
}

// Where text holds ids.
var (
	toDashboard = regexp.MustCompile(`\((/superset/dashboard/)(\d+)(/\))`)
	toChart     = regexp.MustCompile(`(^chart-|\(/explore/\?slice_id=)(\d+)(-layer-\d+$|\))`)
)

func (l live) links(key, text string) string {
	if key != "code" && key != "selectedLayers" {
		return text
	}
	for link, uuids := range map[*regexp.Regexp]map[int]string{toDashboard: l.dashboards, toChart: l.charts} {
		text = link.ReplaceAllStringFunc(text, func(found string) string {
			part := link.FindStringSubmatch(found)
			id, _ := strconv.Atoi(part[2])
			return part[1] + of(uuids, id) + part[3]
		})
	}
	return text
}

// sources are the datasets and charts that a chart names by number, by place.
func (s *scene) sources(site *lab.SupersetSite, l live, id int) map[string]string {
	s.Helper()
	var answer struct {
		Result struct {
			Params  string
			Context string `json:"query_context"`
		}
	}
	if err := s.client(site, "admin").Get(s.Context(), fmt.Sprintf("/api/v1/chart/%d", id), "", &answer); err != nil {
		s.Fatal(err)
	}
	type form struct {
		Datasource string
		Layers     []int `json:"deck_slices"`
	}
	var params form
	var context struct {
		Datasource struct{ ID int }
		Form       form `json:"form_data"`
	}
	found := map[string]string{}
	note := func(place string, f form) {
		id, _ := strconv.Atoi(strings.TrimSuffix(f.Datasource, "__table"))
		found[place+".datasource"] = of(l.datasets, id)
		for i, id := range f.Layers {
			found[fmt.Sprintf("%s.deck_slices %d", place, i)] = of(l.charts, id)
		}
	}
	if err := json.Unmarshal([]byte(answer.Result.Params), &params); err != nil {
		s.Fatal(err)
	}
	note("params", params)
	if answer.Result.Context != "" {
		if err := json.Unmarshal([]byte(answer.Result.Context), &context); err != nil {
			s.Fatal(err)
		}
		found["query_context.datasource"] = of(l.datasets, context.Datasource.ID)
		note("query_context.form_data", context.Form)
	}
	return found
}

// sameCharts compares what the charts of both sites stand on.
func (s *scene) sameCharts(prod, qa live) {
	s.Helper()
	there, compared := map[string]int{}, 0
	for id, uuid := range qa.charts {
		there[uuid] = id
	}
	for id, uuid := range prod.charts {
		want, got := s.sources(s.pair.Prod, prod, id), s.sources(s.pair.QA, qa, there[uuid])
		if diff := cmp.Diff(want, got); diff != "" {
			s.Errorf("chart %s: %s", uuid, diff)
		}
		compared += len(want)
	}
	if compared < 2*len(prod.charts) {
		s.Errorf("only %d places of %d charts were looked at", compared, len(prod.charts))
	}
}

func of(uuids map[int]string, id int) string {
	if uuid := uuids[id]; uuid != "" {
		return uuid
	}
	return fmt.Sprintf("? %d", id)
}

// TestReferencesAreRight in the browser's own terms, and after a sync back to
// the environment that they came from.
func TestReferencesAreRight(t *testing.T) {
	s := syncedScene(t)
	prod, qa := s.live(s.pair.Prod), s.live(s.pair.QA)
	compared := 0
	for title, row := range s.rows(s.pair.Prod, assets.Dashboard) {
		wantMetadata, wantPosition := s.dashboard(s.pair.Prod, prod, row.UUID)
		gotMetadata, gotPosition := s.dashboard(s.pair.QA, qa, row.UUID)
		for _, gone := range append([]string{"default_filters", "show_native_filters"}, unknown()...) {
			delete(wantMetadata, gone)
		}
		if filters, _ := gotMetadata["native_filter_configuration"].([]any); len(filters) == 0 {
			delete(gotMetadata, "native_filter_configuration") // an importer adds []
		}
		if configuration, ok := wantMetadata["chart_configuration"].(map[string]any); ok {
			if delete(configuration, "? 99999"); len(configuration) == 0 { // it refers to nothing
				delete(wantMetadata, "chart_configuration")
			}
		}
		if diff := cmp.Diff(wantMetadata, gotMetadata); diff != "" {
			t.Errorf("%s: metadata: %s", title, diff)
		}
		for _, node := range wantPosition {
			m, _ := node.(map[string]any)
			meta, _ := m["meta"].(map[string]any)
			if code, ok := meta["code"]; ok && !hasText(gotPosition, code) {
				t.Errorf("%s: no text %s in the layout of qa", title, code)
			}
			if uuid, ok := meta["chartId"].(string); ok {
				compared++
				if !has(gotPosition, uuid) {
					t.Errorf("%s: no chart %s in the layout of qa", title, uuid)
				}
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d places of charts were looked at", compared)
	}
	s.sameCharts(prod, qa)
}

// unknown are keys of metadata that qa is too old for.
func unknown() []string {
	if versions[1] < "6.1" {
		return []string{"chart_customization_config"}
	}
	return nil
}

// hasText says that a text stands in a layout.
func hasText(position map[string]any, code any) bool {
	for _, node := range position {
		if m, ok := node.(map[string]any); ok {
			if meta, _ := m["meta"].(map[string]any); meta["code"] == code {
				return true
			}
		}
	}
	return false
}

// has says that a chart stands in a layout under its id there.
func has(position map[string]any, uuid string) bool {
	for _, node := range position {
		if m, ok := node.(map[string]any); ok {
			if meta, _ := m["meta"].(map[string]any); meta["chartId"] == uuid && meta["uuid"] == uuid {
				return true
			}
		}
	}
	return false
}

// params are those of a chart as the server has them.
func (s *scene) params(site *lab.SupersetSite, title string) string {
	s.Helper()
	var answer struct{ Result struct{ Params string } }
	if err := s.client(site, "admin").Get(s.Context(), fmt.Sprintf("/api/v1/chart/%d", s.rows(site, assets.Chart)[title].ID), "", &answer); err != nil {
		s.Fatal(err)
	}
	return answer.Result.Params
}

func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and lists
	}
	return string(text)
}
