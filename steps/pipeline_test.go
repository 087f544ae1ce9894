// Package steps_test walks patch sets through the real binaries, a real
// Gerrit, a real PostgreSQL and a real Liquibase, as a pipeline does.
package steps_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// bin holds the binaries of all steps, built once.
var bin string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "patchbay-steps-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	if out, err := exec.Command("go", "build", "-o", bin, "./...").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the steps: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// registry is a project of its own on Gerrit with its corner of PostgreSQL.
type registry struct {
	*testing.T
	site     *lab.Site
	gerrit   *lab.GerritServer
	project  string
	clone    *lab.Clone
	pipeline lab.Pipeline
}

// corner is what a registry is set up with; a zero value takes the default.
type corner struct {
	postgres  int       // major version; default 15
	site      *lab.Site // on a server of the test's own; default on the shared one
	liquibase string    // version; default 4.33.0
	template  string    // DDL besides CREATE SCHEMA registry
	env       []string  // settings besides those of every test
}

// newRegistry lands the files on master and makes a template with a schema
// "registry". Liquibase is version 4.33.0.
func newRegistry(t *testing.T, files map[string]string) *registry {
	t.Helper()
	return newRegistryIn(t, corner{}, files)
}

func newRegistryIn(t *testing.T, c corner, files map[string]string) *registry {
	t.Helper()
	r := &registry{T: t, site: c.site, gerrit: lab.Gerrit(t)}
	if r.site == nil {
		r.site = lab.Postgres(t, cmp.Or(c.postgres, 15))
	}
	r.project = r.gerrit.NewProject(t)
	r.clone = r.gerrit.Clone(t, r.project)
	if files != nil {
		r.clone.Land(t, "base", files)
	}
	r.site.Template(t, "CREATE SCHEMA registry;\n"+c.template)
	home, err := lab.LiquibaseHome(t.Context(), cmp.Or(c.liquibase, "4.33.0"))
	if err != nil {
		t.Fatal(err)
	}
	env := slices.Concat(r.site.Env(), r.gerrit.Environment(), []string{
		"LIQUIBASE_HOME=" + home, "PATCHBAY_CACHE_DIR=" + cache(t, c.liquibase, home), "PATCHBAY_LOG_FORMAT=console", "GITHUB_ACTIONS=", "JENKINS_URL=",
	})
	r.pipeline = lab.Pipeline{Bin: bin, Env: append(env, c.env...)}
	return r
}

var warmed sync.Mutex

// cache is the cache directory of all tests, with the class data archive of
// the default Liquibase in it: every engine run is a second shorter then.
func cache(t *testing.T, version, home string) string {
	t.Helper()
	dir := filepath.Join(bin, "cache")
	if version != "" {
		return dir
	}
	warmed.Lock()
	defer warmed.Unlock()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "apply-changelog"), "--warm-cache")
	cmd.Env = append(os.Environ(), "LIQUIBASE_HOME="+home, "PATCHBAY_CACHE_DIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("warm the cache: %v\n%s", err, out)
	}
	return dir
}

// laboratories is the registry of the demo.
func laboratories(t *testing.T) map[string]string {
	t.Helper()
	files, err := lab.Registry()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// run walks a patch set through the pipeline in a run directory of its own.
func (r *registry) run(p lab.Pushed) *lab.PipelineRun {
	r.Helper()
	run, err := r.pipeline.Run(context.Background(), p, r.TempDir())
	if err != nil {
		r.Fatal(err)
	}
	return run
}

// verified fails the test unless the run voted as wanted.
func (r *registry) verified(run *lab.PipelineRun, want int) {
	r.Helper()
	if run.Reported == nil || run.Reported.Vote == nil || *run.Reported.Vote != want {
		r.Fatalf("want Verified %+d, got %+v\n%s", want, run.Reported, logs(run))
	}
}

func logs(run *lab.PipelineRun) (text string) {
	for _, s := range run.Steps {
		text += fmt.Sprintf("%s: exit status %d, %.2f s\n%s", s.Name, s.Status, s.Seconds, s.Stderr)
	}
	return text
}

const root = "data-model/main-liquibase.xml"

func changelog(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd">
` + body + `
</databaseChangeLog>
`
}

func TestGoodChange(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, laboratories(t))
	pushed := r.clone.Push(t, "More about samples", map[string]string{"data-model/procedures.sql": laboratories(t)["data-model/procedures.sql"] + `
--changeset olena:sample-note
ALTER TABLE registry.sample ADD note text;
`})
	run := r.run(pushed)
	t.Log(logs(run))
	r.verified(run, +1)
	if run.Applied.Outcome != change.Applied || len(run.Applied.Summary) != 1 {
		t.Errorf("got %+v", run.Applied)
	}
}
