package assets

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Raw is one asset as a server exports it, in the server's ids.
type Raw struct {
	Kind Kind
	ID   int // 0 where it is not known
	UUID string
	Doc  *document.Value
	Text []byte // what Doc was read from
}

// Canonical brings an exported asset into the canonical form: what an import
// would leave of it on any server, without ids, times and defaults, its keys
// sorted. The raw document is not changed.
func Canonical(raw Raw, from *Space) *Asset {
	a := &Asset{Kind: raw.Kind, UUID: strings.ToLower(raw.UUID), Doc: raw.Doc.Copy()}
	c := canonicaliser{a, from}
	switch raw.Kind {
	case Database:
		c.database()
	case Dataset:
		c.dataset()
	case Chart:
		c.chart()
	case Dashboard:
		c.dashboard()
	}
	c.tags()
	a.Doc = ordered(withoutNulls(a.Doc), raw.Kind)
	slices.Sort(a.Unresolved)
	a.Unresolved = slices.Compact(a.Unresolved)
	return a
}

type canonicaliser struct {
	*Asset
	from *Space
}

func (c canonicaliser) unresolved(format string, args ...any) {
	c.Unresolved = append(c.Unresolved, fmt.Sprintf(format, args...))
}

// database keeps the logical name alone: all else belongs to the environment.
func (c canonicaliser) database() {
	logical := c.from.LogicalName(c.UUID)
	if logical == c.UUID {
		logical = c.Doc.Get("database_name").Str()
	}
	c.UUID = logical
	c.Doc = document.NewMap(document.Field{Key: "database_name", Value: document.Text(logical)})
}

func (c canonicaliser) dataset() {
	c.Doc.Set("database", document.Text(c.from.LogicalName(c.Doc.Get("database_uuid").Str())))
	c.Doc.Delete("database_uuid", "version", "is_managed_externally", "external_url", "source_db_engine", "data")
	for _, key := range []string{"extra", "template_params"} {
		if text := c.Doc.Get(key); text != nil && text.Kind == document.String {
			c.Doc.Set(key, parsed(text.Text)) // old exports have them as text
		}
		if c.Doc.Get(key).Empty() {
			c.Doc.Delete(key)
		}
	}
	for list, name := range map[string]string{"columns": "column_name", "metrics": "metric_name"} {
		c.items(c.Doc.Get(list), name)
	}
}

// items sorts columns or metrics by name: exports have them in any order.
func (c canonicaliser) items(list *document.Value, name string) {
	for _, item := range list.Each() {
		item.Delete("uuid", "id")
		if extra := item.Get("extra"); extra != nil && extra.Kind == document.String {
			item.Set("extra", parsed(extra.Text))
		}
		if item.Get("extra").Empty() {
			item.Delete("extra")
		}
	}
	slices.SortStableFunc(list.Each(), func(a, b *document.Value) int {
		return strings.Compare(a.Get(name).Str(), b.Get(name).Str())
	})
}

// parsed is the value of a JSON text, nothing where it is none.
func parsed(text string) *document.Value {
	v, err := document.ParseJSON(text)
	if err != nil {
		return document.Nothing()
	}
	return v
}

func (c canonicaliser) chart() {
	c.Doc.Delete("version", "is_managed_externally", "external_url", "datasource_type", "datasource_name", "url_params")
	if !c.Doc.Get("params").IsMap() {
		c.Doc.Set("params", document.NewMap())
	}
	c.context()
	migrate(c.Doc)
	c.environment(c.Doc.Get("params"))
	c.environment(c.Doc.Get("query_context", "form_data"))
	c.toUUIDs(nil)
	dropEmpty(c.Doc.Get("params"), "annotation_layers")
	dropEmpty(c.Doc.Get("query_context", "form_data"), "annotation_layers")
	if c.Doc.Get("dataset_uuid").Empty() {
		c.unresolved("its dataset is gone")
	}
}

// context opens the query context, which exports have as a JSON text. One that
// is no JSON is of no use to any server.
func (c canonicaliser) context() {
	context := c.Doc.Get("query_context")
	if context != nil && context.Kind == document.String {
		opened := parsed(context.Text)
		if !opened.IsMap() {
			c.unresolved("its query_context is no JSON object")
			opened = nil
		}
		context = opened
	}
	c.Doc.Set("query_context", nil)
	if !context.IsMap() {
		return
	}
	c.Doc.Set("query_context", context)
	context.Delete("datasource")
	for _, query := range context.Get("queries").Each() {
		query.Delete("datasource")
		query.Get("url_params").Delete("slice_id", "dashboard_id", "datasource_id")
		columnIDs(query)
	}
}

