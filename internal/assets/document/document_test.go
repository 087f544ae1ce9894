package document_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// corpus are strings that some dialect of YAML reads as something else, and
// text that is hard to write.
var corpus = []string{
	"", " ", "a", "y", "n", "Y", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "=", "<<", "-", "--", "---", "...", "?", ":", "a: b", "a #b", "#a",
	"1", "-1", "+1", "0", "00", "07", "0777", "0o14", "0x1F", "0b101", "1_000", "12:30", "12:30:45", "1:2.5", "1e3", "1E5", "1e+06", "1.0e-07", "1e-07", ".5", "5.", "-.5", "1.5", ".inf", "-.Inf", ".nan", "inf", "NaN", "Infinity",
	"2024-01-01", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00", "!tag", "&a", "*a", "%x", "@x", "`x`", "{a}", "[a]", "a, b", "'", "\"", "a'b", "a\"b", "\\", "a\\nb",
	" lead", "trail ", "\ttab", "tab\t", "a\tb", "line\nbreak", "line\n", "\nline", "a\n\nb", "a\nb\n\n\n", "a\n b\n", " a\nb", "a \nb ", "a\r\nb", "\r", "a\n\tb", "a\n#b\n---\nc",
	"Замовлення за день", "їжак 🦔", "🦔\nSELECT 'ґ'\n", "\u00a0nbsp", "zero\u200bwidth", "\u2028sep", "\x07bell", "\x1b[2J", "\ufeffbom", "\u0085nel", "e\u0301",
	"SELECT *\nFROM t\nWHERE a = '1e3' -- y\n", "{{ url_param('x') }}", "# *Title*\n\n[link](/superset/dashboard/12/)\n", strings.Repeat("x", 300), strings.Repeat("слово ", 200), "key with spaces", "(1+2)", "/a/b", "12345678-1234-1234-1234-123456789012", "1e345678-1234-1234-1234-123456789012", "./a", "..", "SUM(\"x\")", "50%",
	strings.Repeat("long ", 30) + "\n\n", strings.Repeat(`{"long": "\u0457"} # `, 10) + "-", " " + strings.Repeat("long\n", 30), strings.Repeat("long\u0085", 30),
}

