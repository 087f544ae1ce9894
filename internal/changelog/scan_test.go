package changelog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/tree"
)

// A class that Java misses is the author's fault only if a changelog names it.
func TestExplainMissingClass(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "<databaseChangeLog><changeSet id='1' author='a'><customChange class='com.example.Own'/></changeSet></databaseChangeLog>"
	if err := os.WriteFile(filepath.Join(dir, "main.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &scanned{index: tree.Read(dir, []string{"main.xml"}, tree.Options{Classes: true})}
	for class, want := range map[string]change.Kind{"com.example.Own": change.KindCandidate, "liquibase.ext.Missing": change.KindConfiguration} {
		if f := s.explain(change.Failf(change.KindCandidate, "%s", class)); f.Kind != want {
			t.Errorf("%s: %s, want %s", class, f.Kind, want)
		}
	}
}
