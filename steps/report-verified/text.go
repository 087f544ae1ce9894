package main

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// What is quoted in a message comes from whoever can push for review: Gerrit
// shows messages as markdown, so all of it is made harmless, by message.Plain
// or as code.

// code sets a text of one line as code, in which nothing else is markdown.
func code(text string) string {
	text = cut(strings.ReplaceAll(change.OneLine(text), "`", "'"), 500)
	return "`" + orElse(text, "-") + "`"
}

// length counts as Gerrit does: in UTF-16 units, so that an emoji is two.
func length(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut shortens a text to at most longest units, between two runes, and not
// behind a backslash that escapes what follows.
func cut(text string, longest int) string {
	if length(text) <= longest {
		return text
	}
	n := 0
	for i, r := range text {
		if n += utf16.RuneLen(r); n >= longest {
			kept := strings.TrimRight(text[:i], "\\")
			return kept + "…"
		}
	}
	return text
}

// fit joins as many lines as there is room for and says how many are left out.
func fit(lines []string, room int) string {
	const reserve = 40 // for the last line
	for i, line := range lines {
		if room -= length(line) + 1; room < reserve {
			return strings.Join(append(lines[:i:i], fmt.Sprintf("- … and %d more", len(lines)-i)), "\n")
		}
	}
	return strings.Join(lines, "\n")
}
