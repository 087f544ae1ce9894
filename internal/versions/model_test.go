package versions

import (
	"slices"
	"testing"
	"unicode/utf16"
)

// FuzzCompareJava compares with what Java does: units of UTF-16, one by one.
func FuzzCompareJava(f *testing.F) {
	for _, pair := range [][2]string{{"a", "b"}, {"", "a"}, {"ї", "i"}, {"\uE000", "😀"}, {"😀", "😁"}, {"a😀", "a\uFFFD"}, {"x", "x"}} {
		f.Add(pair[0], pair[1])
		f.Add(pair[1], pair[0])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = string([]rune(a)), string([]rune(b))
		if got, want := compareJava(a, b), slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))); got != want {
			t.Errorf("%q, %q: %d, want %d", a, b, got, want)
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	f := Filters{TablePrefixes: []string{"ddm_", ""}, TableSuffixes: []string{"_hst"}, ViewSuffixes: []string{"_v"}, ColumnPrefixes: []string{"dcm_"}, IndexSuffixes: []string{"_m2m"}}
	for name, hidden := range map[string]bool{"ddm_log": true, "ddmark": false, "a_hst": true, "ghst": false, "a_v": true, "v": false, "test_result": false, "": false} {
		if f.hidesTable(name) != hidden {
			t.Errorf("table %q: %v", name, !hidden)
		}
	}
	if !f.hidesColumn("dcm_x") || f.hidesColumn("dcmx") || !f.hidesIndex("ix_m2m") || f.hidesIndex("m2m") || f.namesView("xv") {
		t.Error("a filter is not anchored")
	}
}
