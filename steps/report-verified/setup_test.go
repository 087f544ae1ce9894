package main

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestSetupPage keeps docs/gerrit-setup.md true: a real Gerrit takes its
// project.config, and the account may vote then.
func TestSetupPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/gerrit-setup.md")
	if err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile("(?s)```ini\n(.*?)```").FindSubmatch(page)
	if config == nil {
		t.Fatal("the page has no project.config")
	}
	server := lab.Gerrit(t)
	name := "setup-" + server.NewProject(t)
	server.MustREST(t, server.Admin(), "PUT", "/projects/"+name, `{"create_empty_commit":true,"branches":["master"]}`)
	clone := server.Clone(t, name)
	err = clone.AppendConfig(t.Context(), map[string]string{
		"project.config": string(config[1]), "groups": verifiers(t, server) + "\tVerifiers\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	clone.Git(t, "checkout", "-q", "master")
	pushed := clone.Push(t, "x", map[string]string{"a.txt": "a\n"})
	review := lab.ChangePath(name, pushed.Number, "revisions", pushed.Revision, "review")
	if answer := server.MustREST(t, server.CI(), "POST", review, `{"labels":{"Verified":1}}`); !strings.Contains(answer, `"Verified":1`) {
		t.Errorf("the vote was not taken: %s", answer)
	}
}

func verifiers(t *testing.T, server *lab.GerritServer) string {
	t.Helper()
	var group struct{ ID string }
	answer := server.MustREST(t, server.Admin(), "GET", "/groups/Verifiers", "")
	if err := json.Unmarshal([]byte(answer), &group); err != nil {
		t.Fatal(err)
	}
	uuid, err := url.PathUnescape(group.ID)
	if err != nil {
		t.Fatal(err)
	}
	return uuid
}
