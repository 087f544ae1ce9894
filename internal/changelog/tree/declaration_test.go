package tree

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const hidden = "<databaseChangeLog><changeSet id='1' author='a'><executeCommand executable='x'/></changeSet></databaseChangeLog>"

// What Java reads and we do not must not pass unseen: each of these hides an
// executeCommand.
func TestEveryEncodingIsScanned(t *testing.T) {
	t.Parallel()
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	for _, c := range []struct {
		name, declaration string
		encoding          encoding.Encoding
		want              string
	}{
		{"UTF-8", `<?xml version="1.0" encoding="utf-8"?>`, nil, "executeCommand"},
		{"UTF-8 with a mark", "\ufeff<?xml version='1.0'?>", nil, "executeCommand"},
		{"XML 1.1", `<?xml version="1.1" encoding="UTF-8" standalone="yes" ?>`, nil, "executeCommand"},
		{"UTF-16 with a mark", `<?xml version="1.0" encoding="UTF-16"?>`, little, "executeCommand"},
		{"UTF-16 without", `<?xml version="1.1"?>`, big, "executeCommand"},
		{"UTF-16 that goes on as UTF-8", `<?xml version="1.0" encoding="UTF-8"?>`, little, "encoding UTF-8 cannot be checked"},
		{"UTF-16 of the other end", `<?xml version="1.0" encoding="UTF-16BE"?>`, little, "encoding UTF-16BE cannot be checked"},
		{"windows-1251", `<?xml version="1.0" encoding="windows-1251"?>`, charmap.Windows1251, "executeCommand"},
		{"many bytes to a letter", `<?xml version="1.0" encoding="Shift_JIS"?>`, nil, "encoding Shift_JIS cannot be checked"},
		{"replaced by nothing", `<?xml version="1.0" encoding="ISO-2022-KR"?>`, nil, "encoding ISO-2022-KR cannot be checked"},
		{"with blanks", `<?xml version = "1.0" encoding = "x-Johab"?>`, nil, "encoding x-Johab cannot be checked"},
		{"EBCDIC", `<?xml version="1.0" encoding="Cp037"?>`, charmap.CodePage037, "cannot be read"},
		{"malformed", `<?xml encoding="UTF-8" version="1.0"?>`, nil, "declaration is malformed"},
		{"not at the beginning", `  <?xml version="1.0" encoding="UTF-16"?>`, nil, "cannot be read"},
	} {
		text := c.declaration + hidden
		if c.encoding != nil {
			var err error
			if text, err = c.encoding.NewEncoder().String(text); err != nil {
				t.Fatal(err)
			}
		}
		index := Read(write(t, map[string]string{"main.xml": text}), []string{"main.xml"}, Options{})
		if len(index.Faults) == 0 || !strings.Contains(fmt.Sprint(index.Faults), c.want) {
			t.Errorf("%s: %v, want %s", c.name, index.Faults, c.want)
		}
	}
}

// Liquibase takes a file for XML by the end of its name, dot or not.
func TestSuffixWithoutDot(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"main.xml": "<databaseChangeLog><include file='otherxml'/></databaseChangeLog>", "otherxml": hidden})
	if index := Read(dir, []string{"main.xml"}, Options{}); len(index.Faults) != 1 {
		t.Errorf("faults: %v", index.Faults)
	}
}

func TestUnreadableIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"main.xml": "<databaseChangeLog>\n<a></b>", "main.yaml": "a: 1\n  b: [\n", "main.json": "{\n\"a\": [\n"} {
		index := Read(write(t, map[string]string{name: text}), []string{name}, Options{})
		if len(index.Faults) != 1 || index.Faults[0].File != name || index.Faults[0].Line == 0 {
			t.Errorf("%s: %v", name, index.Faults)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"main.xml":  "<databaseChangeLog><property name='p' value='org.example'/><changeSet id='1' author='a'><customChange class='${p}.Own$Inner'/></changeSet><include file='more.yaml'/></databaseChangeLog>",
		"more.yaml": "databaseChangeLog:\n- changeSet:\n    id: 1\n    changes:\n    - customChange: {class: org.example.Second}\n",
	})
	index := Read(dir, []string{"main.xml"}, Options{Classes: true})
	for class, want := range map[string]bool{"org.example.Own$Inner": true, "org.example.Second": true, "liquibase.ext.Missing": false} {
		if got := index.Names(class); got != want {
			t.Errorf("%s: %t", class, got)
		}
	}
}

// JSON escapes letters beyond U+FFFF in two halves, which YAML does not know.
func TestJSONWithSurrogates(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"main.json": `{"databaseChangeLog": [{"changeSet": {"id": "\ud83d\ude00", "author": "a",
 "changes": [{"executeCommand": {"executable": "x"}}]}}]}`})
	index := Read(dir, []string{"main.json"}, Options{})
	if len(index.Faults) != 1 || !strings.Contains(fmt.Sprint(index.Faults), "executeCommand") {
		t.Errorf("faults: %v", index.Faults)
	}
}
