package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// Size is how much Generate makes.
type Size struct {
	Datasets, Charts, Dashboards, PerDashboard int

	Decks int // charts of charts beside the others; filters of dashboards then choose layers of them
}

// generator makes assets by chance, the same for the same seed.
type generator struct {
	*rand.Rand
	client   *superset.Client
	database string // UUID
	datasets []string
	charts   []string
	decks    []string       // of the charts, those that are made of others
	ids      map[string]int // of charts and datasets
}

// Generate fills prod with assets by chance, whose dashboards have references
// in every place that can hold one, and qa with databases and some assets of
// its own.
func Generate(ctx context.Context, p *lab.SupersetPair, size Size, seed uint64) error {
	for _, s := range []*lab.SupersetSite{p.Prod, p.QA} {
		if err := Warehouse(ctx, s); err != nil {
			return err
		}
	}
	if err := seedLocal(ctx, p.QA); err != nil {
		return err
	}
	m, err := makerOf(p.Prod, "editor")
	if err != nil {
		return err
	}
	if err := m.database(ctx, p.Prod, "registry", "Реєстри"); err != nil {
		return err
	}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), client: m.client, ids: map[string]int{}}
	return g.fill(ctx, size)
}

func (g *generator) fill(ctx context.Context, size Size) error {
	databases, err := g.client.List(ctx, assets.Database)
	if err != nil {
		return err
	}
	g.database = databases[0].UUID
	var docs []*document.Value
	for i := range size.Datasets {
		docs = append(docs, g.dataset(i))
	}
	if err := g.send(ctx, assets.Dataset, docs, len(docs)); err != nil {
		return err
	}
	docs = nil
	for i := range size.Charts {
		docs = append(docs, g.chart(i))
	}
	if err := g.send(ctx, assets.Chart, docs, 200); err != nil {
		return err
	}
	docs = nil
	for i := range size.Decks {
		docs = append(docs, g.deck(i))
	}
	if err := g.send(ctx, assets.Chart, docs, 200); err != nil {
		return err
	}
	docs = nil
	for i := range size.Dashboards {
		docs = append(docs, g.dashboard(i, size.PerDashboard))
	}
	return g.send(ctx, assets.Dashboard, docs, 40)
}

func (g *generator) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", g.Uint32(), g.Uint32()>>16, g.Uint32()>>20, g.Uint32()>>20, g.Uint64()>>16)
}

// send imports documents sparsely and learns their ids.
func (g *generator) send(ctx context.Context, kind assets.Kind, docs []*document.Value, batch int) error {
	for len(docs) > 0 {
		n := min(batch, len(docs))
		var files []assets.File
		for _, doc := range docs[:n] {
			files = append(files, assets.File{Name: assets.FileOf(assets.Key{Kind: kind, UUID: doc.Get("uuid").Str()}), Doc: doc})
		}
		bundle, err := assets.Bundle("", files, time.Now())
		if err != nil {
			return err
		}
		if err := g.client.Import(ctx, superset.Endpoint{Sparse: true}, bundle, nil); err != nil {
			return fmt.Errorf("generate %s: %w", kind.Folder(), err)
		}
		docs = docs[n:]
	}
	rows, err := g.client.List(ctx, kind)
	for _, row := range rows {
		g.ids[row.UUID] = row.ID
	}
	return err
}

func parse(v any) *document.Value {
	doc, err := document.ParseJSON(text(v))
	if err != nil {
		panic(err) // just written: cannot fail
	}
	return doc
}

func (g *generator) dataset(i int) *document.Value {
	uuid := g.uuid()
	g.datasets = append(g.datasets, uuid)
	var columns, metrics []any
	for c := range 8 {
		columns = append(columns, object{"column_name": fmt.Sprintf("c%d", c), "type": "TEXT", "is_dttm": false, "is_active": true, "groupby": true, "filterable": true})
	}
	for m := range 3 {
		metrics = append(metrics, object{"metric_name": fmt.Sprintf("m%d", m), "expression": fmt.Sprintf("SUM(c%d)", m), "d3format": "1e3"})
	}
	return parse(object{
		"table_name": fmt.Sprintf("набір_%d", i), "sql": fmt.Sprintf("-- набір %d\nSELECT *\nFROM sample\nWHERE id > %d", i, g.IntN(100)), "uuid": uuid, "version": "1.0.0",
		"database_uuid": g.database, "columns": columns, "metrics": metrics, "offset": 0, "filter_select_enabled": true,
	})
}

var visualisations = []string{"table", "pie", "echarts_timeseries_line", "big_number_total", "echarts_timeseries_bar"}

func (g *generator) chart(i int) *document.Value {
	uuid, dataset := g.uuid(), g.datasets[g.IntN(len(g.datasets))]
	g.charts = append(g.charts, uuid)
	viz := visualisations[g.IntN(len(visualisations))]
	params := object{
		"viz_type": viz, "datasource": fmt.Sprintf("%d__table", g.ids[dataset]), "row_limit": 100 * g.IntN(50), "groupby": []any{"c1"}, "opacity": g.Float64(),
		"adhoc_filters": []any{object{"clause": "WHERE", "subject": "c2", "operator": "IN", "comparator": []any{"1e3", "on", "0777", "12:30"}, "expressionType": "SIMPLE"}},
		"metrics":       []any{"m0", object{"label": "Σ", "expressionType": "SQL", "sqlExpression": "SUM(c3)"}},
	}
	context := object{"datasource": object{"id": g.ids[dataset], "type": "table"}, "force": false, "form_data": params, "result_type": "full", "queries": []any{object{"columns": []any{"c1"}, "metrics": []any{"m0"}}}}
	return parse(object{"slice_name": fmt.Sprintf("Діаграма %d", i), "viz_type": viz, "params": params, "query_context": text(context), "uuid": uuid, "version": "1.0.0", "dataset_uuid": dataset})
}

