package assets

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// translator puts something else in the place of every reference of an asset
// to another: nil drops the reference. It is the one list of the places where
// references stand; both directions and all comparisons go by it.
type translator struct {
	chart     func(place string, v *document.Value) *document.Value
	dataset   func(place string, v *document.Value) *document.Value
	dashboard func(place string, v *document.Value) *document.Value
	layer     func(place string, v *document.Value) *document.Value // an annotation layer

	// lists, where it is set, gets every list of charts as a whole instead.
	lists func(place string, all []*document.Value) []*document.Value

	// exact puts before each place what tells it from others of its name, and a
	// zero byte.
	exact bool

	// datasetKey is what a filter's dataset shall stand under; empty: the key
	// keeps its name.
	datasetKey string
}

func (t translator) place(id, name string) string {
	if t.exact {
		return id + "\x00" + name
	}
	return name
}

// translate walks an asset and changes it in place.
func (t translator) translate(kind Kind, doc *document.Value) {
	switch kind {
	case Chart:
		t.chartDoc(doc)
	case Dashboard:
		t.metadata(doc.Get("metadata"))
		t.markdown(doc.Get("position"))
	}
}

func (t translator) metadata(m *document.Value) {
	if !m.IsMap() {
		return
	}
	t.list("metadata.timed_refresh_immune_slices", m, "timed_refresh_immune_slices")
	t.keys("metadata.expanded_slices", m.Get("expanded_slices"))
	for _, list := range []string{"native_filter_configuration", "chart_customization_config"} {
		for _, filter := range m.Get(list).Each() {
			t.filter(t.place(filter.Get("id").Str(), "metadata."+list+" "+filter.Get("name").Str()), filter)
		}
	}
	t.scoped("metadata.global_chart_configuration", m.Get("global_chart_configuration"))
	configuration := m.Get("chart_configuration")
	t.keys("metadata.chart_configuration", configuration)
	if configuration.IsMap() {
		for _, f := range configuration.Fields {
			place := t.place(f.Key, "metadata.chart_configuration")
			t.single(place, f.Value, "id")
			t.scoped(place, f.Value.Get("crossFilters"))
		}
	}
}

func (t translator) filter(place string, filter *document.Value) {
	if !filter.IsMap() {
		return
	}
	for _, target := range filter.Get("targets").Each() {
		t.target(t.place(target.Get("column", "name").Str(), place+" target"), target)
	}
	t.scoped(place, filter)
	t.single(place, filter, "chartId")
	if t.dataset != nil && filter.Get("customization", "dataset") != nil {
		t.replace(place+" dataset", filter.Get("customization"), "dataset", t.dataset)
	}
	scope := filter.Get("scope")
	layers := scope.Get("selectedLayers")
	switch place += " selectedLayers"; {
	case layers == nil || layers.Kind != document.List:
	case t.lists != nil:
		layers.Items = t.lists(place, layers.Items)
	case t.chart != nil:
		layers.Items = t.layersOf(place, layers.Items)
	}
}

// target is a filter's dataset and column.
func (t translator) target(place string, target *document.Value) {
	if !target.IsMap() || t.dataset == nil {
		return
	}
	for _, key := range []string{"datasetUuid", "datasetId"} {
		if v := target.Get(key); !v.Empty() {
			to := t.dataset(place, v)
			if t.datasetKey != "" {
				target.Delete("datasetUuid", "datasetId")
				key = t.datasetKey
			}
			target.Set(key, to)
			return
		}
	}
}

// scoped is anything with a scope and the charts that follow from it.
func (t translator) scoped(place string, v *document.Value) {
	if !v.IsMap() {
		return
	}
	t.list(place+" chartsInScope", v, "chartsInScope")
	if scope := v.Get("scope"); scope.IsMap() {
		t.list(place+" scope.excluded", scope, "excluded")
	}
}

func (t translator) list(place string, in *document.Value, key string) {
	list := in.Get(key)
	if list == nil || list.Kind != document.List {
		return
	}
	if t.lists != nil {
		list.Items = t.lists(place, list.Items)
		return
	}
	if t.chart == nil {
		return
	}
	var kept []*document.Value
	for _, v := range list.Items {
		if to := t.chart(place, v); to != nil {
			kept = append(kept, to)
		}
	}
	list.Items = kept
}