// environment takes out of the form data what names rows of one server and is
// made anew wherever it is needed.
func (c canonicaliser) environment(params *document.Value) {
	params.Delete("datasource", "slice_id", "dashboards", "dashboardId", "form_data_bak", "queries_bak")
	params.Get("url_params").Delete("slice_id", "dashboard_id", "datasource_id")
	columnIDs(params)
}

// columnIDs takes the ids of columns and metrics out: they are found by name.
func columnIDs(v *document.Value) {
	if v == nil {
		return
	}
	for _, item := range v.Items {
		columnIDs(item)
	}
	if v.Get("column_name") != nil || v.Get("metric_name") != nil {
		v.Delete("id")
	}
	for _, f := range v.Fields {
		columnIDs(f.Value)
	}
}

func dropEmpty(in *document.Value, keys ...string) {
	for _, key := range keys {
		if in.Get(key) != nil && in.Get(key).Empty() {
			in.Delete(key)
		}
	}
}

func (c canonicaliser) dashboard() {
	c.Doc.Delete("version", "is_managed_externally", "external_url", "theme_uuid", "theme_id")
	for _, key := range []string{"metadata", "position"} {
		if !c.Doc.Get(key).IsMap() {
			c.Doc.Set(key, document.NewMap())
		}
	}
	if c.Doc.Get("slug").Empty() {
		c.Doc.Delete("slug")
	}
	metadata := c.Doc.Get("metadata")
	metadata.Delete("filter_scopes", "default_filters", "show_native_filters", "remote_id", "import_time", "positions")
	old := c.layout()
	c.outside()
	c.toUUIDs(old)
	dropEmpty(metadata, defaults...)
}

// defaults are keys of a dashboard's metadata that importers or a save add
// without a value.
var defaults = []string{
	"native_filter_configuration", "chart_customization_config", "chart_configuration", "expanded_slices", "timed_refresh_immune_slices",
	"color_scheme_domain", "label_colors", "map_label_colors", "shared_label_colors",
}

// layout puts UUIDs in the place of the charts' ids and gives the ids that the
// layout itself names, which hold for a bundle of any origin.
func (c canonicaliser) layout() map[int]string {
	old := map[int]string{}
	for _, node := range chartNodes(c.Doc) {
		meta := node.Get("meta")
		id, known := meta.Get("chartId").Int()
		uuid := strings.ToLower(meta.Get("uuid").Str())
		if uuid == "" && known {
			uuid, _ = c.from.UUID(Chart, id)
		}
		meta.Delete("chartId", "uuid")
		if uuid == "" {
			c.unresolved("position: chart %d %q", id, meta.Get("sliceName").Str())
			continue
		}
		meta.Set("uuid", document.Text(uuid))
		if known {
			old[id] = uuid
		}
	}
	return old
}

var (
	outsideRow   = regexp.MustCompile(`^ROW-N-`)
	outsideChart = regexp.MustCompile(`^CHART-[A-Z0-9]{8}$`)
)

// outside gives charts that are on the dashboard but not in its layout stable
// keys: every export puts them into a row of its own, with random ones.
func (c canonicaliser) outside() {
	position := c.Doc.Get("position")
	c.twice(position)
	renamed := map[string]string{}
	for _, f := range position.Fields {
		if outsideRow.MatchString(f.Key) && f.Value.Get("type").Str() == "ROW" {
			renamed[f.Key] = "ROW-N-" + short(c.UUID)
			for _, child := range f.Value.Get("children").Each() {
				c.rename(renamed, position, child.Str())
			}
		} else if f.Value.Get("parents") == nil && outsideChart.MatchString(f.Key) {
			c.rename(renamed, position, f.Key)
		}
	}
	if len(renamed) > 0 {
		c.Doc.Set("position", renameKeys(position, renamed))
	}
}

// twice takes out what an export adds although the layout has it: a layout
// that was made by REST names its charts by ids alone, which an export does
// not see.
func (c canonicaliser) twice(position *document.Value) {
	inside := map[string]bool{}
	for _, f := range position.Fields {
		if !outsideChart.MatchString(f.Key) {
			inside[f.Value.Get("meta", "uuid").Str()] = true
		}
	}
	gone := map[string]bool{}
	for _, f := range position.Fields {
		if outsideChart.MatchString(f.Key) && inside[f.Value.Get("meta", "uuid").Str()] {
			gone[f.Key] = true
		}
	}
	for _, f := range position.Fields {
		if outsideRow.MatchString(f.Key) && removeTexts(f.Value.Get("children"), gone) {
			gone[f.Key] = true
		}
	}
	position.Fields = slices.DeleteFunc(position.Fields, func(f document.Field) bool { return gone[f.Key] })
	removeTexts(position.Get("GRID_ID", "children"), gone)
}

