package assets

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Local is an asset in the ids of one server, ready to be imported there.
type Local struct {
	Key   Key
	Doc   *document.Value
	Lost  []string // references that this server has nothing for, in words
	Notes []string // what else it does not take

	// Layers says that its annotation layers need a PUT after the import,
	// which drops all but formulas.
	Layers bool
}

// fields are what an import takes; what is absent would keep its old value,
// so it is sent as null.
var fields = map[Kind][]string{
	Dataset:   {"main_dttm_col", "description", "default_endpoint", "cache_timeout", "catalog", "schema", "sql", "params", "template_params", "fetch_values_predicate", "extra"},
	Chart:     {"description", "certified_by", "certification_details", "query_context", "cache_timeout"},
	Dashboard: {"description", "css", "slug", "certified_by", "certification_details"},
}

var (
	columnFields = []string{"verbose_name", "type", "advanced_data_type", "expression", "description", "python_date_format", "extra"}
	metricFields = []string{"verbose_name", "metric_type", "description", "d3format", "currency", "extra", "warning_text"}
)

// Localise brings a canonical asset into a server's ids. The asset is not
// changed.
func (s *Space) Localise(a *Asset, version Version) Local {
	return localiser{Local: &Local{Key: a.Key(), Doc: a.Doc.Copy()}, to: s, kind: a.Kind}.localise(a, version)
}

// LocaliseForImporter is Localise, but a dashboard's metadata refers to charts
// as the bundle's own layout does, like an export's: how much of it an importer
// brings into the server's ids depends on its version.
func (s *Space) LocaliseForImporter(a *Asset, version Version) Local {
	return localiser{Local: &Local{Key: a.Key(), Doc: a.Doc.Copy()}, to: s, kind: a.Kind, importer: true}.localise(a, version)
}

func (l localiser) localise(a *Asset, version Version) Local {
	l.Doc.Delete("unresolved", "owners", "roles") // no import takes them
	l.Doc.Set("uuid", document.Text(a.UUID))
	if version.Before(TagsInBundles) {
		l.Doc.Delete("tags")
	}
	switch a.Kind {
	case Dataset:
		l.dataset(version)
	case Chart:
		l.chart()
	case Dashboard:
		l.dashboard()
	}
	for _, field := range fields[a.Kind] {
		setAbsent(l.Doc, field)
	}
	l.Doc.Set("version", document.Text("1.0.0"))
	return *l.Local
}

type localiser struct {
	*Local
	to       *Space
	kind     Kind
	importer bool // metadata is left to it
}

func (l localiser) lost(format string, args ...any) {
	l.Lost = append(l.Lost, fmt.Sprintf(format, args...))
}

func setAbsent(m *document.Value, field string) {
	if m.Get(field) == nil {
		m.Set(field, document.Nothing())
	}
}

func (l localiser) dataset(version Version) {
	logical := l.Doc.Get("database").Str()
	uuid, ok := l.to.DatabaseUUID(logical)
	if !ok {
		l.lost("database %q", logical)
	}
	l.Doc.Delete("database")
	l.Doc.Set("database_uuid", document.Text(uuid))
	if !version.Before(Version{6, 1}) {
		setAbsent(l.Doc, "currency_code_column")
	}
	for _, column := range l.Doc.Get("columns").Each() {
		for _, field := range columnFields {
			setAbsent(column, field)
		}
		if !version.Before(Version{6, 1}) {
			setAbsent(column, "datetime_format")
		}
	}
	for _, metric := range l.Doc.Get("metrics").Each() {
		for _, field := range metricFields {
			setAbsent(metric, field)
		}
	}
}

func (l localiser) chart() {
	l.toIDs().translate(l.kind, l.Doc)
	params, context := l.Doc.Get("params"), l.Doc.Get("query_context")
	id, ok := l.to.ID(Dataset, l.Doc.Get("dataset_uuid").Str())
	if !ok {
		l.lost("dataset %s", l.Doc.Get("dataset_uuid").Str())
	}
	source := fmt.Sprintf("%d__table", id)
	params.Set("datasource", document.Text(source))
	l.Layers = slices.ContainsFunc(params.Get("annotation_layers").Each(), func(layer *document.Value) bool {
		return layer.Get("annotationType").Str() != "FORMULA"
	})
	if !context.IsMap() {
		return
	}
	context.Set("datasource", document.NewMap(document.Field{Key: "id", Value: number(id)}, document.Field{Key: "type", Value: document.Text("table")}))
	if form := context.Get("form_data"); form.IsMap() {
		form.Set("datasource", document.Text(source))
	}
	l.Doc.Set("query_context", document.Text(context.JSON()))
}

func (l localiser) dashboard() {
	for _, node := range chartNodes(l.Doc) {
		meta := node.Get("meta")
		uuid := meta.Get("uuid").Str()
		if uuid == "" {
			continue
		}
		id, ok := l.to.ID(Chart, uuid)
		if !ok { // an importer stops linking at the first such place
			l.lost("chart %s %q", uuid, meta.Get("sliceName").Str())
			meta.Delete("uuid")
			continue
		}
		if l.importer {
			id = bundleID(uuid)
		}
		meta.Set("chartId", number(id))
	}
	metadata := l.toIDs()
	if l.importer {
		metadata.chart = l.inBundle
	}
	metadata.metadata(l.Doc.Get("metadata"))
	l.toIDs().markdown(l.Doc.Get("position"))
}

// inBundle refers to a chart of the layout as the bundle has it.
func (l localiser) inBundle(_ string, v *document.Value) *document.Value {
	if _, there := l.to.ID(Chart, v.Str()); !there {
		return nil
	}
	return number(bundleID(v.Str()))
}

// bundleID stands for a chart inside of a bundle. It is no id of any server, so
// what an importer forgets leads nowhere instead of to another chart.
func bundleID(uuid string) int {
	sum := sha256.Sum256([]byte(uuid))
	return 1<<30 | int(binary.BigEndian.Uint32(sum[:4])>>2)
}

// toIDs puts the server's ids in the place of UUIDs.
func (l localiser) toIDs() translator {
	find := func(kind Kind) func(string, *document.Value) *document.Value {
		return func(place string, v *document.Value) *document.Value {
			id, ok := l.to.ID(kind, v.Str())
			if !ok {
				l.lost("%s: %s %s", place, kind, v.Str())
				return nil
			}
			return number(id)
		}
	}
	layer := func(place string, v *document.Value) *document.Value {
		id, ok := l.to.layerNames[v.Str()]
		if !ok {
			l.Notes = append(l.Notes, fmt.Sprintf("%s: annotation layer %q", place, v.Text))
			return v
		}
		return number(id)
	}
	return translator{chart: find(Chart), dataset: find(Dataset), dashboard: find(Dashboard), layer: layer, datasetKey: "datasetId"}
}
