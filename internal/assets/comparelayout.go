package assets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// layout says what came to, left and moved on a dashboard.
func (d *differ) layout(before, after *Asset) {
	a, b := places(before.Doc), places(after.Doc)
	said := len(d.all)
	for _, uuid := range after.Charts() {
		if _, there := a[uuid]; !there {
			d.say("chart %q added %s", d.title(Key{Chart, uuid}), b[uuid].where)
		}
	}
	for _, uuid := range before.Charts() {
		now, there := b[uuid]
		was := a[uuid]
		title := d.title(Key{Chart, uuid})
		switch {
		case !there:
			d.say("chart %q removed", title)
		case was.where != now.where:
			d.say("chart %q moved from %s to %s", title, was.where, now.where)
		case was.size != now.size:
			d.say("chart %q resized from %s to %s", title, was.size, now.size)
		}
	}
	d.parts(before.Doc.Get("position"), after.Doc.Get("position"))
	if len(d.all) == said {
		d.say("layout: order or background changed")
	}
}

// parts compares the nodes that hold no chart: tabs, text, headers.
func (d *differ) parts(a, b *document.Value) {
	for _, key := range keysOf(a, b) {
		x, y := a.Get(key), b.Get(key)
		node := x
		if node == nil {
			node = y
		}
		kind := strings.ToLower(node.Get("type").Str())
		if same(x, y) || kind != "tab" && kind != "markdown" && kind != "header" {
			continue
		}
		name := node.Get("meta", "text").Str()
		if name != "" {
			kind += fmt.Sprintf(" %q", name)
		}
		switch {
		case x == nil:
			d.say("%s added", kind)
		case y == nil:
			d.say("%s removed", kind)
		case !same(x.Get("meta", "text"), y.Get("meta", "text")):
			d.value(kind+": text", x.Get("meta", "text"), y.Get("meta", "text"))
		case !same(x.Get("meta", "code"), y.Get("meta", "code")):
			d.value(kind+": text", x.Get("meta", "code"), y.Get("meta", "code"))
		}
	}
}

type spot struct{ where, size string }

// places says where each chart is, by the tabs it is on.
func places(doc *document.Value) map[string]spot {
	position := doc.Get("position")
	spots := map[string]spot{}
	var walk func(key string, tabs []string, depth int)
	walk = func(key string, tabs []string, depth int) {
		node := position.Get(key)
		if depth > 50 || node == nil {
			return
		}
		meta := node.Get("meta")
		switch node.Get("type").Str() {
		case "TAB":
			tabs = append(slices.Clone(tabs), meta.Get("text").Str())
		case "CHART":
			where := "on the dashboard"
			if len(tabs) > 0 {
				where = `on tab "` + strings.Join(tabs, " / ") + `"`
			}
			spots[meta.Get("uuid").Str()] = spot{where, shown(meta.Get("width")) + "×" + shown(meta.Get("height"))}
		}
		for _, child := range node.Get("children").Each() {
			walk(child.Str(), tabs, depth+1)
		}
	}
	walk("ROOT_ID", nil, 0)
	for _, node := range chartNodes(doc) {
		if uuid := node.Get("meta", "uuid").Str(); spots[uuid] == (spot{}) {
			spots[uuid] = spot{"outside of the layout", shown(node.Get("meta", "width")) + "×" + shown(node.Get("meta", "height"))}
		}
	}
	return spots
}
