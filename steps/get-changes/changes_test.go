package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"get-changes": main})
}

// TestScripts runs the real program against a real Gerrit; each script has a
// project of its own with a base, and a proxy in front of the server.
func TestScripts(t *testing.T) {
	t.Parallel()
	server := lab.Gerrit(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			s, err := newScene(env, server, lab.NewFaultProxy(t, server.URL))
			env.Values[sceneKey{}] = s
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
			"commit": commit,
			"land":   land,
			"push":   push,
			"git":    git,
			"unborn": unborn,
			"gerrit": gerritAction,
			"fault":  fault,
			"reads":  reads,
			"hidden": hidden,
		},
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	p := change.PatchSet{Project: "registry", Change: 7, PatchSet: 2, Revision: "aa"}
	for _, c := range []struct {
		name     string
		status   string
		patchSet int
		revision string
		outcome  change.Outcome
		kind     change.Kind
	}{
		{"current", gerrit.StatusNew, 2, "aa", "", ""},
		{"newer patch set", gerrit.StatusNew, 3, "bb", change.Superseded, ""},
		{"merged", gerrit.StatusMerged, 2, "aa", change.Closed, ""},
		{"abandoned after a newer patch set", gerrit.StatusAbandoned, 3, "bb", change.Closed, ""},
		{"not there yet", gerrit.StatusNew, 1, "cc", "", change.KindInfrastructure},
		{"another revision", gerrit.StatusNew, 2, "bb", "", change.KindConfiguration},
	} {
		got, err := judge(p, &gerrit.Change{Status: c.status, PatchSet: c.patchSet, Revision: c.revision})
		kind := change.Kind("")
		if err != nil {
			kind = change.AsFailure(err).Kind
		}
		if got != c.outcome || kind != c.kind {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestLoginGoesToGerritOnly(t *testing.T) {
	t.Parallel()
	for a, want := range map[string]bool{
		"https://review.example.org/a/registry": true, "https://REVIEW.example.org/x": true,
		"https://mirror.example.org/registry": false, "http://review.example.org/registry": false,
		"https://review.example.org:8443/registry": false, "/srv/mirror.git": false, "https://review.example.org.evil.example/": false,
	} {
		if got := repo.SameHost(a, "https://review.example.org/r"); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	got := []string{
		gerrit.ChangeRef(7, 2), gerrit.ChangeRef(12345, 10),
		fullBranch("release/1"), fullBranch("refs/meta/config"), shortBranch("refs/heads/release/1"),
	}
	want := []string{"refs/changes/07/7/2", "refs/changes/45/12345/10", "refs/heads/release/1", "refs/meta/config", "release/1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
