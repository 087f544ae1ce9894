package assets

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// migration is how an importer replaces an old visualisation type. Superset
// 4.1 and newer do it on every import, so the canonical form has the new type:
// else an old chart would differ for ever from what an import made of it.
// The rules are those of 6.1, superset/migrations/shared/migrate_viz.
type migration struct {
	to     string
	xAxis  bool              // the time column becomes the x axis
	rename map[string]string // keys of params
	remove []string
	before func(p *document.Value) (to string) // "": the usual type
}

var timeseries = map[string]string{
	"bottom_margin": "x_axis_title_margin", "left_margin": "y_axis_title_margin", "show_controls": "show_extra_controls",
	"x_axis_label": "x_axis_title", "x_axis_format": "x_axis_time_format", "x_axis_showminmax": "truncateXAxis",
	"x_ticks_layout": "xAxisLabelRotation", "y_axis_label": "y_axis_title", "y_axis_showminmax": "truncateYAxis", "y_log_scale": "logAxis",
}

var timeseriesGone = []string{"contribution", "line_interpolation", "reduce_x_ticks", "show_brush", "show_markers"}

var migrations = map[string]migration{
	"line":     {to: "echarts_timeseries_line", xAxis: true, rename: timeseries, remove: timeseriesGone, before: lineBefore},
	"area":     {to: "echarts_area", xAxis: true, rename: timeseries, remove: with(timeseriesGone, "stacked_style"), before: areaBefore},
	"bar":      {to: "echarts_timeseries_bar", xAxis: true, rename: withShowValue(), remove: with(timeseriesGone, "bar_stacked"), before: barBefore},
	"dist_bar": {to: "echarts_timeseries_bar", rename: withShowValue(), remove: with(timeseriesGone, "bar_stacked", "columns"), before: distBarBefore},
	"treemap":  {to: "treemap_v2", rename: map[string]string{"order_desc": "sort_by_metric"}, remove: []string{"metrics"}, before: treemapBefore},
	"pivot_table": {to: "pivot_table_v2", remove: []string{"pivot_margins"}, before: pivotBefore, rename: map[string]string{
		"columns": "groupbyColumns", "combine_metric": "combineMetric", "groupby": "groupbyRows", "number_format": "valueFormat",
		"pandas_aggfunc": "aggregateFunction", "row_limit": "series_limit", "timeseries_limit_metric": "series_limit_metric", "transpose_pivot": "transposePivot",
	}},
	"sunburst": {to: "sunburst_v2", rename: map[string]string{"groupby": "columns"}},
	"bubble": {to: "bubble_v2", remove: []string{"x_axis_showminmax"}, before: bubbleBefore, rename: map[string]string{
		"bottom_margin": "x_axis_title_margin", "left_margin": "y_axis_title_margin", "limit": "row_limit", "x_axis_format": "xAxisFormat",
		"x_log_scale": "logXAxis", "x_ticks_layout": "xAxisLabelRotation", "y_axis_showminmax": "truncateYAxis", "y_log_scale": "logYAxis",
	}},
	"heatmap": {to: "heatmap_v2", remove: []string{"sort_by_metric", "canvas_image_rendering"}, before: heatmapBefore, rename: map[string]string{
		"all_columns_x": "x_axis", "all_columns_y": "groupby", "y_axis_bounds": "value_bounds", "show_perc": "show_percentage",
	}},
	"histogram": {to: "histogram_v2", remove: []string{"all_columns_x", "link_length", "queryFields"}, before: histogramBefore, rename: map[string]string{
		"x_axis_label": "x_axis_title", "y_axis_label": "y_axis_title", "normalized": "normalize",
	}},
	"sankey": {to: "sankey_v2", remove: []string{"groupby"}, before: sankeyBefore},
	"dual_line": {to: "mixed_timeseries", xAxis: true, remove: []string{"metric", "metric_2"}, before: dualLineBefore, rename: map[string]string{
		"x_axis_format": "x_axis_time_format", "y_axis_2_format": "y_axis_format_secondary", "y_axis_2_bounds": "y_axis_bounds_secondary",
	}},
}

func with(list []string, more ...string) []string { return append(slices.Clone(list), more...) }

func withShowValue() map[string]string {
	m := maps.Clone(timeseries)
	m["show_bar_value"] = "show_value"
	return m
}

