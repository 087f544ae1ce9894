package tree

import (
	"bufio"
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// parameter is Liquibase's own pattern; ${:name} is its way to escape one.
var parameter = regexp.MustCompile(`\$\{([^}\s]+)\}`)

// define notes what a property element gives values to. The first definition
// wins, as in Liquibase; contexts are not looked at.
func (f *file) define(e element) {
	if name := e.attributes["name"]; name != "" {
		f.setDefault(name, f.expand(e.attributes["value"]))
	}
	if e.attributes["file"] == "" {
		return
	}
	target, fault := f.resolve(e, e.attributes["file"])
	if fault != "" {
		return
	}
	text, err := f.read(target)
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, is := strings.Cut(lines.Text(), "=")
		if is && !strings.HasPrefix(strings.TrimSpace(name), "#") {
			f.setDefault(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
}

func (r *reader) setDefault(name, value string) {
	if _, known := r.defined[name]; !known {
		r.defined[name] = value[:min(len(value), maxValue)]
	}
}

// expand replaces the parameters that have a value; the others stay, and so
// does a text of a length that no path or identity has.
func (r *reader) expand(text string) string {
	if len(text) > maxExpanded || !strings.Contains(text, "${") {
		return text
	}
	return parameter.ReplaceAllStringFunc(text, func(mention string) string {
		if value, known := r.defined[mention[2:len(mention)-1]]; known {
			return value
		}
		return mention
	})
}

// mention notes the parameters in a text that begins at a line of a file.
func (r *reader) mention(name, text string, line int) {
	if !strings.Contains(text, "${") {
		return
	}
	for _, at := range parameter.FindAllStringSubmatchIndex(text, -1) {
		key := text[at[2]:at[3]]
		if _, known := r.mentions[key]; !known {
			r.order = append(r.order, key)
			r.mentions[key] = Place{File: r.place(name), Line: line + strings.Count(text[:at[0]], "\n")}
		}
	}
}

// builtIn are the beginnings of names that Liquibase or Java define.
var builtIn = []string{":", "database.", "liquibase.", "java.", "user.", "os.", "file.", "path.", "line."}

// warnUndefined runs last, since a definition may stand after its use.
func (r *reader) warnUndefined() {
	for _, key := range r.order {
		_, known := r.defined[key]
		if known || slices.ContainsFunc(builtIn, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			continue
		}
		place := r.mentions[key]
		place.Text = "nothing defines the parameter ${" + key + "}: it stays as it is written"
		if len(r.index.Warnings) < maxReports {
			r.index.Warnings = append(r.index.Warnings, place)
		}
	}
}
