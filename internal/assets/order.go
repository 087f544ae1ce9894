package assets

import (
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// first are the fields that a person looks for, at the top of a file.
var first = []string{
	"uuid", "database_name", "dashboard_title", "slice_name", "table_name", "column_name", "metric_name", "slug", "published", "viz_type", "verbose_name", "type",
	"database", "catalog", "schema", "dataset_uuid", "description", "certified_by", "certification_details", "tags", "sql", "expression",
}

// last are long.
var last = []string{"metrics", "columns", "params", "query_context", "metadata", "position", "css", "unresolved"}

// ordered sorts the keys of all maps: what people look for first, the rest by
// name. Exports have them in the order of their history.
func ordered(v *document.Value) *document.Value {
	if v == nil {
		return nil
	}
	sorted := &document.Value{Kind: v.Kind, Text: v.Text}
	for _, item := range v.Items {
		sorted.Items = append(sorted.Items, sortedAll(item, true))
	}
	for _, f := range v.Fields {
		sorted.Fields = append(sorted.Fields, document.Field{Key: f.Key, Value: sortedAll(f.Value, f.Key == "columns" || f.Key == "metrics")})
	}
	sortFields(sorted, true)
	return sorted
}

// sortedAll sorts below; known: the maps are columns or metrics of a dataset.
func sortedAll(v *document.Value, known bool) *document.Value {
	for i, item := range v.Items {
		v.Items[i] = sortedAll(item, known)
	}
	for i, f := range v.Fields {
		v.Fields[i].Value = sortedAll(f.Value, false)
	}
	sortFields(v, known)
	return v
}

func sortFields(v *document.Value, known bool) {
	slices.SortStableFunc(v.Fields, func(a, b document.Field) int {
		if x, y := rank(a.Key, known), rank(b.Key, known); x != y {
			return x - y
		}
		return strings.Compare(a.Key, b.Key)
	})
}

func rank(key string, known bool) int {
	if !known {
		return 0
	}
	if at := slices.Index(first, key); at >= 0 {
		return at - len(first)
	}
	return slices.Index(last, key) + 1
}

// withoutNulls leaves out the fields of an asset, and of its columns and
// metrics, that have no value: absent and null say the same, and newer servers
// have more of them.
func withoutNulls(doc *document.Value) *document.Value {
	dropNulls(doc)
	for _, list := range []string{"columns", "metrics"} {
		for _, item := range doc.Get(list).Each() {
			dropNulls(item)
		}
	}
	return doc
}

func dropNulls(m *document.Value) {
	if !m.IsMap() {
		return
	}
	m.Fields = slices.DeleteFunc(m.Fields, func(f document.Field) bool { return f.Value.Kind == document.Null })
}
