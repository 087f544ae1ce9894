package liquibase

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
)

var update = flag.Bool("update", false, "write the golden file anew")

// testdata/output holds what the versions really wrote to stderr.
func outputs(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/output/*/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no outputs: %v", err)
	}
	return names
}

func TestParse(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, name := range outputs(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f := Parse(string(text))
		fmt.Fprintf(&got, "%s\n  %s %s [%s::%s::%s]\n  %s\n", strings.TrimPrefix(name, "testdata/output/"),
			f.Kind, f.SQLState, f.File, f.Changeset, f.Author, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(&got, "  hint: %s\n", f.Hint)
		}
	}
	golden := "testdata/parsed.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range outputs(f) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(unexpected)
	f.Fuzz(func(t *testing.T, text string) {
		failure := Parse(text)
		if failure.Message == "" || strings.ContainsAny(failure.Message, "\n\r\x1b") || !utf8.ValidString(failure.Message) {
			t.Errorf("message %q", failure.Message)
		}
		if utf8.RuneCountInString(failure.Message) > 12*maxMessage {
			t.Errorf("message of %d runes", utf8.RuneCountInString(failure.Message))
		}
		if failure.Kind == "" || failure.Kind == change.KindBase {
			t.Errorf("kind %q", failure.Kind)
		}
	})
}

// What Java says about its own installation or this machine is nobody's model.
func TestNotTheChangelog(t *testing.T) {
	t.Parallel()
	for report, want := range map[string]change.Kind{
		"java.lang.NoClassDefFoundError: com/opencsv/CSVReader":                                                               change.KindConfiguration,
		"com/opencsv/exceptions/CsvMalformedLineException":                                                                    change.KindConfiguration,
		"Migration failed for changeset a.xml::1::me:\n     Reason: java.lang.NoClassDefFoundError: com/opencsv/CSVReader":    change.KindConfiguration,
		"Migration failed for changeset a.xml::1::me:\n     Reason: java.io.IOException: No space left on device":             change.KindInfrastructure,
		"Error Reading Changelog File: java.io.FileNotFoundException: a.xml (Too many open files)":                            change.KindInfrastructure,
		"java.io.IOException: Read-only file system":                                                                          change.KindInfrastructure,
		"Migration failed for changeset a.xml::1::me:\n     Reason: ERROR: No space left on device\n  Server SQLState: P0001": change.KindCandidate,
	} {
		if f := Parse(unexpected + report); f.Kind != want {
			t.Errorf("%s: %s, want %s", report, f.Kind, want)
		}
	}
}

func TestMissingClass(t *testing.T) {
	t.Parallel()
	for report, want := range map[string]string{
		"com.example.Nope": "com.example.Nope",
		"java.lang.ClassNotFoundException: com.example.Outer$Nope":      "com.example.Outer$Nope",
		"Migration failed for changeset a.xml::1::me:\n     Reason: no": "",
		"Validation Failed:": "",
	} {
		if got := MissingClass(Parse(unexpected + report)); got != want {
			t.Errorf("%s: %q, want %q", report, got, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, file, id, author string }{
		{"a/b.xml::1::me", "a/b.xml", "1", "me"},
		{"b.xml::table a::o'brien & co", "b.xml", "table a", "o'brien & co"},
		{"b.xml::1::2::me", "b.xml", "1::2", "me"},
		{"b.xml::::", "b.xml", "", ""},
		{"b.xml", "", "", ""},
		{"b.xml::1", "", "", ""},
		{"", "", "", ""},
	} {
		file, id, author := Identity(c.text)
		if diff := cmp.Diff([]string{c.file, c.id, c.author}, []string{file, id, author}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	var told []string
	o := &output{progress: func(message string) { told = append(told, message) }, over: func() { t.Error("over the limit") }}
	for _, part := range []string{"Running Chang", "eset: a.xml::1::\x1bme\nRunning Changeset: a.xml::2::me\n", strings.Repeat("x", 3*maxLine), "\nlast"} {
		if _, err := o.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{`running changeset a.xml::1::\u001bme`, "running changeset a.xml::2::me"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	for _, line := range o.tail {
		if len(line) > maxLine {
			t.Errorf("a line of %d bytes is kept", len(line))
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	got := string(properties(map[string]string{"parameter.b": " x=y\\z #!", "a": "Їжак 🦔\n"}))
	want := "a=\\u0407\\u0436\\u0430\\u043a\\ \\ud83e\\udd94\\u000a\nparameter.b=\\ x\\=y\\\\z\\ \\#\\!\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
