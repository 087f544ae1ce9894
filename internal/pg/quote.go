package pg

import "strings"

// Ident quotes a name for DDL, which takes no parameters. A NUL byte, which
// no name can hold, is dropped as pgx does.
func Ident(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// Literal quotes a text for DDL. With a backslash in it the E” form is used,
// so that the answer does not depend on standard_conforming_strings.
func Literal(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "'", "''")
	if strings.Contains(text, `\`) {
		return " E'" + strings.ReplaceAll(text, `\`, `\\`) + "'"
	}
	return "'" + text + "'"
}
