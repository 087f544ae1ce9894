package versions

import (
	"net/url"
	"slices"
	"strings"
)

// Filters leave out what is the platform's own and not the model's. All are
// whole parts of a name: "ddm_" hides ddm_log, not ddmx.
type Filters struct {
	HiddenTables   []string // tracking tables of engines, as "table" or "schema.table"
	TablePrefixes  []string
	TableSuffixes  []string
	ColumnPrefixes []string
	ViewSuffixes   []string // names of views, which are no tables
	IndexSuffixes  []string
}

func (f Filters) hidesTable(name string) bool {
	return hasPrefix(name, f.TablePrefixes) || hasSuffix(name, f.TableSuffixes) || f.namesView(name)
}

func (f Filters) namesView(name string) bool   { return hasSuffix(name, f.ViewSuffixes) }
func (f Filters) hidesColumn(name string) bool { return hasPrefix(name, f.ColumnPrefixes) }
func (f Filters) hidesIndex(name string) bool  { return hasSuffix(name, f.IndexSuffixes) }
func (f Filters) whyView() string {
	return "names that end in " + strings.Join(f.ViewSuffixes, " or ") + " are views, no tables"
}

func hasPrefix(name string, all []string) bool {
	return slices.ContainsFunc(all, func(p string) bool { return p != "" && strings.HasPrefix(name, p) })
}

func hasSuffix(name string, all []string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return s != "" && strings.HasSuffix(name, s) })
}

// escapePath escapes the parts of a project's name and keeps its slashes, as
// Gerrit's own links do.
func escapePath(project string) string {
	parts := strings.Split(project, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
