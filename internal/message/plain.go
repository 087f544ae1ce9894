package message

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// What is quoted in a message comes from whoever can push for review: names of
// files and tables, reasons of the database. Gerrit shows messages as
// markdown, so all of it is made harmless.

// Plain escapes markdown in a text of one line.
func Plain(text string) string {
	var b strings.Builder
	runes := []rune(change.OneLine(text))
	for i, r := range runes {
		if strings.ContainsRune("\\`*[]<>|~#&", r) || r == '_' && !insideWord(runes, i) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// insideWord: an underscore inside a word is no emphasis, and names of tables
// are full of them.
func insideWord(runes []rune, i int) bool {
	return i > 0 && i+1 < len(runes) && wordly(runes[i-1]) && wordly(runes[i+1])
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// unplain takes back what Plain has escaped.
func unplain(text string) string { return escaped.ReplaceAllString(text, "$1") }

var escaped = regexp.MustCompile("\\\\([\\\\`*\\[\\]<>|~#&_])")
