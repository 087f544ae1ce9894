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

	// Refers are the assets that the server names in it by UUID, where it keeps
	// an id: what it writes there changes with them.
	Refers []Key
}

// ReadRaw reads the text that a server exported of an asset.
func ReadRaw(kind Kind, text []byte) (Raw, error) {
	doc, err := document.ParseYAML(text)
	if err != nil {
		return Raw{}, err
	}
	raw := Raw{Kind: kind, UUID: strings.ToLower(doc.Get("uuid").Str()), Doc: doc, Text: text}
	refers := func(kind Kind, uuid string) {
		if uuid != "" {
			raw.Refers = append(raw.Refers, Key{kind, strings.ToLower(uuid)})
		}
	}
	refers(Dataset, doc.Get("dataset_uuid").Str())
	for _, node := range chartNodes(doc) {
		refers(Chart, node.Get("meta", "uuid").Str())
	}
	for _, list := range []string{"native_filter_configuration", "chart_customization_config"} {
		for _, filter := range doc.Get("metadata", list).Each() {
			for _, target := range filter.Get("targets").Each() {
				refers(Dataset, target.Get("datasetUuid").Str())
			}
		}
	}
	return raw, nil
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
	a.Doc = ordered(withoutNulls(a.Doc))
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
	c.Doc.Delete("database_uuid", "version", "is_managed_externally", "external_url", "source_db_engine", "folders") // folders name columns by UUIDs that each server gives anew
	c.Doc.Delete(fetched...)
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
			if kind == Chart && c.Kind == Dashboard && place != linkInMarkdown && !slices.Contains(on, uuid) {
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
				return document.Text("? " + v.Text) // elsewhere the number is another's
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

// IsUUID says that a text is a UUID and nothing else.
func IsUUID(text string) bool { return uuidOnly.MatchString(strings.ToLower(text)) }

var uuidOnly = regexp.MustCompile(`^` + uuidText + `$`)

// tags sorts what people gave; none is the same as no key.
func (c canonicaliser) tags() {
	tags := c.Doc.Get("tags")
	sortTexts(tags)
	if tags.Empty() {
		c.Doc.Delete("tags")
	}
}
