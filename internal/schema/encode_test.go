package schema_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/schema"
)

func exampleDifference() *schema.Difference {
	d := &schema.Difference{FormatVersion: 1}
	for i := range 500 {
		d.Changes = append(d.Changes, schema.Change{
			Action: "add", Object: "column", Name: fmt.Sprintf("registry.laboratory.\"рік\n%d\"", i), After: "text", Hazard: "…",
		})
	}
	return d
}

func TestEncode(t *testing.T) {
	t.Parallel()
	want := exampleDifference()
	text, ok := schema.Encode(want, 1<<20)
	if !ok {
		t.Fatal("no text within a mebibyte")
	}
	got, err := schema.Decode[schema.Difference](text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	if _, ok := schema.Encode(want, len(text)); !ok {
		t.Error("refused at exactly the limit")
	}
	if _, ok := schema.Encode(want, len(text)-1); ok {
		t.Error("accepted beyond the limit")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, _ := schema.Encode(exampleDifference(), 1<<20)
	for name, text := range map[string]string{
		"nothing":         "",
		"no base64":       "?",
		"no gzip":         base64.StdEncoding.EncodeToString([]byte("{}")),
		"cut":             good[:len(good)/2],
		"no JSON":         packed("no"),
		"other format":    packed(`{"formatVersion":2}`),
		"unpacks to much": packed(strings.Repeat(" ", 20<<20) + `{"formatVersion":1}`),
	} {
		if _, err := schema.Decode[schema.Difference](text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func packed(text string) string {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	zip.Write([]byte(text))
	zip.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func FuzzDecode(f *testing.F) {
	good, _ := schema.Encode(exampleDifference(), 1<<20)
	f.Add(good)
	f.Add(packed(`{"formatVersion":1,"changes":[{"name":"x"}]}`))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := schema.Decode[schema.Difference](text)
		if err != nil {
			return
		}
		for _, line := range d.Lines(10) {
			if strings.ContainsAny(line, "\n\x1b") {
				t.Errorf("not fit for a line: %q", line)
			}
		}
		if again, ok := schema.Encode(d, 64<<20); !ok || again == "" {
			t.Error("decoded, but cannot be encoded")
		}
	})
}
