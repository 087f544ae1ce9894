package liquibase

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Java finds the java program: below JAVA_HOME, else in one of the folders of
// PATH. It is not started.
func Java(home, path string) (string, error) {
	folders := filepath.SplitList(path)
	if home != "" {
		folders = []string{filepath.Join(home, "bin")}
	}
	for _, folder := range folders {
		program := filepath.Join(folder, "java")
		info, err := os.Stat(program)
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 || !filepath.IsAbs(program) {
			continue
		}
		if resolved, err := filepath.EvalSymlinks(program); err == nil {
			return resolved, nil
		}
	}
	where := "on the PATH"
	if home != "" {
		where = "in " + folders[0]
	}
	return "", change.Failf(change.KindConfiguration, "no java program %s", where).
		WithHint("install Java 11 or newer, or set JAVA_HOME")
}

var javaVersion = regexp.MustCompile(`version "([^"]+)"`)

// JavaVersion starts a java program and asks for its version: "17.0.15".
func JavaVersion(ctx context.Context, java string) (version string, major int, err error) {
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	found := javaVersion.FindSubmatch(out)
	if err != nil || found == nil {
		return "", 0, change.Failf(change.KindConfiguration, "%s does not start: %s", java, firstSaying(string(out))).
			WithHint("install Java 11 or newer, or set JAVA_HOME")
	}
	version = change.OneLine(string(found[1]))
	number, _, _ := strings.Cut(strings.TrimPrefix(version, "1."), ".") // 8 calls itself 1.8
	if major, err = strconv.Atoi(number); err != nil {
		return version, 0, nil //nolint:nilerr // an early access build: "26-ea"
	}
	return version, major, nil
}

// javaFiles are what a Java installation consists of: its own folder, and the
// configuration that distributions keep elsewhere and link to.
func javaFiles(java string) []string {
	files := []string{filepath.Dir(filepath.Dir(java))}
	linked, err := filepath.Glob("/etc/java*")
	if err != nil {
		return files // a constant pattern: cannot be
	}
	return append(files, linked...)
}

func utf16Of(text string) []uint16 { return utf16.Encode([]rune(text)) }
