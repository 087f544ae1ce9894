package assets

import (
	"regexp"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Repair gives a dashboard with its references put right, and what was wrong in
// words; nothing is wrong: nil. The witness is the same dashboard where its
// references are right; without one, what refers to nothing or to a chart that
// is not on the dashboard is taken out.
func Repair(broken, witness *Asset, title Titles) (*Asset, []string) {
	if broken.Kind != Dashboard {
		return nil, nil
	}
	mended := &Asset{Kind: Dashboard, UUID: broken.UUID, Doc: broken.Doc.Copy()}
	if witness != nil {
		on := chartsOf(mended.Doc)
		right := onlyOn(witness.Doc.Get("metadata").Copy(), on)
		mendMetadata(mended.Doc.Get("metadata"), right)
		mended.Doc = ordered(mended.Doc)
	}
	what := slices.Clone(broken.Unresolved)
	for _, text := range broken.Elsewhere {
		what = append(what, anyUUID.ReplaceAllStringFunc(text, func(uuid string) string { return `"` + title(Key{Chart, uuid}) + `"` }))
	}
	for _, d := range Differences(broken, mended, title) {
		what = append(what, d.What)
	}
	if len(what) == 0 {
		return nil, nil
	}
	return mended, what
}

var anyUUID = regexp.MustCompile(uuidText)

// onlyOn drops references to charts that are not on the dashboard.
func onlyOn(metadata *document.Value, charts []string) *document.Value {
	keep := func(_ string, v *document.Value) *document.Value {
		if slices.Contains(charts, v.Str()) {
			return v
		}
		return nil
	}
	translator{chart: keep}.metadata(metadata)
	return metadata
}

// mendMetadata takes the references of the witness, and nothing else of it:
// filters are the same where their ids are.
func mendMetadata(metadata, right *document.Value) {
	for _, list := range []string{"native_filter_configuration", "chart_customization_config"} {
		for _, filter := range metadata.Get(list).Each() {
			for _, other := range right.Get(list).Each() {
				if filter.Get("id").Str() == other.Get("id").Str() && filter.IsMap() {
					mendFilter(filter, other)
				}
			}
		}
	}
	for _, key := range []string{"chart_configuration", "timed_refresh_immune_slices", "expanded_slices"} {
		if v := right.Get(key); v != nil {
			metadata.Set(key, v)
		}
	}
	if global, other := metadata.Get("global_chart_configuration"), right.Get("global_chart_configuration"); global.IsMap() {
		mendScope(global, other)
	} else if other != nil {
		metadata.Set("global_chart_configuration", other)
	}
}

func mendFilter(filter, other *document.Value) {
	mendScope(filter, other)
	targets, right := filter.Get("targets").Each(), other.Get("targets").Each()
	for i := range targets {
		if i < len(right) && targets[i].IsMap() && document.Equal(targets[i].Get("column"), right[i].Get("column")) {
			targets[i].Set("datasetUuid", right[i].Get("datasetUuid"))
		}
	}
}

func mendScope(v, other *document.Value) {
	if charts := other.Get("chartsInScope"); charts != nil {
		v.Set("chartsInScope", charts)
	}
	if excluded := other.Get("scope", "excluded"); excluded != nil && v.Get("scope").IsMap() {
		v.Get("scope").Set("excluded", excluded)
	}
}
