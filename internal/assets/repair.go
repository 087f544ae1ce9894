package assets

import (
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Repair gives a dashboard, or a chart of charts, with its references put right,
// and what was wrong in words; nothing is wrong: nil. The witness is the same
// asset where its references are right; without one, what refers to nothing or
// to a chart that is not on the dashboard is taken out.
func Repair(broken, witness *Asset, title Titles) (*Asset, []string) {
	what := shownBroken(broken)
	mended := &Asset{Kind: broken.Kind, UUID: broken.UUID, Doc: broken.Doc.Copy()}
	if witness != nil {
		right := witness.Doc.Copy()
		if broken.Kind == Dashboard {
			onlyOn(right.Get("metadata"), chartsOf(broken.Doc))
		}
		m := mender{shown: what, have: referencesOf(broken.Kind, broken.Doc.Copy()), right: referencesOf(broken.Kind, right)}
		m.mend(mended, right)
		mended.Doc = ordered(mended.Doc)
	}
	for i, text := range what {
		what[i] = anyUUID.ReplaceAllStringFunc(text, func(uuid string) string { return `"` + title(Key{Chart, uuid}) + `"` })
	}
	for _, d := range Differences(broken, mended, title) {
		what = append(what, d.What)
	}
	if len(what) == 0 {
		return nil, nil
	}
	return mended, what
}

var (
	anyUUID = regexp.MustCompile(uuidText)
	toChart = regexp.MustCompile(`: chart [0-9]+$`)
)

// shownBroken are the references that lead nowhere, and went when the asset was
// read. A link in a text stays, so by itself it is no reason to write.
func shownBroken(a *Asset) []string {
	return slices.DeleteFunc(slices.Concat(a.Unresolved, a.Elsewhere), func(text string) bool {
		return strings.HasPrefix(text, linkInMarkdown) || a.Kind != Dashboard && !toChart.MatchString(text)
	})
}

// onlyOn drops references to charts that are not on the dashboard.
func onlyOn(metadata *document.Value, charts []string) {
	keep := func(_ string, v *document.Value) *document.Value {
		if slices.Contains(charts, v.Str()) {
			return v
		}
		return nil
	}
	translator{chart: keep}.metadata(metadata)
}

// references are what stands in each exact place, in order; those of a list
// under the place, single ones under the kind of asset and the place.
type references map[string][]*document.Value

func referencesOf(kind Kind, doc *document.Value) references {
	found := references{}
	single := func(kind Kind) func(string, *document.Value) *document.Value {
		return func(place string, v *document.Value) *document.Value {
			found[string(kind)+place] = append(found[string(kind)+place], v)
			return v
		}
	}
	list := func(place string, all []*document.Value) []*document.Value {
		found[place] = all
		return all
	}
	translator{exact: true, lists: list, chart: single(Chart), dataset: single(Dataset), dashboard: single(Dashboard)}.translate(kind, doc)
	return found
}

// mender takes the references of the witness, and nothing else of it, where an
// asset shows that its own are wrong: they lead nowhere, or as many as the
// witness has lead elsewhere. Where it has more or fewer, somebody meant that.
type mender struct {
	shown       []string // what leads nowhere: place, colon, and what it was
	have, right references
}

func (m mender) mend(a *Asset, right *document.Value) {
	if a.Kind == Dashboard {
		m.lost(a.Doc.Get("metadata"), right.Get("metadata"))
	}
	done := map[string]int{}
	single := func(kind Kind) func(string, *document.Value) *document.Value {
		return func(place string, v *document.Value) *document.Value {
			key := string(kind) + place
			if len(m.right[key]) != len(m.have[key]) {
				return v
			}
			done[key]++
			return m.right[key][done[key]-1]
		}
	}
	translator{exact: true, lists: m.list, chart: single(Chart), dataset: single(Dataset), dashboard: single(Dashboard)}.translate(a.Kind, a.Doc)
}

func (m mender) list(place string, have []*document.Value) []*document.Value {
	right, known := m.right[place]
	if !known || sameTexts(have, right) || len(have) != len(right) && !m.shows(place) {
		return have
	}
	return right
}

func sameTexts(a, b []*document.Value) bool {
	sorted := func(all []*document.Value) []string {
		texts := textsOf(document.NewList(all...))
		slices.Sort(texts)
		return texts
	}
	return slices.Equal(sorted(a), sorted(b))
}

// shows says that a reference of a place led nowhere.
func (m mender) shows(place string) bool {
	name := place[strings.LastIndex(place, "\x00")+1:]
	return slices.ContainsFunc(m.shown, func(text string) bool { return strings.HasPrefix(text, name+": ") })
}

// lost puts back what went as a whole because it led nowhere. Of maps whose
// keys are charts the others are no better, for all of them were one server's.
func (m mender) lost(metadata, right *document.Value) {
	for _, key := range []string{"chart_configuration", "expanded_slices", "timed_refresh_immune_slices"} {
		if right.Get(key) != nil && (m.shows("metadata."+key) || otherKeys(metadata.Get(key), right.Get(key))) {
			metadata.Set(key, right.Get(key))
		}
	}
	for _, list := range []string{"native_filter_configuration", "chart_customization_config"} {
		for _, filter := range metadata.Get(list).Each() {
			place := "metadata." + list + " " + filter.Get("name").Str()
			for _, other := range right.Get(list).Each() {
				if filter.IsMap() && other.IsMap() && document.Equal(filter.Get("id"), other.Get("id")) {
					m.lostOf(place, filter, other)
				}
			}
		}
	}
}

// otherKeys says that two maps have as many entries under other keys.
func otherKeys(a, b *document.Value) bool {
	return a.IsMap() && b.IsMap() && len(a.Fields) == len(b.Fields) && len(keysOf(a, b)) > len(a.Fields)
}

func (m mender) lostOf(place string, filter, other *document.Value) {
	m.fill(place+" chartId", filter, other, "chartId")
	m.fill(place+" dataset", filter.Get("customization"), other.Get("customization"), "dataset")
	right := other.Get("targets").Each()
	for i, target := range filter.Get("targets").Each() {
		if i < len(right) && document.Equal(target.Get("column"), right[i].Get("column")) {
			m.fill(place+" target", target, right[i], "datasetUuid")
		}
	}
}

func (m mender) fill(place string, in, from *document.Value, key string) {
	if in.IsMap() && in.Get(key) == nil && from.Get(key) != nil && m.shows(place) {
		in.Set(key, from.Get(key))
	}
}
