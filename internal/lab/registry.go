package lab

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed registry
var registry embed.FS

// Registry is a small but believable registry of laboratories: the files of
// its repository's first commit, by path.
func Registry() (map[string]string, error) {
	files := map[string]string{}
	err := fs.WalkDir(registry, "registry", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := registry.ReadFile(path)
		files[strings.TrimPrefix(path, "registry/")] = string(text)
		return err
	})
	return files, err
}
