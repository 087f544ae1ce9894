package github_test

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// registry is a registry that the workflows look after.
type registry struct {
	*runner
	*lab.Registration
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{newRunner(t), lab.Register(t, bin)}
	r.Site.Template(t, "CREATE SCHEMA registry;")
	ci := r.Gerrit.CI()
	r.secrets = map[string]string{"GERRIT_PASSWORD": ci.Password, "DATABASE_URL": r.Site.URL}
	agent := r.Agent()
	for _, settings := range []string{"PATH", "HOME", "LC_ALL"} {
		delete(agent, settings)
	}
	r.env["PATCHBAY_CACHE_DIR"] = agent["PATCHBAY_CACHE_DIR"]
	r.variables = agent
	r.variables["GERRIT_PROJECT"], r.variables["GERRIT_USERNAME"] = r.Project, ci.Username
	return r
}

// event is what gerrit-to-platform sends.
func event(p lab.Pushed) map[string]string {
	return map[string]string{
		"GERRIT_BRANCH": "master", "GERRIT_CHANGE_ID": "I" + strings.Repeat("0", 40), "GERRIT_CHANGE_NUMBER": strconv.Itoa(p.Number),
		"GERRIT_CHANGE_URL": "https://review.example.org/" + strconv.Itoa(p.Number), "GERRIT_EVENT_TYPE": "patchset-created",
		"GERRIT_PATCHSET_NUMBER": strconv.Itoa(p.PatchSet), "GERRIT_PATCHSET_REVISION": p.Revision, "GERRIT_PROJECT": p.Project,
		"GERRIT_REFSPEC": "refs/changes/01/1/1",
	}
}

func (r *registry) push(subject, more string) lab.Pushed {
	r.Helper()
	const file = "data-model/procedures.sql"
	r.Clone.Git(r.T, "fetch", "-q", "origin")
	r.Clone.Git(r.T, "checkout", "-q", "--detach", "origin/master")
	return r.Clone.Push(r.T, subject, map[string]string{file: r.Clone.Git(r.T, "show", "origin/master:"+file) + "\n" + more})
}

func (r *registry) verify(p lab.Pushed, want bool) string {
	r.Helper()
	return r.ran(want, "workflow_dispatch", "gerrit-verify", event(p))
}

// reported is the verdict of the run before.
func (r *registry) reported(want string) {
	r.Helper()
	var result struct{ Verdict string }
	if err := json.Unmarshal([]byte(r.artifact("patchbay/report-verified.json")), &result); err != nil || result.Verdict != want {
		r.Errorf("verdict %q, want %q (%v)", result.Verdict, want, err)
	}
}

func (r *registry) there(database string, want bool) {
	r.Helper()
	conn, err := pgx.Connect(r.Context(), r.Site.SuperURL("postgres"))
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close(r.Context())
	var there bool
	if err := conn.QueryRow(r.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&there); err != nil || there != want {
		r.Errorf("database %s: there %v, want %v: %v", database, there, want, err)
	}
}

// TestVerify walks a registry through the workflows.
func TestVerify(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	good := r.push("A good change", "--changeset olena:note\nALTER TABLE registry.sample ADD note text;\n")
	r.verify(good, true)
	r.reported("+1")
	r.there(r.Site.Names.Candidate(good.Number), true)

	bad := r.push("A bad change", "--changeset olena:note\nALTER TABLE registry.sampel ADD note text;\n")
	if log := r.verify(bad, false); !strings.Contains(log, "does not exist") {
		t.Errorf("no reason in the log:\n%s", log)
	}
	r.reported("-1")

	r.Clone.Git(t, "checkout", "-q", "--detach", good.Revision)
	next := r.Clone.Amend(t, "A better change", map[string]string{"README.md": "better\n"})
	r.verify(good, true)
	r.reported("superseded")

	r.Gerrit.MustREST(t, r.Gerrit.Admin(), "POST", lab.ChangePath(r.Project, next.Number, "abandon"), "{}")
	r.ran(true, "workflow_dispatch", "reconcile", map[string]string{"dry-run": "true"})
	r.there(r.Site.Names.Candidate(good.Number), true)
	r.ran(true, "schedule", "reconcile", nil)
	r.there(r.Site.Names.Candidate(good.Number), false)
	if list := r.artifact("patchbay/rebuild.json"); strings.TrimSpace(list) != "[]" {
		t.Errorf("to be rebuilt: %s", list)
	}
	r.ran(true, "workflow_dispatch", "gerrit-merge", event(next))
	none := event(next)
	maps.Copy(none, map[string]string{"GERRIT_CHANGE_NUMBER": ""})
	r.ran(false, "workflow_dispatch", "gerrit-merge", none)

	r.ran(true, "workflow_dispatch", "teardown", map[string]string{"confirm-prefix": ""})
	r.ran(false, "workflow_dispatch", "teardown", map[string]string{"confirm-prefix": "registry-prod-"})
	r.there(r.Site.Names.Template, true)
}
