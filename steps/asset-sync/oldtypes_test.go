package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// TestOldTypes: visualisation types that importers replace. Each goes through a
// real import; afterwards both sides are the same.
func TestOldTypes(t *testing.T) {
	s := newScene(t)
	editor := s.client(s.pair.Prod, "editor")
	common := map[string]any{
		"granularity_sqla": "taken", "time_range": "Last month", "groupby": []any{"kind", "laboratory"}, "columns": []any{"region"}, "metric": "count", "metric_2": "count", "metrics": []any{"count"},
		"bottom_margin": "auto", "left_margin": "auto", "x_axis_label": "час", "y_axis_label": "шт.", "x_ticks_layout": "45°", "time_compare": "1 week", "comparison_type": "absolute", "contribution": true,
		"show_brush": "yes", "show_markers": true, "bar_stacked": true, "stacked_style": "expand", "show_bar_value": true, "line_interpolation": "step-after", "order_desc": true, "pivot_margins": true,
		"pandas_aggfunc": "mean", "number_format": ".1f", "entity": "kind", "series": "region", "all_columns_x": []any{"amount"}, "link_length": "12", "normalized": true, "y_axis_bounds": []any{nil, nil},
		"x_axis_format": "smart_date", "row_limit": 50, "y_log_scale": false, "sort_by_metric": true, "adhoc_filters": []any{},
	}
	for _, viz := range []string{"line", "area", "bar", "dist_bar", "treemap", "pivot_table", "sunburst", "bubble", "heatmap", "histogram", "sankey", "dual_line"} {
		for _, rich := range []bool{true, false} {
			params := map[string]any{"viz_type": viz}
			if rich {
				for key, value := range common {
					params[key] = value
				}
			}
			text, err := json.Marshal(params)
			if err != nil {
				t.Fatal(err)
			}
			context, err := json.Marshal(map[string]any{"datasource": map[string]any{"id": s.seeded.Datasets["sample"], "type": "table"}, "form_data": params, "queries": []any{}})
			if err != nil {
				t.Fatal(err)
			}
			body := map[string]any{"slice_name": fmt.Sprintf("%s %t", viz, rich), "viz_type": viz, "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table", "params": string(text), "query_context": string(context)}
			if err := editor.Send(t.Context(), http.MethodPost, "/api/v1/chart/", body, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Outcome != "synced" {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Writes != 0 {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
}
