package document

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// YAML writes the value in the one canonical form: block style, two blanks per
// level, keys in the value's order, text of several lines as a block, and
// quotes around every string that Python or Go could read as something else.
// No library writes it, because its bytes must never change: they are in git.
func (v *Value) YAML() []byte {
	var w writer
	switch {
	case v.Kind == Map && len(v.Fields) > 0, v.Kind == List && len(v.Items) > 0:
		w.block(v, 0)
	default:
		w.b.WriteString(scalar(v) + "\n")
	}
	return []byte(w.b.String())
}

type writer struct{ b strings.Builder }

func (w *writer) block(v *Value, indent int) {
	if v.Kind == List {
		for _, item := range v.Items {
			w.indent(indent)
			w.b.WriteByte('-')
			w.item(item, indent)
		}
		return
	}
	for _, f := range v.Fields {
		w.indent(indent)
		w.field(f, indent)
	}
}

// item writes what follows a dash. A map begins in the dash's own line.
func (w *writer) item(v *Value, indent int) {
	if v.Kind == Map && len(v.Fields) > 0 {
		w.b.WriteByte(' ')
		for i, f := range v.Fields {
			if i > 0 {
				w.indent(indent + 1)
			}
			w.field(f, indent+1)
		}
		return
	}
	w.after(v, indent)
}

func (w *writer) field(f Field, indent int) {
	w.name(f.Key, indent)
	w.after(f.Value, indent)
}

// name writes a key in block style.
func (w *writer) name(name string, indent int) {
	key := quoted(name)
	if plain(name) {
		key = name
	}
	if len(key) > longKey {
		w.b.WriteString("? " + key + "\n")
		w.indent(indent)
		key = ""
	}
	w.b.WriteString(key + ":")
}

// longKey is the length of a key in bytes from which a mark stands before it:
// without one it ends within 128 bytes in libyaml, 1024 in the standard.
const longKey = 100

func (w *writer) after(v *Value, indent int) {
	switch {
	case v.Kind == Map && len(v.Fields) > 0, v.Kind == List && len(v.Items) > 0:
		w.b.WriteByte('\n')
		w.block(v, indent+1)
	case v.Kind == String && blockable(v.Text):
		w.text(v.Text, indent+1)
	default:
		w.b.WriteString(" " + scalar(v) + "\n")
	}
}

func (w *writer) indent(n int) {
	for range n {
		w.b.WriteString("  ")
	}
}

// text writes a literal block. Its lines stand as they are, but for an empty
// one, which has no indentation.
func (w *writer) text(text string, indent int) {
	body := strings.TrimRight(text, "\n")
	switch strings.Count(text[len(body):], "\n") {
	case 0:
		w.b.WriteString(" |-\n")
	case 1:
		w.b.WriteString(" |\n")
	default:
		w.b.WriteString(" |+\n")
	}
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			w.indent(indent)
			w.b.WriteString(line)
		}
		w.b.WriteByte('\n')
	}
	if extra := len(text) - len(body); extra > 1 {
		w.b.WriteString(strings.Repeat("\n", extra-1))
	}
}

// blockable says that a text of several lines may stand in a literal block.
func blockable(text string) bool {
	return strings.Contains(strings.TrimRight(text, "\n"), "\n") && literal(text)
}

// literal says that both readers give a literal block back as it is: the first
// line not indented nor empty, only characters that may stand unescaped.
func literal(text string) bool {
	if text == "" || text[0] == ' ' || text[0] == '\n' || text[0] == '\t' {
		return false
	}
	for _, r := range text {
		if r != '\n' && r != '\t' && !printable(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// printable says that a character stands for itself in YAML and is seen.
func printable(r rune) bool {
	switch {
	case r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r == utf8.RuneError:
		return false
	case r == ' ':
		return true
	}
	return r < 0x10000 && unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) || r >= 0x10000 && unicode.IsGraphic(r)
}

func scalar(v *Value) string {
	switch v.Kind {
	case Null:
		return "null"
	case List:
		return "[]"
	case Map:
		return "{}"
	case String:
		if plain(v.Text) {
			return v.Text
		}
		return quoted(v.Text)
	}
	return v.Text
}

var (
	plainWord = regexp.MustCompile(`^[\p{L}_./(][^\x00-\x1f"'#:{}\[\],&*!|>%@` + "`" + `]*$`)
	uuid      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	looksLike = regexp.MustCompile(`^(?i:y|n|yes|no|true|false|on|off|null|nan|inf|infinity|\.inf|\.nan|[.+-]?[0-9].*|0x.*|0o.*)$`)
)

// plain says that a string needs no quotes in any dialect: it begins like a
// word, has no character with a meaning, and is no number, truth or null.
func plain(s string) bool {
	if uuid.MatchString(s) {
		return true
	}
	if s == "" || len(s) > 4000 || !plainWord.MatchString(s) || looksLike.MatchString(s) || strings.HasSuffix(s, " ") {
		return false
	}
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") || resolve(s).Kind != String {
		return false
	}
	for _, r := range s {
		if !printable(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// quoted writes a double-quoted scalar.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case printable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
