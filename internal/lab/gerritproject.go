package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Call asks the REST API, path as below /a ("/changes/7/abandon"), body as
// JSON or empty. The answer comes without Gerrit's first line ")]}'".
func (g *GerritServer) Call(ctx context.Context, as GerritAccount, method, path, body string) (status int, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, g.URL+"/a"+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.SetBasicAuth(as.Username, as.Password)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(bytes.TrimPrefix(text, []byte(")]}'\n"))), err
}

// REST is Call for tests.
func (g *GerritServer) REST(t testing.TB, as GerritAccount, method, path, body string) (status int, answer string) {
	t.Helper()
	status, answer, err := g.Call(t.Context(), as, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

// MustREST is REST that must be answered with 2xx.
func (g *GerritServer) MustREST(t testing.TB, as GerritAccount, method, path, body string) string {
	t.Helper()
	status, answer := g.REST(t, as, method, path, body)
	if status/100 != 2 {
		t.Fatalf("%s %s as %s: %d %s", method, path, as.Username, status, answer)
	}
	return answer
}

// request is one call of a set-up; every one may be repeated.
type request struct {
	method, path, body string
	also               int // a status besides 2xx that is fine
}

func (g *GerritServer) setUp(ctx context.Context, requests ...request) error {
	for _, r := range requests {
		status, answer, err := g.Call(ctx, g.Admin(), r.method, r.path, r.body)
		if err != nil {
			return err
		}
		if status/100 != 2 && status != r.also {
			return fmt.Errorf("%s %s: %d %s", r.method, r.path, status, answer)
		}
	}
	return nil
}

// accounts makes the accounts and the group that may vote. Gerrit makes the
// creator of a group its member: the administrator is taken out again. It is
// repeated with each start, for what tests may have left in a kept site.
func (s *gerritSite) accounts(ctx context.Context, g *GerritServer) error {
	return g.setUp(ctx,
		request{"PUT", "/accounts/ci", `{"name":"CI Bot","email":"ci@example.com","http_password":"ci-secret","groups":["Service Users"]}`, 409},
		request{"PUT", "/accounts/dev", `{"name":"Dev Eloper","email":"dev@example.com","http_password":"dev-secret"}`, 409},
		request{"PUT", "/groups/Verifiers", `{"description":"may vote Verified"}`, 409},
		request{"PUT", "/groups/Verifiers/members/ci", "", 0},
		request{"DELETE", "/groups/Verifiers/members/admin", "", 404},
	)
}

// CreateProject makes a project with a branch master (one empty commit), the
// label Verified, its submit requirement and the right of the group Verifiers
// to vote, as docs/gerrit-setup.md asks for. It may be repeated.
func (g *GerritServer) CreateProject(ctx context.Context, name string) error {
	project := "/projects/" + url.PathEscape(name)
	err := g.setUp(ctx,
		request{"PUT", project, `{"create_empty_commit":true,"branches":["master"]}`, 409},
		request{"PUT", project + "/labels/Verified", `{"function":"NoBlock","default_value":0,
			"values":{"-1":"Fails","0":"No score","+1":"Verified"},
			"copy_condition":"changekind:NO_CODE_CHANGE OR changekind:NO_CHANGE"}`, 0},
		request{"PUT", project + "/submit_requirements/Verified", `{"name":"Verified",
			"submittability_expression":"label:Verified=MAX AND -label:Verified=MIN"}`, 0},
		request{"POST", project + "/access", `{"add":{"refs/heads/*":{"permissions":{"label-Verified":
			{"label":"Verified","rules":{"Verifiers":{"action":"ALLOW","min":-1,"max":1}}}}}}}`, 0},
	)
	if err != nil {
		return fmt.Errorf("make project %s: %w", name, err)
	}
	return nil
}

// NewProject makes a project of a new name for a test.
func (g *GerritServer) NewProject(t testing.TB) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	if err := g.CreateProject(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

// ChangePath is the REST path of a change: "/changes/project~7".
func ChangePath(project string, number int, below ...string) string {
	path := fmt.Sprintf("/changes/%s~%d", url.PathEscape(project), number)
	return strings.Join(slices.Insert(below, 0, path), "/")
}
