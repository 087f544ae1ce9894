// Package candidate is the way of a candidate database: from the template
// over the base database and the attempt to the swap into the public name.
// create-temp-db, apply-changelog and try-change walk it.
package candidate

import (
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

// Settings are the inputs that decide what a candidate database is.
type Settings struct {
	ModelDir      []string `name:"model-dir" env:"PATCHBAY_MODEL_DIR" default:"data-model" placeholder:"PATH" help:"Folders or files whose git trees decide whether the model changed; all that the engine sees."`
	MaxCandidates int      `name:"max-candidates" env:"PATCHBAY_MAX_CANDIDATES" default:"10" placeholder:"N" help:"How many changes may have a database at once; 0 is no limit."`
	TempFileLimit string   `name:"temp-file-limit" env:"PATCHBAY_TEMP_FILE_LIMIT" default:"1GB" placeholder:"SIZE" help:"How much disk the temporary files of an engine's session may take, as PostgreSQL writes it: kB, MB, GB, TB."`

	Changelog changelog.Settings `embed:""`
}

// Run is one attempt's input: what to build, for whom.
type Run struct {
	Gerrit    string // URL; "" for a local try
	PatchSet  change.PatchSet
	Branch    string // without refs/heads/; "" for a local try
	Base      string // commit; "" for a root commit
	Attempt   string
	BaseTrees map[string]string // path → git object id, "" where absent
	Trees     map[string]string
	Version   string
}

// Unchanged says that candidate and base have the same model.
func (r Run) Unchanged() bool {
	for path, id := range r.Trees {
		if r.BaseTrees[path] != id {
			return false
		}
	}
	return len(r.Trees) == len(r.BaseTrees) || r.Base == "" && empty(r.Trees)
}

// empty says that a commit has nothing of the model.
func empty(trees map[string]string) bool {
	for _, id := range trees {
		if id != "" {
			return false
		}
	}
	return true
}

// Builder makes databases on one server from one repository.
type Builder struct {
	Server        *pg.Server
	Names         pg.Names
	Repo          *repo.Repo
	Engine        changelog.Engine
	Settings      Settings
	Owner, Reader string
	LockTimeout   time.Duration
	Say           func(message string) // tells a person what is going on
}
