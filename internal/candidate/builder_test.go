package candidate

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

// works is a builder on a real server and a real repository of migrations.
type works struct {
	*testing.T
	*Builder
	site *lab.Site
	dir  string // of the repository
	base string // its first commit
}

func newWorks(t *testing.T) *works {
	t.Helper()
	t.Parallel()
	w := &works{T: t, site: lab.Postgres(t, 15), dir: t.TempDir()}
	w.site.Template(t, "CREATE SCHEMA registry")
	w.git("init", "-q", "-b", "master")
	w.base = w.commit("first", "CREATE TABLE registry.first (id int);")
	settings := Settings{ModelDir: []string{"data-model"}, TempFileLimit: "7MB", Changelog: changelog.Settings{
		Changelog: []string{"data-model"}, SearchPath: ".", Engine: "auto", Timeout: time.Minute, StatementTimeout: time.Minute,
	}}
	w.Builder = &Builder{
		Names: w.site.Names, Settings: settings, Owner: w.site.OwnerRole, Reader: w.site.ReaderRole,
		LockTimeout: time.Second, Say: func(message string) { t.Log(message) },
	}
	w.open()
	return w
}

func (w *works) open() {
	w.Helper()
	var errs [3]error
	w.Repo, errs[0] = repo.Open(w.Context(), w.dir)
	w.Engine, errs[1] = changelog.Open(w.Context(), w.Settings.Changelog, w.TempDir(), func(string) string { return "" })
	w.Server, errs[2] = pg.Connect(w.Context(), pg.Config{URL: w.site.URL})
	for _, err := range errs {
		if err != nil {
			w.Fatal(err)
		}
	}
	w.Cleanup(func() { w.Close(context.Background()) })
}

func (w *works) git(args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "git", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Dev",
		"GIT_AUTHOR_EMAIL=dev@example.org", "GIT_COMMITTER_NAME=Dev", "GIT_COMMITTER_EMAIL=dev@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("git %s: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit adds a migration.
func (w *works) commit(name, sql string) string {
	w.Helper()
	number := map[string]string{"first": "00001", "second": "00002"}[name]
	path := filepath.Join(w.dir, "data-model", number+"_"+name+".sql")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("-- +goose Up\n-- +goose StatementBegin\n"+sql+"\n-- +goose StatementEnd\n"), 0o600); err != nil {
		w.Fatal(err)
	}
	w.git("add", ".")
	w.git("commit", "-q", "-m", name)
	return w.git("rev-parse", "HEAD")
}

// run is a run of a patch set that adds a second migration to the base; none
// when it is "".
func (w *works) run(number, patchSet int, sql string) Run {
	w.Helper()
	w.git("checkout", "-q", "--detach", w.base)
	revision := w.base
	if sql != "" {
		revision = w.commit("second", sql)
	}
	r := Run{
		Gerrit: gerritURL, Branch: "master", Base: w.base, Attempt: "6500000" + string(rune('0'+patchSet)), Version: "test",
		PatchSet: change.PatchSet{Project: "registry", Change: number, PatchSet: patchSet, Revision: revision},
	}
	var err error
	if r.Trees, err = w.Repo.Trees(w.Context(), revision, w.Settings.ModelDir); err != nil {
		w.Fatal(err)
	}
	if r.BaseTrees, err = w.Repo.Trees(w.Context(), w.base, w.Settings.ModelDir); err != nil {
		w.Fatal(err)
	}
	return r
}

// planOf is what a run will build.
func (w *works) planOf(r Run) *Plan {
	w.Helper()
	template, err := w.templateFingerprint(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	plan, err := w.plan(w.Context(), r, template)
	if err != nil {
		w.Fatal(err)
	}
	return plan
}

// create wants an outcome of Create.
func (w *works) create(r Run, want change.Outcome) *Created {
	w.Helper()
	c, err := w.Create(w.Context(), r)
	if err != nil || c.Outcome != want {
		w.Fatalf("create: got %+v, %v; want %s", c, err, want)
	}
	return c
}

// apply makes an attempt and applies the run to it; meanwhile is done between
// the engine's end and the publication.
func (w *works) apply(r Run, meanwhile func(attempt string)) (*Applied, error) {
	w.Helper()
	c := w.create(r, change.Created)
	return w.Apply(w.Context(), Application{
		Run: r, Plan: c.Plan, Attempt: c.Database,
		Current: func(context.Context) (bool, string, error) {
			if meanwhile != nil {
				meanwhile(c.Database)
			}
			return true, "", nil
		},
	})
}

// published wants a run to be published.
func (w *works) published(r Run) {
	w.Helper()
	if a, err := w.apply(r, nil); err != nil || a.Outcome != change.Applied {
		w.Fatalf("apply: got %+v, %v", a, err)
	}
}

// oid of a database; 0 when there is none.
func (w *works) oid(name string) uint32 {
	w.Helper()
	d, err := w.Server.Database(w.Context(), name)
	if err != nil {
		w.Fatal(err)
	}
	if d == nil {
		return 0
	}
	return d.OID
}

// failed wants an error of a kind that says a text.
func (w *works) failed(err error, kind change.Kind, text string) {
	w.Helper()
	if f := change.AsFailure(err); f == nil || f.Kind != kind || !strings.Contains(f.Message, text) {
		w.Errorf("got %v; want %s: %s", err, kind, text)
	}
}