// migrate does to a chart what an import does. Importers do more for params
// that name the old type themselves, and less for others.
func migrate(doc *document.Value) {
	old := doc.Get("viz_type").Str()
	m, ok := migrations[old]
	if !ok {
		return
	}
	params := doc.Get("params")
	to := m.to
	if m.before != nil {
		if other := m.before(params); other != "" {
			to = other
		}
	}
	if params.Get("viz_type").Str() == old {
		params.Fields = m.fields(params)
		m.temporal(params, old)
	}
	params.Set("viz_type", document.Text(to))
	doc.Set("viz_type", document.Text(to))
	if context := doc.Get("query_context"); context.Get("form_data") != nil {
		context.Set("form_data", params.Copy())
	}
}

func (m migration) fields(params *document.Value) (kept []document.Field) {
	for source, target := range m.rename {
		if params.Get(source) != nil && params.Get(target) != nil {
			params.Delete(target)
		}
	}
	for _, f := range params.Fields {
		if name, ok := m.rename[f.Key]; ok {
			kept = append(kept, document.Field{Key: name, Value: f.Value})
		} else if !slices.Contains(m.remove, f.Key) {
			kept = append(kept, f)
		}
	}
	return kept
}

// temporal makes a filter of what was a time column and a time range.
func (m migration) temporal(params *document.Value, old string) {
	column, over := params.Get("granularity_sqla"), params.Get("time_range")
	params.Delete("granularity_sqla", "time_range")
	if over.Empty() {
		over = document.Text("No filter") // DEFAULT_TIME_FILTER
	}
	if !column.Empty() {
		m.addFilter(params, column, over)
	}
	if old == "dual_line" {
		filters := params.Get("adhoc_filters")
		if filters.Empty() {
			filters = document.NewList()
		}
		params.Set("adhoc_filters_b", filters.Copy())
	}
}

func (m migration) addFilter(params, column, over *document.Value) {
	if m.xAxis {
		params.Set("x_axis", column)
		if params.Get("time_grain_sqla").Empty() {
			params.Set("time_grain_sqla", document.Text("P1D"))
		}
	}
	filters := params.Get("adhoc_filters")
	if filters.Empty() {
		filters = document.NewList()
	}
	filters.Items = append(filters.Items, document.NewMap(
		document.Field{Key: "clause", Value: document.Text("WHERE")}, document.Field{Key: "subject", Value: column},
		document.Field{Key: "operator", Value: document.Text("TEMPORAL_RANGE")}, document.Field{Key: "comparator", Value: over},
		document.Field{Key: "expressionType", Value: document.Text("SIMPLE")}))
	params.Set("adhoc_filters", filters)
}

func orNothing(v *document.Value) *document.Value {
	if v == nil {
		return document.Nothing()
	}
	return v
}

func falsy(v *document.Value) bool {
	return v.Empty() || v.Kind == document.Bool && v.Text == "false" || v.Kind == document.Int && v.Text == "0"
}

func stackIf(stacked bool) *document.Value {
	if stacked {
		return document.Text("Stack")
	}
	return document.Nothing()
}

func timeseriesBefore(p *document.Value) {
	mode := document.Nothing()
	if !falsy(p.Get("contribution")) {
		mode = document.Text("row")
	}
	p.Set("contributionMode", mode)
	p.Set("zoomable", document.Truth(p.Get("show_brush").Str() == "yes"))
	markers := p.Get("show_markers")
	if falsy(markers) {
		markers = document.Truth(false)
	}
	p.Set("markerEnabled", markers)
	p.Set("y_axis_showminmax", document.Truth(true))
	margin(p, "x_axis_label", "bottom_margin")
	margin(p, "y_axis_label", "left_margin")
	if compare := p.Get("time_compare"); compare != nil && compare.Kind != document.Null {
		p.Set("time_compare", ago(compare))
	}
	comparison := p.Get("comparison_type")
	if comparison.Empty() {
		comparison = document.Text("values")
	}
	if comparison.Str() == "absolute" {
		comparison = document.Text("difference")
	}
	p.Set("comparison_type", comparison)
	ticks(p)
}

func margin(p *document.Value, label, margin string) {
	if m := p.Get(margin); !falsy(p.Get(label)) && (falsy(m) || m.Str() == "auto") {
		p.Set(margin, document.Number(30))
	}
}

func ticks(p *document.Value) {
	if layout := p.Get("x_ticks_layout"); !falsy(layout) {
		n := 0
		if layout.Str() == "45°" {
			n = 45
		}
		p.Set("x_ticks_layout", document.Number(n))
	}
}