// deck is a chart that is made of others.
func (g *generator) deck(i int) *document.Value {
	layers, dataset := []any{}, g.datasets[g.IntN(len(g.datasets))]
	for _, at := range g.Perm(len(g.charts) - i)[:3] { // none of another deck
		layers = append(layers, g.ids[g.charts[at]])
	}
	uuid := g.uuid()
	g.charts, g.decks = append(g.charts, uuid), append(g.decks, uuid)
	params := object{"viz_type": "deck_multi", "datasource": fmt.Sprintf("%d__table", g.ids[dataset]), "deck_slices": layers}
	return parse(object{"slice_name": fmt.Sprintf("Шари %d", i), "viz_type": "deck_multi", "params": params, "uuid": uuid, "version": "1.0.0", "dataset_uuid": dataset})
}

// some picks up to n of the charts' ids.
func (g *generator) some(of []string, n int) []any {
	ids := []any{}
	for _, at := range g.Perm(len(of))[:g.IntN(min(n, len(of))+1)] {
		ids = append(ids, g.ids[of[at]])
	}
	return ids
}

func (g *generator) scope(on []string) object {
	return object{"rootPath": []any{"ROOT_ID"}, "excluded": g.some(on, 3)}
}

// scoped are a scope and the charts that the browser found in it; one in four
// was saved before the last change of the dashboard.
func (g *generator) scoped(on []string, o object) object {
	scope := g.scope(on)
	o["scope"], o["chartsInScope"] = scope, g.some(on, len(on))
	if g.IntN(4) > 0 {
		in := []any{}
		for _, uuid := range on {
			if id := g.ids[uuid]; !slices.Contains(scope["excluded"].([]any), any(id)) {
				in = append(in, id)
			}
		}
		o["chartsInScope"] = in
	}
	return o
}

func (g *generator) dashboard(i, charts int) *document.Value {
	var on []string
	for _, at := range g.Perm(len(g.charts))[:min(charts, len(g.charts))] {
		on = append(on, g.charts[at])
	}
	position := layout(fmt.Sprintf("Панель %d", i))
	rows := []any{}
	for r := 0; r*inRow < len(on); r++ {
		key := fmt.Sprintf("ROW-%d", r+1)
		rows = append(rows, key)
		position[key] = object{"type": "ROW", "id": key, "children": g.row(position, key, on[r*inRow:min(len(on), (r+1)*inRow)]), "parents": []any{"ROOT_ID", "GRID_ID"}, "meta": object{"background": "BACKGROUND_TRANSPARENT"}}
	}
	position["MARKDOWN-1"] = object{"type": "MARKDOWN", "id": "MARKDOWN-1", "children": []any{}, "meta": object{"code": fmt.Sprintf("[діаграма](/explore/?slice_id=%d)", g.ids[on[0]])}}
	position["GRID_ID"].(object)["children"] = append(rows, "MARKDOWN-1")
	return parse(object{"dashboard_title": fmt.Sprintf("Панель %d", i), "slug": fmt.Sprintf("panel-%d", i), "published": g.IntN(2) == 0, "uuid": g.uuid(), "version": "1.0.0", "position": position, "metadata": g.metadata(on)})
}

const inRow = 3 // charts

// row puts charts into a layout and gives their keys.
func (g *generator) row(position object, in string, charts []string) (keys []any) {
	for _, uuid := range charts {
		key := "CHART-" + uuid[:8]
		keys = append(keys, key)
		position[key] = object{"type": "CHART", "id": key, "children": []any{}, "parents": []any{"ROOT_ID", "GRID_ID", in}, "meta": object{"chartId": g.ids[uuid], "uuid": uuid, "width": 4, "height": 50, "sliceName": "x"}}
	}
	return keys
}

// layers are some of the decks on a dashboard, as a filter names them.
func (g *generator) layers(on []string) (layers []any) {
	for i, uuid := range on {
		if slices.Contains(g.decks, uuid) {
			layers = append(layers, fmt.Sprintf("chart-%d-layer-%d", g.ids[uuid], i%3))
		}
	}
	return layers
}

func (g *generator) metadata(on []string) object {
	configuration, expanded := object{}, object{}
	for _, uuid := range on {
		id := g.ids[uuid]
		configuration[strconv.Itoa(id)] = object{"id": id, "crossFilters": g.scoped(on, object{})}
		if g.IntN(4) == 0 {
			expanded[strconv.Itoa(id)] = true
		}
	}
	var filters []any
	for f := range 4 {
		dataset := g.ids[g.datasets[g.IntN(len(g.datasets))]]
		filters = append(filters, g.scoped(on, object{
			"id": fmt.Sprintf("NATIVE_FILTER-%d", f), "name": fmt.Sprintf("Фільтр %d", f), "type": "NATIVE_FILTER", "filterType": "filter_select",
			"targets": []any{object{"datasetId": dataset, "column": object{"name": "c1"}}}, "cascadeParentIds": []any{},
		}))
	}
	if layers := g.layers(on); len(layers) > 0 {
		filters[0].(object)["scope"].(object)["selectedLayers"] = layers
	}
	control := g.scoped(on, object{"id": "CUSTOMIZATION-1", "name": "Групування", "type": "CHART_CUSTOMIZATION", "targets": []any{object{"datasetId": g.ids[g.datasets[0]], "column": object{"name": "c1"}}}})
	return object{
		"color_scheme": "supersetColors", "native_filter_configuration": filters, "chart_customization_config": []any{control}, "chart_configuration": configuration,
		"global_chart_configuration": g.scoped(on, object{}), "expanded_slices": expanded, "timed_refresh_immune_slices": g.some(on, 2),
	}
}
