package seed

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// dashboards makes four: one with tabs, filters, cross filters and links, a
// map, a plain one, and one whose charts are in no layout.
func (m *maker) dashboards(ctx context.Context) error {
	return all([]func() error{
		func() error { return m.maps(ctx) },
		func() error { return m.overview(ctx) },
		func() error { return m.plain(ctx) },
		func() error { return m.loose(ctx) },
		func() error { return m.tag(ctx) },
	})
}

func (m *maker) dashboard(ctx context.Context, name string, in, position, metadata object, charts ...string) (err error) {
	in["position_json"], in["json_metadata"] = text(position), text(metadata)
	if m.made.Dashboards[name], err = m.post(ctx, "dashboard", in); err != nil {
		return err
	}
	for _, chart := range charts {
		var now struct {
			Result struct{ Dashboards []struct{ ID int } }
		}
		path := fmt.Sprintf("/api/v1/chart/%d", m.made.Charts[chart])
		if err := m.client.Get(ctx, path, "", &now); err != nil {
			return err
		}
		on := []int{m.made.Dashboards[name]}
		for _, d := range now.Result.Dashboards {
			on = append(on, d.ID)
		}
		if err := m.client.Send(ctx, http.MethodPut, path, object{"dashboards": on}, nil); err != nil {
			return err
		}
	}
	return nil
}

// node is a chart in a layout, named after it.
func (m *maker) node(chart string) (key string, node object) {
	key = "CHART-" + chart
	return key, object{
		"type": "CHART", "id": key, "children": []any{}, "parents": []any{"ROOT_ID", "GRID_ID"},
		"meta": object{"chartId": m.made.Charts[chart], "width": 4, "height": 50, "sliceName": chart},
	}
}

func layout(title string) object {
	return object{
		"DASHBOARD_VERSION_KEY": "v2",
		"ROOT_ID":               object{"type": "ROOT", "id": "ROOT_ID", "children": []any{"GRID_ID"}},
		"GRID_ID":               object{"type": "GRID", "id": "GRID_ID", "children": []any{}, "parents": []any{"ROOT_ID"}},
		"HEADER_ID":             object{"type": "HEADER", "id": "HEADER_ID", "meta": object{"text": title}},
	}
}

func (m *maker) row(position object, name string, children ...string) {
	var keys []any
	for _, chart := range children {
		key, node := m.node(chart)
		position[key] = node
		keys = append(keys, key)
	}
	position[name] = object{"type": "ROW", "id": name, "children": keys, "parents": []any{"ROOT_ID", "GRID_ID"}, "meta": object{"background": "BACKGROUND_TRANSPARENT"}}
	grid := position["GRID_ID"].(object)
	grid["children"] = append(grid["children"].([]any), name)
}

func (m *maker) maps(ctx context.Context) error {
	position := layout("Мапа")
	m.row(position, "ROW-map", "map", "points")
	return m.dashboard(ctx, "map", object{"dashboard_title": "Мапа", "slug": "map", "published": true}, position, object{"color_scheme": "supersetColors"}, "map", "points")
}

func (m *maker) ids(charts ...string) (ids []any) {
	for _, chart := range charts {
		ids = append(ids, m.made.Charts[chart])
	}
	return ids
}

func (m *maker) overview(ctx context.Context) error {
	position := layout("Огляд лабораторій")
	m.row(position, "ROW-a", "total", "trend", "table")
	m.row(position, "ROW-b", "pie", "old", "bars")
	position["TABS-x"] = object{"type": "TABS", "id": "TABS-x", "children": []any{"TAB-1", "TAB-2"}, "parents": []any{"ROOT_ID", "GRID_ID"}, "meta": object{}}
	for i, row := range []string{"ROW-a", "ROW-b"} {
		tab := fmt.Sprintf("TAB-%d", i+1)
		position[tab] = object{"type": "TAB", "id": tab, "children": []any{row}, "parents": []any{"ROOT_ID", "GRID_ID", "TABS-x"}, "meta": object{"text": []string{"Зразки", "Області"}[i]}}
	}
	position["MARKDOWN-1"] = object{"type": "MARKDOWN", "id": "MARKDOWN-1", "children": []any{}, "parents": []any{"ROOT_ID", "GRID_ID"}, "meta": object{
		"width": 4, "height": 20,
		"code": fmt.Sprintf("# Огляд\n\n[Мапа](/superset/dashboard/%d/) і [таблиця](/explore/?slice_id=%d), [сайт](https://example.org/superset/dashboard/1/)", m.made.Dashboards["map"], m.made.Charts["table"]),
	}}
	position["GRID_ID"].(object)["children"] = []any{"MARKDOWN-1", "TABS-x"}
	return m.dashboard(ctx, "overview", object{
		"dashboard_title": "Огляд лабораторій", "slug": "overview", "published": true, "css": ".header { color: #0a7; }", "certified_by": "Відділ даних", "certification_details": "перевірено",
	}, position, m.metadata(), "total", "trend", "table", "pie", "old", "bars")
}

