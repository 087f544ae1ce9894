package page

import (
	"regexp"
	"strings"
)

// detail is one line of what a new table holds.
type detail struct {
	Object string // "column", "comment", …: as the kinds of a change
	Text   string
}

// detailKinds begin the lines, the longer of two first.
var detailKinds = []string{"column", "primary key", "unique", "foreign key", "check", "exclusion", "policy", "index", "trigger", "comment", "grant"}

// detailsOf takes the kinds off the lines: they are words, the rest is a
// definition. "comment on name text" is about a column.
func detailsOf(lines []string) []detail {
	list := make([]detail, len(lines))
	for i, line := range lines {
		list[i].Text = line
		for _, kind := range detailKinds {
			if rest, is := strings.CutPrefix(line, kind+" "); is {
				list[i] = detail{kind, strings.TrimPrefix(rest, "on ")}
				break
			}
		}
	}
	return list
}

// rewording is how a definition says in our own words what is no SQL. What
// people wrote, and SQL, stays as it is.
type rewording struct {
	objects string // kinds of changes, "" all
	english *regexp.Regexp
	say     func(l tongue, found []string) string
}

var rewordings = []rewording{
	{"", regexp.MustCompile(`… \((\d+) characters, sha256 ([0-9a-f]+)\)$`), func(l tongue, f []string) string {
		return "… (" + counted(l, f[1], "character", [3]string{"символ", "символи", "символів"}) + ", sha256 " + f[2] + ")"
	}},
	{"function", regexp.MustCompile(`\((\d+) lines?, sha256 ([0-9a-f]+)\)$`), func(l tongue, f []string) string {
		return "(" + counted(l, f[1], "line", [3]string{"рядок", "рядки", "рядків"}) + ", sha256 " + f[2] + ")"
	}},
	{"function", regexp.MustCompile(`^((?:procedure|aggregate|window function) )?(?:(returns )(.*) )?language (\S+)`), func(l tongue, f []string) string {
		text := l.text("word.language") + " " + f[4]
		if f[2] != "" {
			text = l.text("word.returns") + " " + f[3] + ", " + text
		}
		if kind := strings.TrimSpace(f[1]); kind != "" {
			text = l.text("word."+kind) + " " + text
		}
		return text
	}},
	{"extension", regexp.MustCompile(`^(\S+) in (.+)$`), func(l tongue, f []string) string {
		return f[1] + " " + l.text("word.in") + " " + f[2]
	}},
	{"type", regexp.MustCompile(`^(enum|composite|domain|range|base)\b`), func(l tongue, f []string) string { return l.text("word." + f[1]) }},
	{"table", regexp.MustCompile(`^(\d+) columns?\b`), func(l tongue, f []string) string {
		return counted(l, f[1], "column", [3]string{"стовпець", "стовпці", "стовпців"})
	}},
	{"table", regexp.MustCompile(`(^|, )(partitioned table|foreign table|table)(,|$)`), func(l tongue, f []string) string {
		return f[1] + l.text("word."+f[2]) + f[3]
	}},
	{"grant", regexp.MustCompile(`: nothing$`), func(l tongue, _ []string) string { return ": " + l.text("word.nothing") }},
	{"default privileges", regexp.MustCompile(`^none$`), func(l tongue, _ []string) string { return l.text("word.nothing") }},
	filled("publication", `^for all tables$`, "words.all tables"),
	filled("publication", `^for no table$`, "words.no table"),
	filled("publication", `^for `, "words.for"),
	filled("foreign server", `^wrapper (\S+)`, "words.wrapper"),
	filled("event trigger", `^on (\S+) execute (.+) state (\S+)$`, "words.event"),
	filled("cast", `^method (\S+) function (.+) context (\S+)$`, "words.cast"),
	filled("operator", `^function (.+)$`, "words.operator"),
	filled("collation", `^provider (\S+) collate (.*) deterministic (\S+)$`, "words.collation"),
	{"default privileges", regexp.MustCompile(` to (\S+?)(,|$)`), func(l tongue, f []string) string { return " " + l.text("word.to") + " " + f[1] + f[2] }},
}

// filled puts what was found into a text.
func filled(object, english, key string) rewording {
	return rewording{object, regexp.MustCompile(english), func(l tongue, found []string) string {
		args := make([]any, len(found)-1)
		for i := range args {
			args[i] = found[i+1]
		}
		return fill(l.text(key), args)
	}}
}

// definition says in the page's language what a difference defines.
func definition(l tongue, object, text string) string {
	if l == english {
		return text
	}
	for _, r := range rewordings {
		if r.objects == "" || r.objects == object {
			text = r.english.ReplaceAllStringFunc(text, func(found string) string { return r.say(l, r.english.FindStringSubmatch(found)) })
		}
	}
	return text
}

var privilegesOf = regexp.MustCompile(`^(tables|sequences|functions|types|schemas) of (.+?)(?: in (.+))?$`)

// nameOf says what default privileges are for; all other names are names.
func nameOf(l tongue, object, name string) string {
	found := privilegesOf.FindStringSubmatch(name)
	if l == english || object != "default privileges" || found == nil {
		return name
	}
	text := l.text("word."+found[1]) + " " + l.text("word.of") + " " + found[2]
	if found[3] != "" {
		text += " " + l.text("word.in") + " " + found[3]
	}
	return text
}
