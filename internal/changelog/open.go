package changelog

import (
	"context"
	"path"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Environ looks up an environment variable. Only PATH is asked for.
type Environ func(name string) string

// Open picks the engine and looks its installation over without starting it.
// What is missing or does not fit is a configuration failure. The cache
// directory may be empty: no class data archive is used then.
func Open(_ context.Context, s Settings, cacheDir string, environ Environ) (Engine, error) {
	if faults := s.Faults(); len(faults) > 0 {
		return nil, change.Failf(change.KindConfiguration, "engine settings: %w", faults[0])
	}
	roots := s.Roots()
	if s.Goose() {
		return openGoose(s, roots)
	}
	return openLiquibase(s, roots, cacheDir, environ)
}

// Goose says whether goose is the engine. It tells by the name: Liquibase's
// changelogs have a suffix, the folders that goose reads have none. (The tree
// is not at hand yet.)
func (s Settings) Goose() bool {
	if s.Engine != "auto" {
		return s.Engine == "goose"
	}
	for _, root := range s.Roots() {
		if isChangelog(root.Path) {
			return false
		}
	}
	return true
}

func isChangelog(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".xml", ".yaml", ".yml", ".json", ".sql":
		return true
	}
	return false
}
