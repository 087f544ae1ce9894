//go:build long

package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestSnapshot makes a release of this tree without publishing: archives that
// hold what the checksums say, with the steps and the scripts in them.
func TestSnapshot(t *testing.T) {
	program, err := lab.GoTool(t.Context(), "github.com/goreleaser/goreleaser/v2@v2.15.1")
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(t.TempDir(), "dist")
	config := filepath.Join(t.TempDir(), "goreleaser.yaml")
	if err := os.WriteFile(config, []byte(read(t, ".goreleaser.yaml")+"\ndist: "+dist+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", config}, {"release", "--snapshot", "--skip=docker,publish", "--config", config}} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("goreleaser %v: %v\n%s", args, err, out)
		}
	}
	sums := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "checksums.txt")
	sums.Dir = dist
	if out, err := sums.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	archives, err := filepath.Glob(filepath.Join(dist, "patchbay_*_linux_*.tar.gz"))
	if err != nil || len(archives) != 2 {
		t.Fatalf("archives: %v, %v", archives, err)
	}
	out, err := exec.CommandContext(t.Context(), "tar", "-tzf", archives[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(steps(t), "propose-assets", "LICENSE") {
		if !strings.Contains(string(out), "/"+name+"\n") {
			t.Errorf("no %s in\n%s", name, out)
		}
	}
}
