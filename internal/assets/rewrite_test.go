package assets_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

type object = map[string]any

// world is the same assets in two spaces, where an id of one means another
// asset in the other.
type world struct {
	*rand.Rand
	a, b     *assets.Space
	charts   []int // ids in a
	datasets []int
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 3)), a: assets.NewSpace(), b: assets.NewSpace()}
	w.charts = w.assets(assets.Chart, 20)
	w.datasets = w.assets(assets.Dataset, 6)
	w.assets(assets.Dashboard, 3)
	return w
}

func (w *world) assets(kind assets.Kind, n int) (ids []int) {
	there := w.Perm(n)
	for i := range n {
		uuid := fmt.Sprintf("%08x-0000-4000-8000-%012x", len(kind), i)
		w.a.Add(kind, i+1, uuid)
		w.b.Add(kind, there[i]+1, uuid)
		ids = append(ids, i+1)
	}
	return ids
}

func (w *world) some(of []int) []any {
	list := []any{}
	for _, i := range w.Perm(len(of))[:w.IntN(len(of)+1)] {
		list = append(list, of[i])
	}
	return list
}

func (w *world) scope(on []int) object {
	return object{"rootPath": []any{"ROOT_ID"}, "excluded": w.some(on)}
}

// dashboard has a reference in every place that holds one.
func (w *world) dashboard() object {
	on := slices.Clone(w.charts[:8])
	position := object{"DASHBOARD_VERSION_KEY": "v2", "ROOT_ID": object{"type": "ROOT", "id": "ROOT_ID", "children": []any{"GRID_ID"}}}
	own, expanded := object{}, object{}
	for _, id := range on {
		uuid, _ := w.a.UUID(assets.Chart, id)
		key := fmt.Sprintf("CHART-x%d", id)
		position[key] = object{"type": "CHART", "id": key, "parents": []any{"ROOT_ID"}, "meta": object{"chartId": id, "uuid": uuid, "width": 4}}
		own[strconv.Itoa(id)] = object{"id": id, "crossFilters": object{"scope": w.scope(on), "chartsInScope": w.some(on)}}
		expanded[strconv.Itoa(id)] = w.IntN(2) == 0
	}
	position["MARKDOWN-1"] = object{"type": "MARKDOWN", "id": "MARKDOWN-1", "meta": object{
		"code": fmt.Sprintf("[a](/superset/dashboard/%d/) [b](/explore/?slice_id=%d) [c](https://x/superset/dashboard/1/) 12", 1+w.IntN(3), w.charts[w.IntN(20)]),
	}}
	filter := func(id string) object {
		return object{
			"id": id, "name": "Фільтр", "targets": []any{object{"datasetId": w.datasets[w.IntN(6)], "column": object{"name": "c1"}}, object{}},
			"scope": w.scope(on), "chartsInScope": w.some(on), "cascadeParentIds": []any{"NATIVE_FILTER-1"},
		}
	}
	layers := filter("NATIVE_FILTER-2")
	layers["scope"].(object)["selectedLayers"] = []any{fmt.Sprintf("chart-%d-layer-0", on[w.IntN(8)]), "other"}
	return object{"dashboard_title": "d", "position": position, "metadata": object{
		"native_filter_configuration": []any{filter("NATIVE_FILTER-1"), layers}, "chart_customization_config": []any{filter("CUSTOMIZATION-1")},
		"chart_configuration": own, "expanded_slices": expanded, "timed_refresh_immune_slices": w.some(on),
		"global_chart_configuration": object{"scope": w.scope(on), "chartsInScope": w.some(on)}, "refresh_frequency": 12,
	}}
}

// TestRewriting: a dashboard that is brought into another server's ids refers
// to the same assets there, in every place; and is the same in the canonical
// form, which is the same once more.
func TestRewriting(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		w := newWorld(seed)
		raw := w.dashboard()
		before := value(t, raw)
		canonical := assets.Canonical(assets.Raw{Kind: assets.Dashboard, UUID: some, Doc: before}, w.a)
		if len(canonical.Unresolved)+len(canonical.Elsewhere) > 0 {
			t.Fatalf("seed %d: %v %v", seed, canonical.Unresolved, canonical.Elsewhere)
		}
		local := w.b.Localise(canonical, assets.Version{Major: 6, Minor: 1})
		if len(local.Lost) > 0 {
			t.Fatalf("seed %d: lost %v", seed, local.Lost)
		}
		if diff := cmp.Diff(meant(w.a, decoded(t, before)), meant(w.b, decoded(t, local.Doc))); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		for space, doc := range map[*assets.Space]*document.Value{w.b: local.Doc, w.a: canonical.Doc} {
			again := assets.Canonical(assets.Raw{Kind: assets.Dashboard, UUID: some, Doc: doc}, space)
			again.Doc.Delete("uuid") // which an export has
			if !document.Equal(again.Doc, canonical.Doc) {
				t.Fatalf("seed %d: %s", seed, cmp.Diff(string(canonical.Doc.YAML()), string(again.Doc.YAML())))
			}
		}
		if after := value(t, raw); !document.Equal(before, after) {
			t.Fatalf("seed %d: what was read has been changed", seed)
		}
	}
}

