package change

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"testing"
)

// TestDocumentedExamples reads the examples of docs/formats.md as the steps
// read results: an unknown field is a fault.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string][]byte{}
	for _, found := range regexp.MustCompile("(?s)\n##+ (\\S+)\n[^#]*?```json\n(.*?)```").FindAllSubmatch(page, -1) {
		examples[string(found[1])] = found[2]
	}
	for name, into := range map[string]any{
		"failure":               &Failure{},
		"get-changes.json":      &GetChanges{},
		"create-temp-db.json":   &CreateTempDB{},
		"apply-changelog.json":  &ApplyChangelog{},
		"report-verified.json":  &ReportVerified{},
		"prepare-template.json": &PrepareTemplate{},
		"reconcile.json":        &Reconcile{},
		"cleanup-registry.json": &CleanupRegistry{},
		"asset-sync.json":       &AssetSync{},
		"doctor.json":           &Doctor{},
	} {
		decoder := json.NewDecoder(bytes.NewReader(examples[name]))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Errorf("%s: %v\n%s", name, err, examples[name])
		}
		if r, is := into.(Result); is && r.Head().Step+".json" != name {
			t.Errorf("%s: the example is of step %q", name, r.Head().Step)
		}
	}
}