// metadata has a reference in every place that can hold one, and some stale
// ones.
func (m *maker) metadata() object {
	const gone = 99999
	key := func(chart string) string { return strconv.Itoa(m.made.Charts[chart]) }
	cross := func(chart string, excluded ...any) object {
		return object{"id": m.made.Charts[chart], "crossFilters": object{"scope": object{"rootPath": []any{"ROOT_ID"}, "excluded": append([]any{}, excluded...)}, "chartsInScope": m.ids("trend", "pie", "old")}}
	}
	made := object{
		"color_scheme": "supersetColors", "refresh_frequency": 0, "cross_filters_enabled": true, "label_colors": object{"Київ": "#00f"},
		"timed_refresh_immune_slices": m.ids("table"), "expanded_slices": object{key("total"): true},
		"default_filters": "{}", "show_native_filters": true,
		"native_filter_configuration": []any{
			object{
				"id": "NATIVE_FILTER-1", "type": "NATIVE_FILTER", "name": "Область", "filterType": "filter_select", "targets": []any{object{"datasetId": m.made.Datasets["laboratory"], "column": object{"name": "region"}}},
				"scope": object{"rootPath": []any{"ROOT_ID"}, "excluded": m.ids("table")}, "chartsInScope": m.ids("total", "trend", "pie"), "tabsInScope": []any{"TAB-1"}, "cascadeParentIds": []any{},
			},
			object{
				"id": "NATIVE_FILTER-2", "type": "NATIVE_FILTER", "name": "Період", "filterType": "filter_time", "targets": []any{object{}},
				"scope": object{"rootPath": []any{"ROOT_ID"}, "excluded": []any{}}, "chartsInScope": m.ids("trend", "old"), "cascadeParentIds": []any{"NATIVE_FILTER-1"},
			},
		},
		"chart_customization_config": []any{object{
			"id": "CUSTOMIZATION-1", "type": "CHART_CUSTOMIZATION", "name": "Групування", "targets": []any{object{"datasetId": m.made.Datasets["sample"], "column": object{"name": "kind"}}},
			"scope": object{"rootPath": []any{"ROOT_ID"}, "excluded": m.ids("bars")}, "chartsInScope": m.ids("trend", "pie"),
		}},
		"chart_configuration":        object{key("pie"): cross("pie", m.ids("total", "table")...), key("table"): cross("table"), strconv.Itoa(gone): object{"id": gone, "crossFilters": object{"scope": "global", "chartsInScope": []any{gone}}}},
		"global_chart_configuration": object{"scope": object{"rootPath": []any{"ROOT_ID"}, "excluded": m.ids("bars")}, "chartsInScope": m.ids("total", "trend", "table", "pie", "old")},
	}
	if m.old {
		delete(made, "chart_customization_config")
	}
	return made
}

func (m *maker) plain(ctx context.Context) error {
	position := layout("Зарплати")
	m.row(position, "ROW-1", "salaries", "twin")
	return m.dashboard(ctx, "plain", object{"dashboard_title": "Зарплати", "published": false}, position, object{"chart_configuration": object{}}, "salaries", "twin")
}

// loose has a chart that is in no layout: every export gives it another place.
func (m *maker) loose(ctx context.Context) error {
	position := layout("Без розкладки")
	m.row(position, "ROW-1", "total")
	return m.dashboard(ctx, "loose", object{"dashboard_title": "Без розкладки", "slug": "loose"}, position, object{}, "total", "salaries", "hexes")
}

func (m *maker) tag(ctx context.Context) error {
	for _, tagged := range []struct {
		kind, name string
		id         int
	}{{"3", "огляд", m.made.Dashboards["overview"]}, {"2", "зарплати", m.made.Charts["salaries"]}, {"3", "якість", m.made.Dashboards["overview"]}} {
		path := fmt.Sprintf("/api/v1/tag/%s/%d/", tagged.kind, tagged.id)
		if err := m.client.Send(ctx, http.MethodPost, path, object{"properties": object{"tags": []any{tagged.name}}}, nil); err != nil {
			return err
		}
	}
	return nil
}