func ago(compare *document.Value) *document.Value {
	if compare.Kind != document.List {
		compare = document.NewList(compare)
	}
	list := document.NewList()
	for _, v := range compare.Items {
		text := strings.TrimSpace(v.Text)
		if text == "" {
			continue
		}
		if !strings.HasSuffix(text, " ago") {
			text += " ago"
		}
		list.Items = append(list.Items, document.Text(text))
	}
	return list
}

func lineBefore(p *document.Value) string {
	timeseriesBefore(p)
	switch p.Get("line_interpolation").Str() {
	case "cardinal":
		return "echarts_timeseries_smooth"
	case "step-before":
		p.Set("seriesType", document.Text("start"))
		return "echarts_timeseries_step"
	case "step-after":
		p.Set("seriesType", document.Text("end"))
		return "echarts_timeseries_step"
	}
	return ""
}

func areaBefore(p *document.Value) string {
	timeseriesBefore(p)
	stack := document.Nothing()
	switch style := p.Get("stacked_style"); {
	case falsy(style), style.Str() == "stack":
		stack = document.Text("Stack")
	case style.Str() == "expand":
		stack = document.Text("Expand")
	case style.Str() == "stream":
		stack = document.Text("Stream")
	}
	p.Set("stack", stack)
	p.Set("opacity", &document.Value{Kind: document.Float, Text: "0.7"})
	return ""
}

func barBefore(p *document.Value) string {
	timeseriesBefore(p)
	p.Set("stack", stackIf(!falsy(p.Get("bar_stacked"))))
	return ""
}

func distBarBefore(p *document.Value) string {
	timeseriesBefore(p)
	by, columns := p.Get("groupby").Each(), p.Get("columns").Each()
	rest := document.NewList()
	if len(by) > 0 {
		p.Set("x_axis", by[0])
		rest.Items = append(rest.Items, by[1:]...)
	}
	rest.Items = append(rest.Items, columns...)
	p.Set("groupby", rest)
	p.Set("stack", stackIf(!falsy(p.Get("bar_stacked"))))
	p.Set("x_ticks_layout", document.Number(45))
	return ""
}

func treemapBefore(p *document.Value) string {
	if metrics := p.Get("metrics").Each(); len(metrics) > 0 {
		p.Set("metric", metrics[0])
	}
	return ""
}

var aggregations = map[string]string{
	"sum": "Sum", "mean": "Average", "median": "Median", "min": "Minimum", "max": "Maximum", "std": "Sample Standard Deviation", "var": "Sample Variance",
}

func pivotBefore(p *document.Value) string {
	if margins := p.Get("pivot_margins"); !falsy(margins) {
		p.Set("colTotals", margins)
		p.Set("colSubTotals", margins.Copy())
	}
	if name, ok := aggregations[p.Get("pandas_aggfunc").Str()]; ok {
		p.Set("pandas_aggfunc", document.Text(name))
	}
	p.Set("rowOrder", document.Text("value_z_to_a"))
	return ""
}

func bubbleBefore(p *document.Value) string {
	margin(p, "x_axis_label", "bottom_margin")
	ticks(p)
	p.Set("y_axis_showminmax", document.Truth(true))
	return ""
}

func heatmapBefore(p *document.Value) string {
	p.Set("legend_type", document.Text("continuous"))
	return ""
}

func histogramBefore(p *document.Value) string {
	if columns := p.Get("all_columns_x"); columns != nil && len(columns.Each()) > 0 {
		p.Set("column", columns.Items[0])
	} else if text := columns.Str(); text != "" {
		r := []rune(text)
		p.Set("column", document.Text(string(r[0]))) // Python takes the first letter, and so do we
	}
	bins := 5
	if length := p.Get("link_length"); !falsy(length) {
		if n, err := strconv.Atoi(length.Text); err == nil {
			bins = n
		}
	}
	p.Set("bins", document.Number(bins))
	if falsy(p.Get("groupby")) {
		p.Set("groupby", document.NewList())
	}
	return ""
}

func sankeyBefore(p *document.Value) string {
	if by := p.Get("groupby").Each(); len(by) > 1 {
		p.Set("source", by[0])
		p.Set("target", by[1])
	}
	return ""
}

func dualLineBefore(p *document.Value) string {
	p.Set("yAxisIndex", document.Number(0))
	p.Set("yAxisIndexB", document.Number(1))
	p.Set("adhoc_filters_b", orNothing(p.Get("adhoc_filters").Copy()))
	p.Set("truncateYAxis", document.Truth(true))
	p.Set("metrics", document.NewList(orNothing(p.Get("metric"))))
	p.Set("metrics_b", document.NewList(orNothing(p.Get("metric_2"))))
	return ""
}
