package assets

import (
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

func (c canonicaliser) dashboard() {
	c.Doc.Delete("version", "is_managed_externally", "external_url", "theme_uuid", "theme_id")
	for _, key := range opened[Dashboard] {
		if !c.Doc.Get(key).IsMap() {
			c.Doc.Set(key, document.NewMap())
		}
	}
	if c.Doc.Get("slug").Empty() {
		c.Doc.Delete("slug")
	}
	metadata := c.Doc.Get("metadata")
	metadata.Delete("filter_scopes", "default_filters", "show_native_filters", "remote_id", "import_time", "positions")
	old := c.layout()
	c.outside()
	c.toUUIDs(old)
	dropEmpty(metadata, defaults...)
}

// defaults are keys of a dashboard's metadata that importers or a save add
// without a value.
var defaults = []string{
	"native_filter_configuration", "chart_customization_config", "chart_configuration", "expanded_slices", "timed_refresh_immune_slices",
	"color_scheme_domain", "label_colors", "map_label_colors", "shared_label_colors",
}

// layout puts UUIDs in the place of the charts' ids and gives the ids that the
// layout itself names, which hold for a bundle of any origin.
func (c canonicaliser) layout() map[int]string {
	old := map[int]string{}
	for _, node := range chartNodes(c.Doc) {
		meta := node.Get("meta")
		id, known := meta.Get("chartId").Int()
		uuid := strings.ToLower(meta.Get("uuid").Str())
		if uuid == "" && known {
			uuid, _ = c.from.UUID(Chart, id)
		}
		meta.Delete("chartId", "uuid")
		if uuid == "" {
			c.unresolved("position: chart %d %q", id, meta.Get("sliceName").Str())
			continue
		}
		meta.Set("uuid", document.Text(uuid))
		if known {
			old[id] = uuid
		}
	}
	return old
}

var (
	outsideRow   = regexp.MustCompile(`^ROW-N-`)
	outsideChart = regexp.MustCompile(`^CHART-[A-Z0-9]{8}$`)
)

// outside gives charts that are on the dashboard but not in its layout stable
// keys: every export puts them into a row of its own, with random ones.
func (c canonicaliser) outside() {
	position := c.Doc.Get("position")
	c.twice(position)
	renamed := map[string]string{}
	for _, f := range position.Fields {
		if outsideRow.MatchString(f.Key) && f.Value.Get("type").Str() == "ROW" {
			renamed[f.Key] = "ROW-N-" + short(c.UUID)
			for _, child := range f.Value.Get("children").Each() {
				c.rename(renamed, position, child.Str())
			}
		} else if f.Value.Get("parents") == nil && outsideChart.MatchString(f.Key) {
			c.rename(renamed, position, f.Key)
		}
	}
	if len(renamed) > 0 {
		c.Doc.Set("position", renameKeys(position, renamed))
	}
}

// twice takes out what an export adds although the layout has it: a layout
// that was made by REST names its charts by ids alone, which an export does
// not see.
func (c canonicaliser) twice(position *document.Value) {
	inside := map[string]bool{}
	for _, f := range position.Fields {
		if !outsideChart.MatchString(f.Key) {
			inside[f.Value.Get("meta", "uuid").Str()] = true
		}
	}
	gone := map[string]bool{}
	for _, f := range position.Fields {
		if outsideChart.MatchString(f.Key) && inside[f.Value.Get("meta", "uuid").Str()] {
			gone[f.Key] = true
		}
	}
	for _, f := range position.Fields {
		if outsideRow.MatchString(f.Key) && removeTexts(f.Value.Get("children"), gone) {
			gone[f.Key] = true
		}
	}
	position.Fields = slices.DeleteFunc(position.Fields, func(f document.Field) bool { return gone[f.Key] })
	removeTexts(position.Get("GRID_ID", "children"), gone)
}

// removeTexts says that something was removed and nothing is left.
func removeTexts(list *document.Value, gone map[string]bool) (emptied bool) {
	before := len(list.Each())
	if before == 0 {
		return false
	}
	list.Items = slices.DeleteFunc(list.Items, func(v *document.Value) bool { return gone[v.Str()] })
	return len(list.Items) == 0
}

func (c canonicaliser) rename(renamed map[string]string, position *document.Value, key string) {
	if uuid := position.Get(key, "meta", "uuid").Str(); uuid != "" {
		renamed[key] = "CHART-" + uuid
	}
}

func short(uuid string) string { return uuid[:min(8, len(uuid))] }

// renameKeys renames nodes of a layout wherever they are named; two rows of
// charts outside become one.
func renameKeys(position *document.Value, renamed map[string]string) *document.Value {
	to := func(key string) string {
		if name, ok := renamed[key]; ok {
			return name
		}
		return key
	}
	result := document.NewMap()
	for _, f := range position.Fields {
		key, node := to(f.Key), f.Value
		if node.IsMap() {
			for _, list := range []string{"children", "parents"} {
				for i, child := range node.Get(list).Each() {
					node.Get(list).Items[i] = document.Text(to(child.Str()))
				}
			}
			if node.Get("id") != nil {
				node.Set("id", document.Text(key))
			}
			if outsideRow.MatchString(key) {
				sortTexts(node.Get("children"))
			}
		}
		if before := result.Get(key); before != nil && outsideRow.MatchString(key) {
			before.Get("children").Items = append(before.Get("children").Items, node.Get("children").Each()...)
			sortTexts(before.Get("children"))
			continue
		}
		result.Set(key, node)
	}
	grid := result.Get("GRID_ID", "children")
	if grid != nil {
		grid.Items = slices.CompactFunc(grid.Items, document.Equal)
	}
	return result
}

func sortTexts(list *document.Value) {
	slices.SortFunc(list.Each(), func(a, b *document.Value) int { return strings.Compare(a.Text, b.Text) })
}
