package schema

import (
	"regexp"
	"strings"
)

var plain = regexp.MustCompile(`^[a-z_][a-z0-9_$]*$`)

// qualified joins names by dots for people to read: always from the schema
// down. A name that would be ambiguous is quoted as SQL quotes it.
func qualified(names ...string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = name
		if !plain.MatchString(name) {
			quoted[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return strings.Join(quoted, ".")
}
