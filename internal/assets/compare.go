package assets

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Difference is one thing that is not the same in two states of an asset.
type Difference struct {
	What string // in words, one line: `filter "Область": scope changed`
	Text string // of SQL and other long text: a unified difference
}

// Titles gives the title of an asset by its UUID, for texts.
type Titles func(Key) string

// Differences says in words what changed from one state to the other. Equal
// states have none, and others have one at least: plans go by that.
func Differences(before, after *Asset, title Titles) (all []Difference) {
	d := differ{title: title}
	for _, key := range keysOf(before.Doc, after.Doc) {
		a, b := before.Doc.Get(key), after.Doc.Get(key)
		unsaid := (a == nil || b == nil) && (key == "owners" || key == "roles") // by the side without
		if same(a, b) || unsaid {
			continue
		}
		said := len(d.all)
		switch {
		case before.Kind == Dataset && (key == "columns" || key == "metrics"):
			d.named(strings.TrimSuffix(key, "s"), a, b, []string{"column_name", "metric_name"})
		case before.Kind == Dashboard && key == "metadata":
			d.metadata(a, b)
		case before.Kind == Dashboard && key == "position":
			d.layout(before, after)
		case before.Kind == Chart && (key == "params" || key == "query_context"):
			d.fields(map[string]string{"params": "parameter", "query_context": "query"}[key], a, b)
		case key == "owners" || key == "roles" || key == "tags":
			d.texts(strings.TrimSuffix(key, "s"), a, b)
		case key == "dataset_uuid":
			d.value("dataset", a, b)
		default:
			d.value(words(key), a, b)
		}
		if len(d.all) == said { // as null where there was nothing
			d.say("%s changed", words(key))
		}
	}
	return d.all
}

// SameButReferences says that two dashboards differ at the most in what their
// metadata refers to.
func SameButReferences(a, b *Asset) bool {
	drop := func(string, *document.Value) *document.Value { return nil }
	without := func(a *Asset) *document.Value {
		doc := a.Doc.Copy()
		translator{chart: drop, dataset: drop}.metadata(doc.Get("metadata"))
		dropEmpty(doc.Get("metadata"), defaults...)
		return doc
	}
	return document.Equal(without(a), without(b))
}

// same takes null and absent for the same.
func same(a, b *document.Value) bool {
	if a == nil || b == nil {
		return a == b || a == nil && b.Kind == document.Null || b == nil && a.Kind == document.Null
	}
	return document.Equal(a, b)
}

func keysOf(a, b *document.Value) (keys []string) {
	for _, m := range []*document.Value{a, b} {
		if m.IsMap() {
			for _, f := range m.Fields {
				if !slices.Contains(keys, f.Key) {
					keys = append(keys, f.Key)
				}
			}
		}
	}
	return keys
}

type differ struct {
	title Titles
	all   []Difference
}

func (d *differ) say(format string, args ...any) {
	d.all = append(d.all, Difference{What: fmt.Sprintf(format, args...)})
}

func words(key string) string { return strings.ReplaceAll(key, "_", " ") }

// value says how one value changed: short ones themselves, long text as a
// difference of lines.
func (d *differ) value(what string, a, b *document.Value) {
	switch {
	case a.Empty() && !b.Empty():
		d.text(what+" set", a, b)
	case b.Empty() && !a.Empty():
		d.text(what+" removed", a, b)
	default:
		d.text(what+" changed", a, b)
	}
}

const shortText = 60 // runes that fit into a line

// text shows titles in the place of UUIDs, unless both sides read alike then.
func (d *differ) text(what string, a, b *document.Value) {
	x, y := shown(d.readable(a)), shown(d.readable(b))
	if x == y {
		x, y = shown(a), shown(b)
	}
	if len([]rune(x)) <= shortText && len([]rune(y)) <= shortText && !strings.Contains(x+y, "\n") {
		switch {
		case x == "":
			d.say("%s: %s", what, y)
		case y == "":
			d.say("%s: %s", what, x)
		default:
			d.say("%s: %s → %s", what, x, y)
		}
		return
	}
	d.all = append(d.all, Difference{What: what, Text: udiff.Unified("before", "after", ended(x), ended(y))})
}

