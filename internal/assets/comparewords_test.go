package assets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// board is a dashboard of three charts on two tabs, with a filter, a display
// control and cross filters.
const board = `dashboard_title: Огляд, published: true, tags: [а, б],
metadata: {
  native_filter_configuration: [
    {id: F1, name: Область, filterType: filter_select, targets: [{datasetUuid: SAMPLE, column: {name: region}}], scope: {rootPath: [ROOT_ID], excluded: [PIE]}, chartsInScope: [TABLE]},
    {id: F2, name: Період, filterType: filter_time, scope: {rootPath: [ROOT_ID], excluded: []}}],
  chart_customization_config: [{id: C1, name: Групування, targets: [{datasetUuid: SAMPLE, column: {name: kind}}], scope: {rootPath: [ROOT_ID], excluded: []}}],
  chart_configuration: {PIE: {id: PIE, crossFilters: {scope: {rootPath: [ROOT_ID], excluded: [TABLE]}, chartsInScope: [LINE]}}},
  global_chart_configuration: {scope: {rootPath: [ROOT_ID], excluded: [LINE]}, chartsInScope: [PIE]},
  color_scheme: supersetColors},
position: {
  ROOT_ID: {type: ROOT, children: [TABS]}, TABS: {type: TABS, children: [TAB-1, TAB-2]},
  TAB-1: {type: TAB, children: [N1, NOTE], meta: {text: Зразки}}, TAB-2: {type: TAB, children: [N2], meta: {text: Області}},
  N1: {type: CHART, meta: {uuid: PIE, width: 4, height: 50}}, N2: {type: CHART, meta: {uuid: TABLE, width: 4, height: 50}},
  N3: {type: CHART, meta: {uuid: LINE, width: 4, height: 50}},
  NOTE: {type: MARKDOWN, meta: {code: привіт}}, HEADER: {type: HEADER, meta: {text: Огляд}}}`

const table = `table_name: t, database: D, sql: SELECT 1,
columns: [{column_name: a, type: TEXT}, {column_name: b, type: INT, expression: a + 1}],
metrics: [{metric_name: n, expression: count(*)}, {metric_name: s, expression: sum(b)}]`

const pie = `slice_name: Пиріг, viz_type: pie, dataset_uuid: SAMPLE, params: {row_limit: 100, groupby: [region], color: null}, query_context: {queries: [{metrics: [n]}]}`

var named = map[string]string{
	"PIE": "91111111-0000-4000-8000-000000000000", "TABLE": "92222222-0000-4000-8000-000000000000", "LINE": "93333333-0000-4000-8000-000000000000",
	"NEW": "96666666-0000-4000-8000-000000000000", "SAMPLE": "94444444-0000-4000-8000-000000000000", "STAFF": "95555555-0000-4000-8000-000000000000",
}

var titled = map[string]string{"PIE": "Пиріг", "TABLE": "Таблиця", "LINE": "Лінія", "NEW": "Нова", "SAMPLE": "sample", "STAFF": "staff"}

func titleOf(k assets.Key) string {
	for name, uuid := range named {
		if uuid == k.UUID {
			return titled[name]
		}
	}
	return ""
}

func withUUIDs(text string) string {
	for name, uuid := range named {
		text = strings.NewReplacer(": "+name, ": "+uuid, "["+name, "["+uuid, "{"+name, "{"+uuid, ", "+name+":", ", "+uuid+":").Replace(text)
	}
	return text
}

