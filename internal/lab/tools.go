package lab

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// GoTool gives a program of a Go module, "path@version", installed into the
// lab's directory.
func GoTool(ctx context.Context, pinned string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	source, version, _ := strings.Cut(pinned, "@")
	name := path.Base(source)
	if strings.HasPrefix(name, "v") && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(source)) // the module's major version is no name of a program
	}
	target := filepath.Join(dir, "go-"+name+"@"+version)
	return filepath.Join(target, name), Locked(filepath.Base(target), func() error {
		if _, err := os.Stat(target); err == nil {
			return nil
		}
		return install(ctx, target, "sh", "-c", `GOBIN="$PWD" CGO_ENABLED=0 exec go install "$0"`, pinned)
	})
}

// Groovy gives the class path of the Groovy that Jenkins runs pipelines with.
func Groovy(ctx context.Context) (string, error) {
	dir, err := Maven(ctx, "groovy-2.4.21", "org.codehaus.groovy:groovy:2.4.21", "org.codehaus.groovy:groovy-json:2.4.21")
	return filepath.Join(dir, "*"), err
}
