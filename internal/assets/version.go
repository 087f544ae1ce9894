package assets

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Version is a server's release; the zero value is unknown.
type Version struct{ Major, Minor int }

// ParseVersion reads "6.1.0", with or without what follows the second number;
// anything else is unknown.
func ParseVersion(text string) Version {
	parts := append(strings.SplitN(text, ".", 3), "")
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err != nil || err2 != nil {
		return Version{}
	}
	return Version{major, minor}
}

// String is "6.1", "" where it is unknown.
func (v Version) String() string {
	if v == (Version{}) {
		return ""
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

// Before says that a release is older than another. An unknown one is not.
func (v Version) Before(other Version) bool {
	if v == (Version{}) {
		return false
	}
	return v.Major < other.Major || v.Major == other.Major && v.Minor < other.Minor
}

// TagsInBundles is the first release whose imports set tags; older ones take
// them from the tags' own endpoints only.
var TagsInBundles = Version{6, 0}

// newer are fields that a server knows since a version. One that does not
// refuses a bundle with it; in a dashboard's metadata it takes it, and then
// refuses to save the dashboard in the browser.
var newer = map[Kind]map[string]Version{
	Dataset:   {"currency_code_column": {6, 1}, "columns.datetime_format": {6, 1}},
	Dashboard: {"metadata.chart_customization_config": {6, 1}, "metadata.show_chart_timestamps": {6, 1}},
}

// FitVersion makes a source such as a server of a version can have: the fields
// that it does not know yet are left out and told.
func FitVersion(source *Set, version Version) (notes []string) {
	for _, a := range source.All() {
		fitted := &Asset{Kind: a.Kind, UUID: a.UUID, Doc: a.Doc.Copy(), Unresolved: a.Unresolved, Elsewhere: a.Elsewhere}
		left := fitted.leaveOut(version)
		if len(left) > 0 {
			source.Add(fitted)
			notes = append(notes, fmt.Sprintf("%s: without %s, which the target is too old for", a, strings.Join(left, ", ")))
		}
	}
	return notes
}

// leaveOut takes out what a server of the version does not know.
func (a *Asset) leaveOut(version Version) (fields []string) {
	for _, field := range slices.Sorted(maps.Keys(newer[a.Kind])) {
		if version.Before(newer[a.Kind][field]) && deleteAt(a.Doc, strings.Split(field, ".")) {
			fields = append(fields, field)
		}
	}
	return fields
}

// deleteAt deletes a field, of each item where a list is on its way, and says
// whether there was one.
func deleteAt(v *document.Value, path []string) (found bool) {
	if v == nil {
		return false
	}
	for _, item := range v.Each() {
		found = deleteAt(item, path) || found
	}
	if v.Get(path[0]) == nil {
		return found
	}
	if len(path) > 1 {
		return deleteAt(v.Get(path[0]), path[1:]) || found
	}
	v.Delete(path[0])
	return true
}