// TestWords: what a person reads of a change, to the letter.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind     assets.Kind
		of       string
		replaced []string // old and new, in turn
		want     []string
	}{
		{assets.Dashboard, board, []string{"dashboard_title: Огляд", "dashboard_title: Звіт"}, []string{"dashboard title changed: Огляд → Звіт"}},
		{assets.Dashboard, board, []string{"published: true", "published: true, css: '.a{}'"}, []string{"css set: .a{}"}},
		{assets.Dashboard, board, []string{"[а, б]", "[б, в]"}, []string{`tag "в" added`, `tag "а" removed`}},
		{assets.Dashboard, board, []string{"children: [N2]", "children: [N2, NEW]", "N3: {type", "NEW: {type: CHART, meta: {uuid: NEW, width: 4, height: 50}}, N3: {type"}, []string{`chart "Нова" added on tab "Області"`}},
		{assets.Dashboard, board, []string{"N2: {type: CHART, meta: {uuid: TABLE, width: 4, height: 50}},", "", "children: [N2]", "children: []"}, []string{`chart "Таблиця" removed`}},
		{assets.Dashboard, board, []string{"children: [N1, NOTE]", "children: [NOTE]", "children: [N2]", "children: [N2, N1]"}, []string{`chart "Пиріг" moved from on tab "Зразки" to on tab "Області"`}},
		{assets.Dashboard, board, []string{"children: [N2]", "children: [N2, N3]"}, []string{`chart "Лінія" moved from outside of the layout to on tab "Області"`}},
		{assets.Dashboard, board, []string{"uuid: PIE, width: 4, height: 50", "uuid: PIE, width: 6, height: 50"}, []string{`chart "Пиріг" resized from 4×50 to 6×50`}},
		{assets.Dashboard, board, []string{"meta: {text: Зразки}", "meta: {text: Проби}"}, []string{`chart "Пиріг" moved from on tab "Зразки" to on tab "Проби"`, `tab "Зразки": text changed: Зразки → Проби`}},
		{assets.Dashboard, board, []string{"children: [TAB-1, TAB-2]", "children: [TAB-1, TAB-2, TAB-3]", "NOTE: {type: MARKDOWN", "TAB-3: {type: TAB, meta: {text: Ще}}, NOTE: {type: MARKDOWN"}, []string{`tab "Ще" added`}},
		{assets.Dashboard, board, []string{"children: [TAB-1, TAB-2]", "children: [TAB-2, TAB-1]"}, []string{"layout: order or background changed"}},
		{assets.Dashboard, board, []string{"code: привіт", "code: бувай"}, []string{"markdown: text changed: привіт → бувай"}},
		{assets.Dashboard, board, []string{"NOTE: {type: MARKDOWN, meta: {code: привіт}},", "", "[N1, NOTE]", "[N1]"}, []string{"markdown removed"}},
		{assets.Dashboard, board, []string{"HEADER: {type: HEADER, meta: {text: Огляд}}", "HEADER: {type: HEADER, meta: {text: Звіт}}"}, []string{`header "Огляд": text changed: Огляд → Звіт`}},
		{assets.Dashboard, board, []string{"{id: F2, name: Період, filterType: filter_time, scope: {rootPath: [ROOT_ID], excluded: []}}]", "{id: F2, name: Період, filterType: filter_time, scope: {rootPath: [ROOT_ID], excluded: []}}, {id: F3, name: Вид}]"}, []string{`filter "Вид" added`}},
		{assets.Dashboard, board, []string{",\n    {id: F2, name: Період, filterType: filter_time, scope: {rootPath: [ROOT_ID], excluded: []}}]", "]"}, []string{`filter "Період" removed`}},
		{assets.Dashboard, board, []string{"scope: {rootPath: [ROOT_ID], excluded: [PIE]}, chartsInScope: [TABLE]", "scope: {rootPath: [TAB-1], excluded: [LINE]}, chartsInScope: [TABLE]"}, []string{`filter "Область": scope changed: {"rootPath": ["ROOT_ID"], "excluded": ["Пиріг"]} → {"rootPath": ["TAB-1"], "excluded": ["Лінія"]}`}},
		{assets.Dashboard, board, []string{"excluded: [PIE]}, chartsInScope: [TABLE]", "excluded: [PIE]}, chartsInScope: [LINE]"}, []string{`filter "Область": chartsInScope changed: ["Таблиця"] → ["Лінія"]`}},
		{assets.Dashboard, board, []string{"{datasetUuid: SAMPLE, column: {name: region}}", "{datasetUuid: STAFF, column: {name: place}}"}, []string{`filter "Область": targets changed: [{"datasetUuid": "sample", "column": {"name": "region"}}] → [{"datasetUuid": "staff", "column": {"name": "place"}}]`}},
		{assets.Dashboard, board, []string{"filterType: filter_time", "filterType: filter_timegrain"}, []string{`filter "Період": filterType changed: filter_time → filter_timegrain`}},
		{assets.Dashboard, board, []string{"name: Групування, targets: [{datasetUuid: SAMPLE, column: {name: kind}}]", "name: Групування, targets: [{datasetUuid: SAMPLE, column: {name: region}}]"}, []string{`display control "Групування": targets changed: [{"datasetUuid": "sample", "column": {"name": "kind"}}] → [{"datasetUuid": "sample", "column": {"name": "region"}}]`}},
		{assets.Dashboard, board, []string{"name: Групування", "name: Розріз"}, []string{`display control "Розріз" added`, `display control "Групування" removed`}},
		{assets.Dashboard, board, []string{"{PIE: {id: PIE, crossFilters: {scope: {rootPath: [ROOT_ID], excluded: [TABLE]}, chartsInScope: [LINE]}}}", "{}"}, []string{`cross filter of "Пиріг" removed`}},
		{assets.Dashboard, board, []string{"{PIE: {id: PIE, crossFilters: {scope: {rootPath: [ROOT_ID], excluded: [TABLE]}, chartsInScope: [LINE]}}}", "{PIE: {id: PIE, crossFilters: {scope: {rootPath: [ROOT_ID], excluded: [TABLE]}, chartsInScope: [LINE]}}, TABLE: {id: TABLE, crossFilters: {scope: global}}}"}, []string{`cross filter of "Таблиця" added`}},
		{assets.Dashboard, board, []string{"excluded: [TABLE]}, chartsInScope: [LINE]", "excluded: [LINE]}, chartsInScope: [LINE]"}, []string{`cross filter of "Пиріг": scope changed: {"rootPath": ["ROOT_ID"], "excluded": ["Таблиця"]} → {"rootPath": ["ROOT_ID"], "excluded": ["Лінія"]}`}},
		{assets.Dashboard, board, []string{"global_chart_configuration: {scope: {rootPath: [ROOT_ID], excluded: [LINE]}", "global_chart_configuration: {scope: {rootPath: [ROOT_ID], excluded: []}"}, []string{`cross filters: scope changed: {"rootPath": ["ROOT_ID"], "excluded": ["Лінія"]} → {"rootPath": ["ROOT_ID"], "excluded": []}`}},
		{assets.Dashboard, board, []string{"color_scheme: supersetColors", "color_scheme: lyft"}, []string{"color scheme changed: supersetColors → lyft"}},
		{assets.Dataset, table, []string{"{column_name: a, type: TEXT}", "{column_name: a, type: DATE}"}, []string{`column "a": type changed: TEXT → DATE`}},
		{assets.Dataset, table, []string{"expression: a + 1", "expression: a + 2"}, []string{`column "b": expression changed: a + 1 → a + 2`}},
		{assets.Dataset, table, []string{"{column_name: a, type: TEXT}, ", ""}, []string{`column "a" removed`}},
		{assets.Dataset, table, []string{"columns: [", "columns: [{column_name: c}, "}, []string{`column "c" added`}},
		{assets.Dataset, table, []string{"expression: sum(b)", "expression: sum(a)"}, []string{`metric "s": expression changed: sum(b) → sum(a)`}},
		{assets.Dataset, table, []string{", {metric_name: s, expression: sum(b)}", ""}, []string{`metric "s" removed`}},
		{assets.Dataset, table, []string{"metrics: [", "metrics: [{metric_name: m, expression: max(a)}, "}, []string{`metric "m" added`}},
		{assets.Dataset, table, []string{"sql: SELECT 1", "sql: \"SELECT 1\\nFROM t\""}, []string{"sql changed--- before\n+++ after\n@@ -1 +1,2 @@\n SELECT 1\n+FROM t\n"}},
		{assets.Chart, pie, []string{"row_limit: 100", "row_limit: 200"}, []string{"parameter row_limit changed: 100 → 200"}},
		{assets.Chart, pie, []string{"groupby: [region]", "groupby: [region, kind]"}, []string{`parameter groupby changed: ["region"] → ["region", "kind"]`}},
		{assets.Chart, pie, []string{"dataset_uuid: SAMPLE", "dataset_uuid: STAFF"}, []string{"dataset changed: sample → staff"}},
		{assets.Chart, pie, []string{"queries: [{metrics: [n]}]", "queries: [{metrics: [s]}]"}, []string{`query queries changed: [{"metrics": ["n"]}] → [{"metrics": ["s"]}]`}},
		{assets.Chart, pie, []string{"viz_type: pie", "viz_type: table"}, []string{"viz type changed: pie → table"}},
	} {
		old, replaced := test.of, strings.NewReplacer(test.replaced...).Replace(test.of)
		if old == replaced {
			t.Fatalf("%v: nothing was replaced", test.replaced)
		}
		var got []string
		for _, d := range assets.Differences(parsed(t, test.kind, some, withUUIDs(old)), parsed(t, test.kind, some, withUUIDs(replaced)), titleOf) {
			got = append(got, d.What+d.Text)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v: %s", test.replaced, diff)
		}
	}
}
