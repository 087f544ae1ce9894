package liquibase

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// TestFolderWithASeparator: Liquibase would take it for two folders, find
// nothing in either, and the changelog's author would be blamed.
func TestFolderWithASeparator(t *testing.T) {
	t.Parallel()
	for dir, home := range map[string]*Home{"/tmp/a,b": {SearchPath: true}, "/tmp/a:b": {}} {
		_, err := home.prepare(Update{Dir: dir, Scratch: t.TempDir()})
		if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, "TMPDIR") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
