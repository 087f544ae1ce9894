package schema

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxText bounds Before and After: a function's body can be a megabyte.
const maxText = 400

// brief cuts a long definition; the digest at its end still tells two long
// ones apart.
func brief(text string) string {
	length := utf8.RuneCountInString(text)
	if length <= maxText {
		return text
	}
	return fmt.Sprintf("%s… (%d characters, sha256 %x)", cut(text, maxText), length, sha256.Sum256([]byte(text)))
}

// cut keeps the first n characters.
func cut(text string, n int) string {
	for at := range text {
		if n == 0 {
			return text[:at]
		}
		n--
	}
	return text
}

// words joins what is not empty by blanks.
func words(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " ")
}

// prefixed puts a word before a text that is not empty.
func prefixed(word, text string) string {
	if text == "" {
		return ""
	}
	return word + " " + text
}

// when gives the text if the condition holds.
func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func grantText(g *Grant) string {
	if g == nil {
		return ""
	}
	if len(g.Privileges) == 0 {
		return g.Role + ": nothing"
	}
	return g.Role + ": " + strings.Join(g.Privileges, ", ")
}

// columnText is a column as CREATE TABLE has it.
func columnText(c *Column) string {
	return words(c.Type,
		prefixed("COLLATE", c.Collation),
		when(c.NotNull, "NOT NULL"),
		prefixed("DEFAULT", c.Default),
		prefixed("GENERATED", when(c.Identity != "", c.Identity+" AS IDENTITY")),
		when(c.Sequence != "", "("+c.Sequence+")"),
		prefixed("GENERATED ALWAYS AS", c.Generated))
}

func columnTexts(columns []Column) string {
	list := make([]string, len(columns))
	for i := range columns {
		list[i] = qualified(columns[i].Name) + " " + columnText(&columns[i])
	}
	return strings.Join(list, ", ")
}
