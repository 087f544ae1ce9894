package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BuildSteps builds the binaries of all steps into a folder, as `make build`
// does.
func BuildSteps(ctx context.Context, into string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", into+"/", "github.com/patchbay-ci/patchbay/steps/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the steps: %w\n%s", err, out)
	}
	return nil
}

// Registration is a registry that a pipeline looks after: a project in Gerrit
// with the registry of laboratories on master, a corner of PostgreSQL without
// a template yet, an agent's tools.
type Registration struct {
	Site    *Site
	Gerrit  *GerritServer
	Project string
	Clone   *Clone

	bin, home, liquibase string
}

// Register makes one for a test. bin holds the steps; what is below it is
// shared by the tests of one binary.
func Register(t testing.TB, bin string) *Registration {
	t.Helper()
	files, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	r := &Registration{Site: Postgres(t, 15), Gerrit: Gerrit(t), bin: bin, home: t.TempDir()}
	r.Project = r.Gerrit.NewProject(t)
	r.Clone = r.Gerrit.Clone(t, r.Project)
	r.Clone.Land(t, "base", files)
	home, err := LiquibaseHome(t.Context(), "4.33.0")
	r.liquibase = must(t, home, err)
	return r
}

// Agent is the environment of the machine that the steps run on, with all
// settings and no secret.
func (r *Registration) Agent() map[string]string {
	return map[string]string{
		"PATH": r.bin + ":" + os.Getenv("PATH"), "HOME": r.home, "LC_ALL": "C.UTF-8",
		"LIQUIBASE_HOME": r.liquibase, "PATCHBAY_CACHE_DIR": filepath.Join(r.bin, "cache"),
		"GERRIT_URL": r.Gerrit.URL, "PATCHBAY_ENVIRONMENT": "dev",
		"PATCHBAY_PREFIX": r.Site.Names.Prefix, "PATCHBAY_TEMPLATE": r.Site.Names.Template,
		"PATCHBAY_OWNER_ROLE": r.Site.OwnerRole, "PATCHBAY_READER_ROLE": r.Site.ReaderRole,
	}
}
