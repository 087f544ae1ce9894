package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"report-verified": main})
}

// TestScripts runs the real program against a real Gerrit; each script has a
// project with one change of its own, and a proxy in front of the server.
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
			"status":   status,
			"results":  results,
			"fault":    fault,
			"gerrit":   gerritAction,
			"before":   before,
			"calls":    calls,
			"vote":     vote,
			"messages": messages,
			"said":     lastMessage,
			"comment":  comment,
		},
	})
}
