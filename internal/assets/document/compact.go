package document

// Compact writes the value as the YAML that PyYAML reads with the least work:
// it pays for every token and every character between them. Each field of the
// outermost map has a line of its own; below it stands flow style without
// blanks, with quotes around every string, and long text as a block.
func (v *Value) Compact() []byte {
	var w writer
	if v.Kind != Map || len(v.Fields) == 0 {
		w.flow(v)
	}
	for _, f := range v.Fields {
		w.name(f.Key, 0)
		if v := f.Value; v.Kind == String && len(v.Text) > longQuoted && literal(v.Text) {
			w.text(v.Text, 1)
			continue
		}
		w.b.WriteByte(' ')
		w.flow(f.Value)
		w.b.WriteByte('\n')
	}
	return []byte(w.b.String())
}

// longQuoted is the length in bytes from which a block is read more quickly
// than a quoted string.
const longQuoted = 100

func (w *writer) flow(v *Value) {
	switch v.Kind {
	case List:
		w.b.WriteByte('[')
		for i, item := range v.Items {
			w.comma(i)
			w.flow(item)
		}
		w.b.WriteByte(']')
	case Map:
		w.b.WriteByte('{')
		for i, f := range v.Fields {
			w.comma(i)
			w.key(f.Key)
			w.b.WriteByte(':')
			w.flow(f.Value)
		}
		w.b.WriteByte('}')
	case String:
		w.b.WriteString(quoted(v.Text))
	default:
		w.b.WriteString(scalar(v))
	}
}

func (w *writer) comma(i int) {
	if i > 0 {
		w.b.WriteByte(',')
	}
}

// key quotes a key, and marks one that is too long to be told from a value.
func (w *writer) key(key string) {
	text := quoted(key)
	if len(text) > longKey {
		text = "? " + text + " "
	}
	w.b.WriteString(text)
}