// python decodes YAML documents with the PyYAML that Superset has and gives
// them as JSON.
func python(t *testing.T, documents [][]byte) []string {
	t.Helper()
	program, err := lab.SupersetPython(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import json, sys, yaml
for text in json.load(sys.stdin):
    print(json.dumps(yaml.safe_load(text)))`
	return run(t, program, script, documents)
}

func run(t *testing.T, program, script string, documents [][]byte) []string {
	t.Helper()
	var texts []string
	for _, d := range documents {
		texts = append(texts, string(d))
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), program, "-c", script)
	cmd.Stdin = bytes.NewReader(input)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestPythonReadsWhatWeWrite: the corpus as values and as keys, then random
// trees of it.
func TestPythonReadsWhatWeWrite(t *testing.T) {
	t.Parallel()
	var values []*document.Value
	for _, s := range corpus {
		values = append(values, document.NewMap(document.Field{Key: "v", Value: document.Text(s)},
			document.Field{Key: "l", Value: document.Texts(s, s)}),
			document.NewMap(document.Field{Key: s, Value: document.Number(1)}))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		values = append(values, tree(random, 0))
	}
	for name, write := range map[string]func(*document.Value) []byte{"canonical": (*document.Value).YAML, "compact": (*document.Value).Compact} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readBack(t, values, write)
		})
	}
}

// readBack writes values and lets Python and us read them.
func readBack(t *testing.T, values []*document.Value, write func(*document.Value) []byte) {
	t.Helper()
	var documents [][]byte
	for _, v := range values {
		documents = append(documents, write(v))
	}
	for i, said := range python(t, documents) {
		want, err := document.ParseJSON(said)
		if err != nil {
			t.Fatal(err)
		}
		if !document.Equal(want, values[i]) {
			t.Errorf("Python reads\n%s\nas %s, not %s", documents[i], said, values[i].JSON())
		}
		back, err := document.ParseYAML(documents[i])
		if err != nil || !document.Equal(back, values[i]) || !bytes.Equal(write(back), documents[i]) {
			t.Errorf("we read\n%s\nas %v, %v", documents[i], back, err)
		}
	}
}

// tree is a random value of the corpus.
func tree(random *rand.Rand, depth int) *document.Value {
	switch n := random.IntN(10); {
	case depth < 4 && n < 3:
		m := document.NewMap()
		for range random.IntN(5) {
			m.Set(corpus[random.IntN(len(corpus))], tree(random, depth+1))
		}
		return m
	case depth < 4 && n < 5:
		l := document.NewList()
		for range random.IntN(5) {
			l.Items = append(l.Items, tree(random, depth+1))
		}
		return l
	case n == 5:
		return document.Number(random.IntN(1000) - 500)
	case n == 6:
		return &document.Value{Kind: document.Float, Text: document.FloatText(random.NormFloat64() * []float64{1, 1e-9, 1e18, 0}[random.IntN(4)])}
	case n == 7:
		return []*document.Value{document.Nothing(), document.Truth(true), document.Truth(false)}[random.IntN(3)]
	}
	return document.Text(corpus[random.IntN(len(corpus))])
}

// TestWeReadWhatPythonWrites: what safe_dump makes of the corpus, as Superset's
// exports do.
func TestWeReadWhatPythonWrites(t *testing.T) {
	t.Parallel()
	program, err := lab.SupersetPython(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	var values []*document.Value
	for _, s := range corpus {
		values = append(values, document.NewMap(document.Field{Key: "v", Value: document.Texts(s)}, document.Field{Key: "k" + s, Value: document.Text(s)}))
	}
	for range 300 {
		values = append(values, tree(random, 0))
	}
	var texts [][]byte
	for _, v := range values {
		texts = append(texts, []byte(v.JSON()))
	}
	const script = `
import json, sys, yaml
for text in json.load(sys.stdin):
    print(json.dumps(yaml.safe_dump(json.loads(text), sort_keys=False)))`
	for i, line := range run(t, program, script, texts) {
		var written string
		if err := json.Unmarshal([]byte(line), &written); err != nil {
			t.Fatal(err)
		}
		got, err := document.ParseYAML([]byte(written))
		if err != nil || !document.Equal(got, values[i]) {
			t.Errorf("%v: we read\n%s\nas %v, not %s", err, written, got, values[i].JSON())
		}
	}
}

// TestPlainScalars: the kind that PyYAML gives to text without quotes.
func TestPlainScalars(t *testing.T) {
	t.Parallel()
	plain := []string{
		"1", "07", "0o14", "0x1F", "0b101", "1_000", "-12", "+3", "12:30", "12:30:45", "1:2.5", "1e3", "1.0e3", "1.0e+3", "1.5", ".5", "-.5", "5.", ".inf", "-.INF",
		"yes", "No", "on", "y", "true", "TRUE", "null", "~", "Null", "1.0e-07", "09", "0_7", "1__0", "text", "a b", "190:20:30.15", "685_230.15", "0.", "123456789012345678901234567890",
	}
	var documents [][]byte
	for _, s := range plain {
		documents = append(documents, []byte("v: "+s+"\n"))
	}
	for i, said := range python(t, documents) {
		said = strings.NewReplacer("-Infinity", `"-.inf"`, "Infinity", `".inf"`).Replace(said)
		want, err := document.ParseJSON(said)
		if err != nil {
			t.Fatal(err)
		}
		got, err := document.ParseYAML(documents[i])
		if err != nil {
			t.Fatal(err)
		}
		if v := got.Get("v"); v.Kind == document.Float && strings.HasSuffix(v.Text, "inf") {
			v.Kind = document.String
		}
		if !document.Equal(want, got) {
			t.Errorf("%q: Python says %s, we %s", plain[i], said, got.JSON())
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	for text, want := range map[string]string{
		"a: &x 1\nb: *x\n":       "anchors",
		"a: !!python/object:x\n": "tag",
		"<<: {a: 1}\n":           "merge",
		"a: 1\na: 2\n":           "twice",
		"? [1, 2]\n: 3\n":        "key",
		"a: [1\n":                "line",
		deep:                     "deeper",
	} {
		if _, err := document.ParseYAML([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"", "{", "[1,]", "1 2", "nul", deep} {
		if v, err := document.ParseJSON(text); err == nil {
			t.Errorf("%.30q: read as %v", text, v)
		}
	}
}

func FuzzYAML(f *testing.F) {
	for _, s := range corpus {
		f.Add([]byte(s))
		f.Add(document.NewMap(document.Field{Key: s, Value: document.Texts(s)}).YAML())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := document.ParseYAML(text)
		if err != nil {
			return
		}
		back, err := document.ParseYAML(v.YAML())
		if err != nil || !bytes.Equal(back.YAML(), v.YAML()) {
			t.Errorf("%q was written as\n%s\nand read as %v, %v", text, v.YAML(), back, err)
		}
	})
}
