package liquibase

import (
	"os"
	"path/filepath"
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