// removeTexts says that something was removed and nothing is left.
func removeTexts(list *document.Value, gone map[string]bool) (emptied bool) {
	before := len(list.Each())
	if before == 0 {
		return false
	}
	list.Items = slices.DeleteFunc(list.Items, func(v *document.Value) bool { return gone[v.Str()] })
	return len(list.Items) == 0
}

func (c canonicaliser) rename(renamed map[string]string, position *document.Value, key string) {
	if uuid := position.Get(key, "meta", "uuid").Str(); uuid != "" {
		renamed[key] = "CHART-" + uuid
	}
}

func short(uuid string) string { return uuid[:min(8, len(uuid))] }

// renameKeys renames nodes of a layout wherever they are named; two rows of
// charts outside become one.
func renameKeys(position *document.Value, renamed map[string]string) *document.Value {
	to := func(key string) string {
		if name, ok := renamed[key]; ok {
			return name
		}
		return key
	}
	result := document.NewMap()
	for _, f := range position.Fields {
		key, node := to(f.Key), f.Value
		if node.IsMap() {
			for _, list := range []string{"children", "parents"} {
				for i, child := range node.Get(list).Each() {
					node.Get(list).Items[i] = document.Text(to(child.Str()))
				}
			}
			if node.Get("id") != nil {
				node.Set("id", document.Text(key))
			}
			if outsideRow.MatchString(key) {
				sortTexts(node.Get("children"))
			}
		}
		if before := result.Get(key); before != nil && outsideRow.MatchString(key) {
			before.Get("children").Items = append(before.Get("children").Items, node.Get("children").Each()...)
			sortTexts(before.Get("children"))
			continue
		}
		result.Set(key, node)
	}
	grid := result.Get("GRID_ID", "children")
	if grid != nil {
		grid.Items = slices.CompactFunc(grid.Items, document.Equal)
	}
	return result
}

func sortTexts(list *document.Value) {
	slices.SortFunc(list.Each(), func(a, b *document.Value) int { return strings.Compare(a.Text, b.Text) })
}

// toUUIDs translates all references; old are the ids of a dashboard's own
// charts. What is not on the dashboard has no effect there, and importers drop
// it: it is left out; what does not exist at all is noted.
func (c canonicaliser) toUUIDs(old map[int]string) {
	find := func(kind Kind, place string, v *document.Value) (string, bool) {
		if uuidOnly.MatchString(v.Str()) {
			return v.Str(), true
		}
		id, ok := v.Int()
		if !ok {
			return "", false
		}
		if uuid, ok := old[id]; ok && kind == Chart {
			return uuid, true
		}
		uuid, found := c.from.UUID(kind, id)
		if !found {
			c.unresolved("%s: %s %d", place, kind, id)
		}
		return uuid, found
	}
	on := chartsOf(c.Doc)
	link := func(kind Kind) func(string, *document.Value) *document.Value {
		return func(place string, v *document.Value) *document.Value {
			uuid, ok := find(kind, place, v)
			if !ok {
				return nil
			}
			if kind == Chart && c.Kind == Dashboard && place != "a link in Markdown" && !slices.Contains(on, uuid) {
				c.Elsewhere = append(c.Elsewhere, fmt.Sprintf("%s: chart %s is not on the dashboard", place, uuid))
				return nil
			}
			return document.Text(uuid)
		}
	}
	layer := func(place string, v *document.Value) *document.Value {
		if id, ok := v.Int(); ok {
			name, known := c.from.layers[id]
			if !known {
				c.unresolved("%s: annotation layer %d", place, id)
				return v
			}
			return document.Text(name)
		}
		if _, here := c.from.layerNames[v.Str()]; here { // it came when there was none of this name
			return document.Text("? " + v.Str())
		}
		return v
	}
	translator{chart: link(Chart), dataset: link(Dataset), dashboard: link(Dashboard), layer: layer, datasetKey: "datasetUuid"}.translate(c.Kind, c.Doc)
}

var uuidOnly = regexp.MustCompile(`^` + uuidText + `$`)

// tags sorts what people gave; none is the same as no key.
func (c canonicaliser) tags() {
	tags := c.Doc.Get("tags")
	sortTexts(tags)
	if tags.Empty() {
		c.Doc.Delete("tags")
	}
}
