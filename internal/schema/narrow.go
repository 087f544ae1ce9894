package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const hazardConvert = "existing values may not convert"

// typeChange judges the change of a column's type: "" when every value fits.
// Only what is known to fit does, so an unknown type is a hazard, not a
// surprise.
func typeChange(before, after string) string {
	old, new := parseType(before), parseType(after)
	switch {
	case before == after, old.fits(new):
		return ""
	case old.family() != "" && old.family() == new.family() && old.dimensions == new.dimensions:
		return "narrowed"
	}
	return hazardConvert
}

// typeName is a type as format_type writes it, taken apart.
type typeName struct {
	base       string // "character varying", "timestamp with time zone"
	arguments  []int  // length, or precision and scale
	dimensions string // "[]" of an array
}

var modifier = regexp.MustCompile(`\((\d+)(?:,(-?\d+))?\)`)

func parseType(text string) typeName {
	var t typeName
	if strings.Contains(text, `"`) { // somebody's own: its name may look like anything
		return typeName{base: text}
	}
	for strings.HasSuffix(text, "[]") {
		text, t.dimensions = strings.TrimSuffix(text, "[]"), "[]"
	}
	if m := modifier.FindStringSubmatch(text); m != nil {
		for _, digits := range m[1:] {
			if n, err := strconv.Atoi(digits); err == nil {
				t.arguments = append(t.arguments, n)
			}
		}
	}
	t.base = modifier.ReplaceAllString(text, "")
	return t
}

// widenings are the casts of PostgreSQL that keep every value; the same base
// is judged by its arguments alone.
var widenings = map[string][]string{
	"smallint":                    {"integer", "bigint", "numeric", "real", "double precision"},
	"integer":                     {"bigint", "numeric", "double precision"},
	"bigint":                      {"numeric"},
	"real":                        {"double precision"},
	"character":                   {"character varying"},
	"bit":                         {"bit varying"},
	"date":                        {"timestamp without time zone", "timestamp with time zone"},
	"timestamp without time zone": {"timestamp with time zone"},
	"time without time zone":      {"time with time zone", "interval"},
	"json":                        {"jsonb"},
	"jsonb":                       {"json"},
	"cidr":                        {"inet"},
	"macaddr":                     {"macaddr8"},
}

func (t typeName) fits(into typeName) bool {
	switch {
	case into.dimensions == "" && len(into.arguments) == 0 && (into.base == "text" || into.base == "character varying"):
		return true // everything has a text form
	case t.dimensions != into.dimensions:
		return false
	case t.base != into.base && !slices.Contains(widenings[t.base], into.base):
		return false
	case into.base == "numeric":
		return t.digitsFit(into)
	case strings.HasPrefix(into.base, "time"), into.base == "interval":
		return t.fraction() <= into.fraction()
	case into.base == "bit":
		return slices.Equal(t.arguments, into.arguments)
	}
	return t.lengthFits(into)
}

// digits that the integers need; a numeric's own are its arguments.
var digits = map[string][]int{"smallint": {5, 0}, "integer": {10, 0}, "bigint": {19, 0}}

func (t typeName) digitsFit(into typeName) bool {
	if len(into.arguments) == 0 {
		return true
	}
	have := t.arguments
	if d, ok := digits[t.base]; ok {
		have = d
	}
	if len(have) < 2 || len(into.arguments) < 2 {
		return false
	}
	return into.arguments[1] >= have[1] && into.arguments[0]-into.arguments[1] >= have[0]-have[1]
}

// fraction is the number of digits of a second; 6 when nothing is said. A
// date has none.
func (t typeName) fraction() int {
	switch {
	case len(t.arguments) > 0:
		return t.arguments[0]
	case t.base == "date":
		return 0
	}
	return 6
}

func (t typeName) lengthFits(into typeName) bool {
	if len(into.arguments) == 0 {
		return true
	}
	return len(t.arguments) > 0 && t.arguments[0] <= into.arguments[0]
}

// family groups types between which a change loses a part of a value.
func (t typeName) family() string {
	families := map[string][]string{
		"number": {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"},
		"text":   {"character", "character varying", "text", "bpchar", "name"},
		"bits":   {"bit", "bit varying"},
		"net":    {"inet", "cidr"},
		"time": {
			"date", "timestamp without time zone", "timestamp with time zone",
			"time without time zone", "time with time zone", "interval",
		},
	}
	for family, members := range families {
		if slices.Contains(members, t.base) {
			return family
		}
	}
	return ""
}
