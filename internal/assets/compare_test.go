package assets_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

func alike(assets.Key) string { return "Зарплати" }

// TestWhatLooksAlike is a difference all the same, and written.
func TestWhatLooksAlike(t *testing.T) {
	t.Parallel()
	metadata := func(text string) string { return "dashboard_title: d, metadata: {" + text + "}" }
	filters := func(text string) string { return metadata("native_filter_configuration: [" + text + "]") }
	for _, test := range []struct {
		why           string
		kind          assets.Kind
		before, after string
		want          string
	}{
		{"another chart of one title", assets.Dashboard, filters(`{name: f, scope: {excluded: [` + some + `]}}`), filters(`{name: f, scope: {excluded: [` + other + `]}}`), `filter "f": scope changed`},
		{"another dataset of one name", assets.Dashboard, filters(`{name: f, targets: [{datasetUuid: ` + some + `}]}`), filters(`{name: f, targets: [{datasetUuid: ` + other + `}]}`), some},
		{"the cross filter's scope", assets.Dashboard, metadata(`chart_configuration: {` + third + `: {crossFilters: {chartsInScope: [` + some + `]}}}`), metadata(`chart_configuration: {` + third + `: {crossFilters: {chartsInScope: [` + other + `]}}}`), `cross filter of "Зарплати": chartsInScope`},
		{"the global scope", assets.Dashboard, metadata(`global_chart_configuration: {chartsInScope: [` + some + `]}`), metadata(`global_chart_configuration: {chartsInScope: [` + other + `]}`), "chartsInScope changed"},
		{"a list of charts", assets.Dashboard, metadata(`timed_refresh_immune_slices: [` + some + `]`), metadata(`timed_refresh_immune_slices: [` + other + `]`), "timed refresh immune slices changed"},
		{"one of two filters of a name", assets.Dashboard, filters(`{name: f, id: a}, {name: f, id: b}`), filters(`{name: f, id: a, description: x}, {name: f, id: b}`), `filter "f": description`},
		{"the other one", assets.Dashboard, filters(`{name: f, id: a}, {name: f, id: b}`), filters(`{name: f, id: a}, {name: f, id: b, description: x}`), `filter "f (2)": description`},
		{"a second of a name", assets.Dashboard, filters(`{name: f, id: a}`), filters(`{name: f, id: a}, {name: f, id: a}`), `filter "f (2)" added`},
		{"the order of filters", assets.Dashboard, filters(`{name: f}, {name: g}`), filters(`{name: g}, {name: f}`), "filters are in another order"},
		{"the order of display controls", assets.Dashboard, metadata(`chart_customization_config: [{name: f}, {name: g}]`), metadata(`chart_customization_config: [{name: g}, {name: f}]`), "display controls are in another order"},
		{"null in a filter", assets.Dashboard, filters(`{name: f}`), filters(`{name: f, x: null}`), "metadata changed"},
		{"a dataset of the same name", assets.Chart, "slice_name: c, viz_type: t, dataset_uuid: " + some, "slice_name: c, viz_type: t, dataset_uuid: " + other, some},
		{"null in parameters", assets.Chart, "slice_name: c, viz_type: t, dataset_uuid: " + some + ", params: {}", "slice_name: c, viz_type: t, dataset_uuid: " + some + ", params: {x: null}", "params changed"},
		{"a tag twice", assets.Dashboard, "dashboard_title: d, tags: [a]", "dashboard_title: d, tags: [a, a]", "tags changed"},
	} {
		before, after := parsed(t, test.kind, some, test.before), parsed(t, test.kind, some, test.after)
		datasets := []*assets.Asset{parsed(t, assets.Dataset, some, "table_name: t"), parsed(t, assets.Dataset, other, "table_name: t, schema: s")}
		target := assets.Target{Set: assets.NewSet(append(datasets, before)...), Space: assets.NewSpace()}
		if updates := assets.MakePlan(assets.NewSet(after), target, assets.Options{}).Of(assets.Update); len(updates) != 1 {
			t.Errorf("%s: it is not written", test.why)
		}
		var said []string
		for _, d := range assets.Differences(before, after, alike) {
			said = append(said, d.What)
		}
		if len(said) != 1 || !strings.Contains(said[0], test.want) {
			t.Errorf("%s: %q, want one with %q", test.why, said, test.want)
		}
	}
}

// TestEveryDifferenceIsSaid, whatever it is: an asset without one is not written.
func TestEveryDifferenceIsSaid(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		w := newWorld(seed % 30)
		before := assets.Canonical(assets.Raw{Kind: assets.Dashboard, UUID: some, Doc: value(t, w.dashboard())}, w.a)
		after := &assets.Asset{Kind: assets.Dashboard, UUID: some, Doc: before.Doc.Copy()}
		disturb(rand.New(rand.NewPCG(seed, 4)), after.Doc)
		found := assets.Differences(before, after, alike)
		if equal := document.Equal(before.Doc, after.Doc); equal != (len(found) == 0) {
			t.Fatalf("seed %d: equal %v, said %v\n%s\n%s", seed, equal, found, before.Doc.YAML(), after.Doc.YAML())
		}
	}
}

// disturb changes something anywhere below.
func disturb(chance *rand.Rand, v *document.Value) {
	switch below := append(append([]*document.Value{}, v.Items...), valuesOf(v)...); {
	case len(below) > 0 && chance.IntN(6) > 0:
		disturb(chance, below[chance.IntN(len(below))])
	case len(v.Fields) > 0:
		v.Delete(v.Fields[chance.IntN(len(v.Fields))].Key)
	case len(v.Items) > 1:
		v.Items[0], v.Items[1] = v.Items[1], v.Items[0]
	case v.Kind == document.String:
		v.Text = other
	default:
		*v = *document.Text("x")
	}
}

func valuesOf(v *document.Value) (all []*document.Value) {
	for _, f := range v.Fields {
		all = append(all, f.Value)
	}
	return all
}
