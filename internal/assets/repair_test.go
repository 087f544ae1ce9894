package assets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// everyPlace is what stands in a dashboard's metadata and layout, %A and %B being
// charts on it, %D a dataset and %P another dashboard.
const everyPlace = `{
metadata: {
  native_filter_configuration: [
    {id: F1, name: Ф, targets: [{datasetId: %D, column: {name: c}}], scope: {rootPath: [ROOT_ID], excluded: [%A], selectedLayers: [chart-%B-layer-0]}, chartsInScope: [%B]}],
  chart_customization_config: [
    {id: C1, name: К, chartId: %A, targets: [{datasetId: %D, column: {name: c}}], scope: {rootPath: [ROOT_ID], excluded: [%B]}, chartsInScope: [%A], customization: {dataset: %D}}],
  chart_configuration: {"%A": {id: %A, crossFilters: {scope: {rootPath: [ROOT_ID], excluded: [%B]}, chartsInScope: [%A]}}},
  expanded_slices: {"%A": true}, timed_refresh_immune_slices: [%B],
  global_chart_configuration: {scope: {rootPath: [ROOT_ID], excluded: [%A]}, chartsInScope: [%B]}},
position: {
  CHART-a: {type: CHART, id: CHART-a, parents: [ROOT_ID], meta: {uuid: 11111111-0000-4000-8000-000000000000}},
  CHART-b: {type: CHART, id: CHART-b, parents: [ROOT_ID], meta: {uuid: 22222222-0000-4000-8000-000000000000}},
  M: {type: MARKDOWN, id: M, meta: {code: "[p](/superset/dashboard/%P/) [a](/explore/?slice_id=%A) 1"}}},
dashboard_title: Д}`

// referring reads a document with ids in its places.
func referring(t *testing.T, kind assets.Kind, text string, ids ...string) *assets.Asset {
	t.Helper()
	doc, err := document.ParseYAML([]byte(strings.NewReplacer(ids...).Replace(text)))
	if err != nil {
		t.Fatal(err)
	}
	space := assets.NewSpace()
	for id, uuid := range map[int]string{11: "11111111", 12: "22222222", 21: "33333333", 22: "44444444"} { // 21 and 22 are on no dashboard
		space.Add(assets.Chart, id, uuid+"-0000-4000-8000-000000000000")
	}
	for id, uuid := range map[int]string{1: "51111111", 2: "52222222"} {
		space.Add(assets.Dataset, id, uuid+"-0000-4000-8000-000000000000")
		space.Add(assets.Dashboard, id, uuid+"-0000-4000-8000-000000000000")
	}
	return assets.Canonical(assets.Raw{Kind: kind, UUID: some, Doc: doc}, space)
}

// TestRepairInEveryPlace: references that lead nowhere, off the dashboard, or to
// each other's charts become the witness's, and nothing else does.
func TestRepairInEveryPlace(t *testing.T) {
	t.Parallel()
	right := []string{"%A", "11", "%B", "12", "%D", "1", "%P", "1"}
	const layered = `{slice_name: Ш, viz_type: deck_multi, dataset_uuid: 51111111-0000-4000-8000-000000000000, params: {deck_slices: [%A], annotation_layers: [{name: ш, annotationType: EVENT, sourceType: table, value: %A}]}}`
	for _, of := range []struct {
		kind assets.Kind
		text string
	}{{assets.Dashboard, everyPlace}, {assets.Chart, layered}} {
		witness := referring(t, of.kind, of.text, right...)
		if mended, what := assets.Repair(witness, witness, untitled); mended != nil {
			t.Errorf("nothing was wrong: %v", what)
		}
		for why, ids := range map[string][]string{
			"nothing":               {"%A", "91", "%B", "92", "%D", "93", "%P", "94"},
			"others":                {"%A", "21", "%B", "22", "%D", "2", "%P", "2"},
			"each other":            {"%A", "12", "%B", "11", "%D", "2", "%P", "2"},
			"nothing but one place": {"%A", "11", "%B", "12", "%D", "2", "%P", "1"},
		} {
			if of.kind == assets.Chart && why == "nothing but one place" {
				continue
			}
			text := of.text
			if why == "nothing" && of.kind == assets.Chart {
				text = strings.ReplaceAll(text, "value: %A", "value: 11") // such a layer goes as a whole
			}
			mended, what := assets.Repair(referring(t, of.kind, text, ids...), witness, untitled)
			if mended == nil || len(what) == 0 {
				t.Errorf("%s: nothing was found", why)
				continue
			}
			if diff := cmp.Diff(string(witness.Doc.YAML()), string(mended.Doc.YAML())); diff != "" {
				t.Errorf("%s, a %s: %s", why, of.kind, diff)
			}
		}
	}
}

// TestRepairLeavesWhatIsMeant: scopes, texts and settings that somebody made
// otherwise lead to what is there, so they are no mistake.
func TestRepairLeavesWhatIsMeant(t *testing.T) {
	t.Parallel()
	right := []string{"%A", "11", "%B", "12", "%D", "1", "%P", "1"}
	witness := referring(t, assets.Dashboard, everyPlace, right...)
	for why, with := range map[string][2]string{
		"another scope":       {`excluded: [%A], selectedLayers`, `excluded: [%A, %B], selectedLayers`},
		"no exclusion":        {`excluded: [%B]}, chartsInScope: [%A], customization`, `excluded: []}, chartsInScope: [%A], customization`},
		"a name":              {`name: Ф`, `name: Фільтр`},
		"another column":      {`targets: [{datasetId: %D, column: {name: c}}], scope: {rootPath: [ROOT_ID], excluded: [%A]`, `targets: [{datasetId: 2, column: {name: d}}], scope: {rootPath: [ROOT_ID], excluded: [%A]`},
		"another text":        {`[p](/superset/dashboard/%P/)`, `[інша](/superset/dashboard/2/)`},
		"no cross filter":     {`chart_configuration: {"%A": {id: %A, crossFilters: {scope: {rootPath: [ROOT_ID], excluded: [%B]}, chartsInScope: [%A]}}}`, `chart_configuration: {}`},
		"a filter of its own": {`native_filter_configuration: [`, `native_filter_configuration: [{id: F0, name: Свій, targets: [{datasetId: 2, column: {name: c}}], scope: {excluded: [%A]}},`},
	} {
		text := strings.Replace(everyPlace, with[0], with[1], 1)
		if text == everyPlace && with[0] != with[1] {
			t.Fatalf("%s: nothing was replaced", why)
		}
		if mended, what := assets.Repair(referring(t, assets.Dashboard, text, right...), witness, untitled); mended != nil {
			t.Errorf("%s: %v", why, what)
		}
	}
	link := referring(t, assets.Dashboard, everyPlace, "%A", "11", "%B", "12", "%D", "1", "%P", "94")
	if mended, what := assets.Repair(link, nil, untitled); mended != nil {
		t.Errorf("a link that leads nowhere cannot be mended without a witness: %v", what)
	}
}

func untitled(assets.Key) string { return "" }
