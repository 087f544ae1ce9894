package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Bounds of a line, in characters. The hazard is written in our own words and
// never cut.
const (
	maxName  = 200
	maxShown = 100 // of each definition
)

// Lines gives the difference for people, a line each and escaped: "~ column
// registry.laboratory.name text → character varying(50)  ! narrowed". Of more
// than max changes those that endanger data come first, so that nobody can
// push one out of sight; the last line counts the rest.
func (d *Difference) Lines(max int) []string {
	shown := d.Changes
	if len(shown) > max {
		shown = hazardsFirst(shown)[:max]
	}
	lines := make([]string, 0, len(shown)+1)
	for i := range shown {
		lines = append(lines, line(&shown[i]))
	}
	if rest := len(d.Changes) - len(shown); rest > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", rest)+marked(d.Hazards()-len(shown)))
	}
	return lines
}

// marked speaks of hazards that found no place.
func marked(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them marked", n)
}

func hazardsFirst(changes []Change) []Change {
	var dangerous, harmless []Change
	for _, c := range changes {
		if c.Hazard != "" {
			dangerous = append(dangerous, c)
		} else {
			harmless = append(harmless, c)
		}
	}
	return append(dangerous, harmless...)
}

func line(c *Change) string {
	sign := map[string]string{actionAdd: "+", actionDrop: "-", actionChange: "~"}[c.Action]
	text := words(sign, c.Object, bounded(c.Name, maxName), definition(c))
	if c.Hazard != "" {
		text += "  ! " + change.OneLine(c.Hazard)
	}
	return text
}

func definition(c *Change) string {
	before, after := flat(c.Before), flat(c.After)
	if c.Action == actionChange {
		before, after = fromDifference(before, after)
	}
	before, after = bounded(before, maxShown), bounded(after, maxShown)
	switch {
	case c.Object == "table" && c.Action != actionChange:
		return "(" + before + after + ")"
	case c.Action == actionDrop && c.Object != "grant" && c.Object != "comment":
		return "" // the name says it
	case c.Action == actionDrop:
		return before
	case c.Action == actionAdd:
		return after
	}
	return before + " → " + after
}

// flat puts a definition of many lines into one.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// fromDifference leaves out what two long texts begin with alike, from a blank
// on, so that the cut does not hide what differs.
func fromDifference(before, after string) (string, string) {
	if utf8.RuneCountInString(before) <= maxShown && utf8.RuneCountInString(after) <= maxShown {
		return before, after
	}
	same := 0
	for i := 0; i < min(len(before), len(after)) && before[i] == after[i]; i++ {
		if before[i] == ' ' {
			same = i + 1
		}
	}
	if same == 0 {
		return before, after
	}
	return "… " + before[same:], "… " + after[same:]
}

// bounded escapes a text, then cuts it.
func bounded(text string, n int) string {
	text = change.OneLine(text)
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return cut(text, n) + "…"
}
