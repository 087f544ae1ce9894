package liquibase

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed" // the source
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// launcherClass is the main class of the launcher, which is Liquibase's own
// command line with the command update alone.
const launcherClass = "UpdateOnly"

//go:embed launcher/UpdateOnly.java
var launcherSource []byte

// sharedSteps is where the steps that commands share are since 4.22, when
// commands began to be made of steps: the launcher needs to tell them apart.
const sharedSteps = "liquibase/command/core/helpers/LockServiceCommandStep.class"

// warmed is the installation with the launcher that Train compiled, as far as
// there is one.
func (h *Home) warmed(launcher string) *Home {
	if _, err := os.Stat(launcher); err != nil {
		return h
	}
	w := *h
	w.Jars, w.MainClass = append(slices.Clone(h.Jars), launcher), launcherClass
	return &w
}

// compile makes the launcher's jar with the javac beside java; a runtime
// without a compiler, or a core of whole commands, goes without it.
func (h *Home) compile(ctx context.Context, work, made string) error {
	compiler := filepath.Join(filepath.Dir(h.Java), "javac")
	if _, err := os.Stat(compiler); err != nil || !h.steps {
		return nil //nolint:nilerr // runs are a little slower without it
	}
	source := filepath.Join(work, launcherClass+".java")
	if err := os.WriteFile(source, launcherSource, 0o600); err != nil {
		return change.Failf(change.KindInfrastructure, "write the launcher: %w", err)
	}
	cmd := exec.CommandContext(ctx, compiler, "--release", "8", "-proc:none", "-nowarn", "-cp", h.core, "-d", work, source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return change.Failf(change.KindInfrastructure, "compile the launcher: %s", firstSaying(string(out)))
	}
	class, err := os.ReadFile(filepath.Join(work, launcherClass+".class"))
	if err != nil {
		return change.Failf(change.KindInfrastructure, "read the launcher: %w", err)
	}
	return jar(made, launcherClass+".class", class)
}

// jar writes a jar of one class.
func jar(name, class string, code []byte) error {
	var text bytes.Buffer
	archive := zip.NewWriter(&text)
	entry, err := archive.Create(class)
	if err == nil {
		_, err = entry.Write(code)
	}
	if err == nil {
		err = archive.Close()
	}
	if err == nil {
		err = os.WriteFile(name, text.Bytes(), 0o600)
	}
	if err != nil {
		return change.Failf(change.KindInfrastructure, "pack the launcher: %w", err)
	}
	return nil
}