// keys translates the keys of a map, which are ids as text.
func (t translator) keys(place string, m *document.Value) {
	if !m.IsMap() || t.chart == nil || t.lists != nil { // as a whole they are no list
		return
	}
	var kept []document.Field
	for _, f := range m.Fields {
		if to := t.chart(place, document.Text(f.Key)); to != nil {
			kept = append(kept, document.Field{Key: to.Text, Value: f.Value})
		}
	}
	m.Fields = kept
}

func (t translator) single(place string, in *document.Value, key string) {
	if t.chart != nil && in.Get(key) != nil && !in.Get(key).Empty() {
		t.replace(place+" "+key, in, key, t.chart)
	}
}

func (t translator) replace(place string, in *document.Value, key string, by func(string, *document.Value) *document.Value) {
	in.Set(key, by(place, in.Get(key)))
}

// layerOf is a deck.gl layer in a filter's scope: chart-<id>-layer-<n>.
var layerOf = regexp.MustCompile(`^chart-(.+)-layer-(\d+)$`)

func (t translator) layersOf(place string, layers []*document.Value) (kept []*document.Value) {
	for _, v := range layers {
		found := layerOf.FindStringSubmatch(v.Str())
		if found == nil {
			kept = append(kept, v)
			continue
		}
		if to := t.chart(place, document.Text(found[1])); to != nil {
			kept = append(kept, document.Text("chart-"+to.Text+"-layer-"+found[2]))
		}
	}
	return kept
}

func (t translator) chartDoc(doc *document.Value) {
	context := doc.Get("query_context")
	t.formData("params", doc.Get("params"))
	t.formData("query_context.form_data", context.Get("form_data"))
	for _, query := range context.Get("queries").Each() {
		t.annotations("query_context.queries", query)
	}
}

// formData is what the explore page works with: params, and a copy of it in
// the query context.
func (t translator) formData(place string, params *document.Value) {
	if !params.IsMap() {
		return
	}
	t.list(place+".deck_slices", params, "deck_slices")
	t.annotations(place, params)
}

func (t translator) annotations(place string, in *document.Value) {
	for _, layer := range in.Get("annotation_layers").Each() {
		if !layer.IsMap() || layer.Get("annotationType").Str() == "FORMULA" || layer.Get("value").Empty() {
			continue
		}
		by := t.chart
		if source := layer.Get("sourceType").Str(); source == "NATIVE" {
			by = t.layer
		}
		if by != nil {
			t.replace(place+".annotation_layers "+layer.Get("name").Str(), layer, "value", by)
		}
	}
}

// Links in Markdown that lead to a page of the same server by an id: relative
// ones only, for an absolute one names its server.
var (
	dashboardLink = regexp.MustCompile(`(^|[\s("'=<])(/superset/dashboard/)([0-9]+|` + uuidText + `)([/?#)"'\s>]|$)`)
	exploreLink   = regexp.MustCompile(`(^|[\s("'=<])(/explore/\?(?:[^\s)"'>]*&)?slice_id=|/superset/explore/\?(?:[^\s)"'>]*&)?slice_id=|/superset/slice/)([0-9]+|` + uuidText + `)([/&#)"'\s>]|$)`)
)

const linkInMarkdown = "a link in Markdown"

const uuidText = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

func (t translator) markdown(position *document.Value) {
	if !position.IsMap() {
		return
	}
	for _, f := range position.Fields {
		meta := f.Value.Get("meta")
		if code := meta.Get("code"); code != nil && code.Kind == document.String {
			place := linkInMarkdown
			if t.exact { // links of one text are the same but for their ids
				place = t.place(f.Key+exploreLink.ReplaceAllString(dashboardLink.ReplaceAllString(code.Text, "$1$2$4"), "$1$2$4"), place)
			}
			text := links(code.Text, dashboardLink, place, t.dashboard)
			text = links(text, exploreLink, place, t.chart)
			if text != code.Text {
				meta.Set("code", document.Text(text))
			}
		}
	}
}

// links translates the ids of links; one that leads nowhere stays as it is.
func links(text string, link *regexp.Regexp, place string, by func(string, *document.Value) *document.Value) string {
	if by == nil || !strings.Contains(text, "/superset/") && !strings.Contains(text, "/explore/") {
		return text
	}
	return link.ReplaceAllStringFunc(text, func(found string) string {
		part := link.FindStringSubmatch(found)
		if to := by(place, document.Text(part[3])); to != nil {
			return part[1] + part[2] + to.Text + part[4]
		}
		return found
	})
}

func number(id int) *document.Value {
	return &document.Value{Kind: document.Int, Text: strconv.Itoa(id)}
}