func value(t *testing.T, o object) *document.Value {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	v, err := document.ParseJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func decoded(t *testing.T, v *document.Value) (o object) {
	t.Helper()
	if err := json.Unmarshal([]byte(v.JSON()), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// meant lists what the ids of a dashboard mean, by place. It does not share
// the list of places with what it tests.
func meant(space *assets.Space, dashboard object) map[string][]string {
	found := map[string][]string{}
	for _, part := range []string{"metadata", "position"} {
		walk(space, dashboard[part], part, "", found)
	}
	return found
}

func walk(space *assets.Space, v any, place, key string, found map[string][]string) {
	switch t := v.(type) {
	case object:
		for _, k := range slices.Sorted(maps.Keys(t)) {
			name := k
			if key == "chart_configuration" || key == "expanded_slices" {
				id, _ := strconv.Atoi(k)
				name, _ = space.UUID(assets.Chart, id)
				found[place] = append(found[place], name)
			}
			walk(space, t[k], place+"."+name, k, found)
		}
		slices.Sort(found[place])
	case []any:
		for i, item := range t {
			walk(space, item, fmt.Sprintf("%s[%d]", place, i), key, found)
		}
	case float64:
		kind := assets.Chart
		switch {
		case key == "datasetId":
			kind = assets.Dataset
		case !slices.Contains([]string{"chartId", "id", "excluded", "chartsInScope", "timed_refresh_immune_slices"}, key):
			return
		}
		uuid, _ := space.UUID(kind, int(t))
		found[place] = append(found[place], uuid)
	}
}

// FuzzForeignAssets: whatever stands in an export, it is taken, brought to
// another server, compared and planned without a panic, and twice the same.
func FuzzForeignAssets(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `{"params": [], "query_context": "{\"queries\": [1], \"form_data\": []}"}`, `{"params": {"annotation_layers": [1, {"annotationType": "EVENT", "value": {}}]}}`,
		`{"metadata": [], "position": {"CHART-ABCDEFGH": 1, "ROW-N-1": {"type": "ROW", "children": {}}}}`, `{"position": {"x": {"type": "CHART", "meta": {"chartId": "1", "uuid": 2}}}}`,
		`{"metadata": {"native_filter_configuration": [1, {"targets": [1, {"datasetId": {}}], "scope": {"excluded": 1, "selectedLayers": [1, "chart-1-layer-0"]}, "customization": 1}]}}`,
		`{"metadata": {"chart_configuration": {"1": {"id": 1, "crossFilters": {"scope": "global"}}, "x": 1}, "expanded_slices": [], "global_chart_configuration": 1}}`,
		`{"columns": [1, {"column_name": 1, "extra": "{"}], "metrics": {}, "extra": "x", "table_name": 1}`, `{"viz_type": "dist_bar", "params": {"groupby": 1, "metrics": {}}}`, `{"viz_type": "pivot_table", "params": {"granularity_sqla": {}}}`,
	} {
		f.Add(text)
	}
	named := `{"uuid": "` + some + `", "slice_name": "x", "table_name": "x", "dashboard_title": "x", `
	f.Add(named + `"params": null}`)
	f.Add(named + `"position": {}, "metadata": {"native_filter_configuration": {}}, "columns": [1], "metrics": [{"extra": 1}], "query_context": [], "params": {"deck_slices": {}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := document.ParseJSON(text)
		if err != nil || !doc.IsMap() {
			return // an export's file has at least its UUID
		}
		w := newWorld(1)
		for _, kind := range assets.Kinds {
			read := func(doc *document.Value, from *assets.Space) *assets.Asset {
				return assets.Canonical(assets.Raw{Kind: kind, UUID: some, Doc: doc}, from)
			}
			a := read(doc, w.a)
			if b := read(doc, w.a); !document.Equal(a.Doc, b.Doc) {
				t.Errorf("%s: read twice, it differs", kind)
			}
			local := w.b.Localise(a, assets.Version{Major: 6, Minor: 1})
			there := read(local.Doc, w.b)
			assets.Differences(a, there, func(assets.Key) string { return "" })
			target := assets.Target{Set: assets.NewSet(there), Space: w.b}
			assets.MakePlan(assets.NewSet(a), target, assets.Options{})
			assets.Rounds([]*assets.Asset{a})
			tree, _ := assets.ReadTree(map[string][]byte{assets.Marker: []byte(assets.MarkerText), kind.Folder() + "/a.yaml": doc.YAML()})
			for _, a := range tree.All() { // as somebody may have edited it
				w.b.Localise(a, assets.Version{Major: 6, Minor: 1})
				assets.Differences(a, there, func(assets.Key) string { return "" })
			}
		}
	})
}