func ended(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// texts says what came to a list of names, and what left it.
func (d *differ) texts(what string, a, b *document.Value) {
	before, after := textsOf(a), textsOf(b)
	for _, text := range after {
		if !slices.Contains(before, text) {
			d.say("%s %q added", what, text)
		}
	}
	for _, text := range before {
		if !slices.Contains(after, text) {
			d.say("%s %q removed", what, text)
		}
	}
}

// shown is a value for a person.
func shown(v *document.Value) string {
	switch {
	case v == nil, v.Kind == document.Null:
		return ""
	case v.Kind == document.String:
		return v.Text
	case v.Kind == document.List || v.Kind == document.Map:
		if text := v.JSON(); len(text) <= shortText {
			return text
		}
		return string(v.YAML())
	}
	return v.Text
}

// fields compares the entries of two maps.
func (d *differ) fields(what string, a, b *document.Value) {
	if !a.IsMap() || !b.IsMap() {
		d.value(what, a, b)
		return
	}
	for _, key := range keysOf(a, b) {
		if x, y := a.Get(key), b.Get(key); !same(x, y) {
			d.value(what+" "+key, x, y)
		}
	}
}

// named compares lists whose items have names: columns, metrics, filters.
func (d *differ) named(what string, a, b *document.Value, keys []string) {
	was, is := namesOf(a, keys), namesOf(b, keys)
	for i, name := range is {
		switch at := slices.Index(was, name); {
		case at < 0:
			d.say("%s %q added", what, name)
		case !same(a.Items[at], b.Items[i]):
			d.fields(fmt.Sprintf("%s %q:", what, name), a.Items[at], b.Items[i])
		}
	}
	for _, name := range was {
		if !slices.Contains(is, name) {
			d.say("%s %q removed", what, name)
		}
	}
	if !slices.Equal(was, is) && slices.Equal(slices.Sorted(slices.Values(was)), slices.Sorted(slices.Values(is))) {
		d.say("%ss are in another order", what)
	}
}

// namesOf are the names of a list's items, by the first of the keys that an
// item has; a second item of one name has a number.
func namesOf(list *document.Value, keys []string) (names []string) {
	for _, item := range list.Each() {
		name := "?"
		for _, key := range slices.Backward(keys) {
			name = cmp.Or(item.Get(key).Str(), name)
		}
		label := name
		for n := 2; slices.Contains(names, label); n++ {
			label = fmt.Sprintf("%s (%d)", name, n)
		}
		names = append(names, label)
	}
	return names
}

func (d *differ) metadata(a, b *document.Value) {
	for _, key := range keysOf(a, b) {
		x, y := a.Get(key), b.Get(key)
		if same(x, y) {
			continue
		}
		switch key {
		case "native_filter_configuration":
			d.named("filter", x, y, []string{"name", "id"})
		case "chart_customization_config":
			d.named("display control", x, y, []string{"name", "id"})
		case "chart_configuration":
			d.cross(x, y)
		case "global_chart_configuration":
			d.fields("cross filters:", x, y)
		default:
			d.value(words(key), x, y)
		}
	}
}

// readable puts titles in the place of UUIDs.
func (d *differ) readable(v *document.Value) *document.Value {
	if v == nil {
		return nil
	}
	c := v.Copy()
	d.name(c)
	return c
}

func (d *differ) name(v *document.Value) {
	if v.Kind == document.String && uuidOnly.MatchString(v.Text) {
		for _, kind := range []Kind{Chart, Dataset, Dashboard} {
			if title := d.title(Key{kind, v.Text}); title != "" && title != v.Text {
				v.Text = title
				return
			}
		}
	}
	for _, item := range v.Items {
		d.name(item)
	}
	for i := range v.Fields {
		key := document.Text(v.Fields[i].Key)
		d.name(key)
		v.Fields[i].Key = key.Text
		d.name(v.Fields[i].Value)
	}
}

// cross compares the cross filters that charts have of their own.
func (d *differ) cross(a, b *document.Value) {
	for _, uuid := range keysOf(a, b) {
		x, y := a.Get(uuid), b.Get(uuid)
		title := d.title(Key{Chart, uuid})
		switch {
		case same(x, y):
		case x == nil:
			d.say("cross filter of %q added", title)
		case y == nil:
			d.say("cross filter of %q removed", title)
		default:
			d.fields(fmt.Sprintf("cross filter of %q:", title), x.Get("crossFilters"), y.Get("crossFilters"))
			if same(x.Get("crossFilters"), y.Get("crossFilters")) {
				d.say("cross filter of %q changed", title)
			}
		}
	}
}
