// Package archtest says who may import whom: imports point one way, and each
// library is known to the packages that adapt it.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/patchbay-ci/patchbay/"

// layers are our packages from the programs down; a package imports only from
// layers below its own. Packages of one layer's folder may import each other.
var layers = []string{
	"steps", "internal/versions", "internal/candidate", "internal/step", "internal/ci", "internal/message", "internal/gerrit", "internal/repo",
	"internal/changelog", "internal/schema", "internal/pg", "internal/superset", "internal/httpclient", "internal/assets", "sql", "internal/change",
}

// libraries are known to these folders only.
var libraries = map[string][]string{
	"github.com/andygrunwald/go-gerrit":            {"internal/gerrit"},
	"github.com/jackc/pgx":                         {"internal/pg", "internal/schema", "internal/changelog", "steps/prepare-template"},
	"github.com/pressly/goose":                     {"internal/changelog", "steps/prepare-template"},
	"github.com/alecthomas/kong":                   {"internal/step"},
	"github.com/rs/zerolog":                        {"internal/step"},
	"github.com/sethvargo/go-githubactions":        {"internal/ci"},
	"github.com/hashicorp/go-retryablehttp":        {"internal/httpclient"},
	"github.com/danielgtaylor/huma":                {"internal/versions"},
	"github.com/coreos/go-oidc":                    {"internal/versions/access"},
	"github.com/rs/cors":                           {"internal/versions/access"},
	"github.com/klauspost/compress":                {"internal/versions"},
	"github.com/prometheus/client_golang":          {"internal/versions"},
	"go.yaml.in/yaml/v3":                           {"internal/changelog", "internal/assets/document", "steps/asset-sync"},
	"github.com/aymanbagabas/go-udiff":             {"internal/assets"},
	"modernc.org/sqlite":                           {"steps/asset-sync"},
	"github.com/landlock-lsm/go-landlock":          {"internal/changelog/sandbox"},
	"github.com/patchbay-ci/patchbay/internal/lab": {"internal/lab"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	seen := 0
	for file, imports := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		for _, path := range imports {
			seen++
			checkLayer(t, file, dir, path)
			checkLibrary(t, file, dir, path)
		}
	}
	if seen < 100 {
		t.Fatalf("only %d imports were looked at: is the root of the tree still two folders up?", seen)
	}
}

func checkLayer(t *testing.T, file, dir, path string) {
	t.Helper()
	target, ours := strings.CutPrefix(path, module)
	if !ours || below(dir, "internal/lab") || layer(dir) == layer(target) && layer(dir) >= 0 {
		return
	}
	if layer(dir) < 0 || layer(target) < layer(dir) {
		t.Errorf("%s imports %s, which is not below it", file, path)
	}
}

func checkLibrary(t *testing.T, file, dir, path string) {
	t.Helper()
	for library, homes := range libraries {
		if below(dir, "internal/lab") {
			return // the lab is no part of what users run
		}
		if below(path, library) && !slices.ContainsFunc(homes, func(home string) bool { return below(dir, home) }) {
			t.Errorf("%s imports %s, which is for %s only", file, path, strings.Join(homes, ", "))
		}
	}
}

func layer(dir string) int {
	return slices.IndexFunc(layers, func(l string) bool { return below(dir, l) })
}

func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// sources are the imports of every file that is not a test, by path from the
// root of the tree.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	const root = "../.."
	all := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all[name] = append(all[name], imported)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDependenciesHaveReasons: each direct dependency has its line in
// docs/dependencies.md.
func TestDependenciesHaveReasons(t *testing.T) {
	t.Parallel()
	gomod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(?:github\.com/)?(\S+) v\S+$`).FindAllStringSubmatch(string(gomod), -1)
	if len(direct) < 10 {
		t.Fatalf("only %d direct dependencies were found", len(direct))
	}
	for _, found := range direct {
		if !strings.Contains(string(page), "| "+found[1]+" |") {
			t.Errorf("docs/dependencies.md has no line for %s", found[1])
		}
	}
}
