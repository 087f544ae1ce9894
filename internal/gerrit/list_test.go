package gerrit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// made makes changes inside Gerrit, as account Dev.
func made(t *testing.T, g *lab.GerritServer, project string, n int) (numbers []int) {
	t.Helper()
	for i := range n {
		answer := g.MustREST(t, g.Dev(), "POST", "/changes/", fmt.Sprintf(`{"project":%q,"branch":"master","subject":"change %d"}`, project, i))
		var number int
		_, after, _ := strings.Cut(answer, `"_number":`)
		if _, err := fmt.Sscanf(after, "%d", &number); err != nil {
			t.Fatalf("no number in %s", answer)
		}
		numbers = append(numbers, number)
	}
	return numbers
}

func act(t *testing.T, g *lab.GerritServer, as lab.GerritAccount, project string, number int, below, body string) {
	t.Helper()
	g.MustREST(t, as, "POST", lab.ChangePath(project, number, below), body)
}

func numbersOf(listed []gerrit.Listed) (numbers []int) {
	for _, l := range listed {
		numbers = append(numbers, l.Number)
	}
	slices.Sort(numbers)
	return numbers
}

func TestOpen(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := "team/" + g.NewProject(t)
	if err := g.CreateProject(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	clone := g.Clone(t, project)
	base := clone.Git(t, "rev-parse", "HEAD")
	one := clone.Push(t, "one", map[string]string{"a.txt": "a\n"})
	two := clone.Amend(t, "Друга", map[string]string{"a.txt": "b\n"})
	numbers := made(t, g, project, 2)
	act(t, g, g.Dev(), project, numbers[0], "abandon", "{}")
	act(t, g, g.CI(), project, one.Number, "revisions/current/review", `{"labels":{"Verified":-1}}`)
	ci := client(t, g.URL, g.CI())
	open, err := ci.Open(t.Context(), project, "Verified")
	if err != nil || !slices.Equal(numbersOf(open), []int{one.Number, numbers[1]}) {
		t.Fatalf("open: %+v, %v", open, err)
	}
	at := slices.IndexFunc(open, func(l gerrit.Listed) bool { return l.Number == one.Number })
	want := gerrit.Listed{
		Project: project, Number: one.Number, Branch: "master", Status: gerrit.StatusNew, Subject: "Друга",
		PatchSet: 2, Revision: two.Revision, Parents: []string{base}, Rejected: true,
	}
	if diff := cmp.Diff(want, open[at]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	found, err := ci.Numbered(t.Context(), []int{one.Number, numbers[0], 99999999})
	if err != nil || len(found) != 2 || found[numbers[0]].Status != gerrit.StatusAbandoned || found[one.Number].PatchSet != 2 || found[one.Number].Project != project {
		t.Errorf("numbered: %+v, %v", found, err)
	}
	status, err := ci.Status(t.Context(), project, one.Number)
	if err != nil || status.Status != gerrit.StatusNew || status.PatchSet != 2 || status.Branch != "master" {
		t.Errorf("status: %+v, %v", status, err)
	}
	if _, err := ci.Status(t.Context(), "other", one.Number); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("of another project: %v", err)
	}
}

// TestOpenPages cuts the pages to a few changes, in the requests, and lets
// people work between them.
func TestOpenPages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		between func(t *testing.T, g *lab.GerritServer, project string, numbers []int) // before the fifth page, when 30 are read
		without func(numbers []int) []int                                              // what is not open at the end
	}{
		"nothing happens": {},
		"the oldest move to the front": {between: func(t *testing.T, g *lab.GerritServer, project string, numbers []int) {
			for _, number := range numbers[:3] {
				act(t, g, g.Dev(), project, number, "revisions/current/review", `{"message":"moved"}`)
			}
		}},
		"many of the front are abandoned": {
			between: func(t *testing.T, g *lab.GerritServer, project string, numbers []int) {
				for _, number := range numbers[len(numbers)-30:] {
					act(t, g, g.Dev(), project, number, "abandon", "{}")
				}
			},
			without: func(numbers []int) []int { return numbers[len(numbers)-30:] },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := lab.Gerrit(t)
			project := g.NewProject(t)
			numbers := made(t, g, project, 70)
			short, proxy := shortPages(t, g.URL, 15)
			if test.between != nil {
				proxy.before(5, func() { test.between(t, g, project, numbers) })
			}
			open, err := client(t, short, g.CI()).Open(t.Context(), project, "Verified")
			if err != nil {
				t.Fatal(err)
			}
			got := numbersOf(open)
			var gone []int
			if test.without != nil {
				gone = test.without(numbers)
			}
			for _, number := range numbers {
				if !slices.Contains(got, number) && !slices.Contains(gone, number) {
					t.Errorf("change %d is missing in %v", number, got)
				}
			}
			if len(got) != len(slices.Compact(slices.Clone(got))) {
				t.Errorf("twice in the list: %v", got)
			}
		})
	}
}

// pages is a proxy that shortens pages, as a low limit of an account does.
type pages struct {
	asked int
	hooks map[int]func()
}

func (p *pages) before(page int, do func()) { p.hooks[page] = do }

// shortPages rewrites n of queries; each page is asked after the one before.
func shortPages(t *testing.T, target string, n int) (string, *pages) {
	t.Helper()
	p := &pages{hooks: map[int]func(){}}
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return lab.NewRewriter(t, to, func(r *http.Request) {
		query := r.URL.Query()
		if query.Get("q") == "" {
			return
		}
		if p.asked++; p.hooks[p.asked] != nil {
			p.hooks[p.asked]()
		}
		query.Set("n", fmt.Sprint(n))
		r.URL.RawQuery = query.Encode()
	}), p
}

func TestNumberedInBatches(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	numbers := made(t, g, project, 3)
	asked := []int{numbers[0], numbers[2]}
	for i := range 598 {
		asked = append(asked, math.MaxInt32-i) // the longest numbers that a change may have
	}
	asked = append(asked, math.MaxInt32+1, 9_999_999_999) // Gerrit refuses a query that names one of these
	proxy := lab.NewFaultProxy(t, g.URL)
	found, err := client(t, proxy.URL, g.CI()).Numbered(t.Context(), asked)
	if got := slices.Sorted(maps.Keys(found)); err != nil || !slices.Equal(got, []int{numbers[0], numbers[2]}) {
		t.Errorf("found %v, %v", got, err)
	}
	if n := len(proxy.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestProjectWithBlank(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := "team/" + g.NewProject(t) + " x"
	if err := g.CreateProject(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	numbers := made(t, g, project, 2)
	ci := client(t, g.URL, g.CI())
	open, err := ci.Open(t.Context(), project, "Verified")
	if err != nil || !slices.Equal(numbersOf(open), numbers) {
		t.Errorf("open: %+v, %v", open, err)
	}
	if status, err := ci.Status(t.Context(), project, numbers[0]); err != nil || status.Project != project {
		t.Errorf("status: %+v, %v", status, err)
	}
	if labels, err := ci.ProjectLabels(t.Context(), project); err != nil || !labels["Verified"] {
		t.Errorf("labels: %v, %v", labels, err)
	}
	if reads, err := ci.ReadsBranch(t.Context(), project, "master"); err != nil || !reads {
		t.Errorf("reads master: %t, %v", reads, err)
	}
}

func TestSelf(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	now, err := client(t, g.URL, g.CI()).Self(t.Context())
	if err != nil || now.IsZero() {
		t.Errorf("%v, %v", now, err)
	}
	if _, err := client(t, g.URL, lab.GerritAccount{}).Self(t.Context()); change.AsFailure(err) == nil || change.AsFailure(err).Kind != change.KindConfiguration {
		t.Errorf("anonymous: %v", err)
	}
	other, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxied := lab.NewRewriter(t, other, func(r *http.Request) { r.SetBasicAuth(g.Dev().Username, g.Dev().Password) })
	if _, err := client(t, proxied, g.CI()).Self(t.Context()); err == nil || !strings.Contains(err.Error(), `takes us for "dev"`) {
		t.Errorf("another login: %v", err)
	}
}

func TestSight(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	numbers := made(t, g, project, 3)
	ci := client(t, g.URL, g.CI())
	for _, number := range numbers[:2] {
		act(t, g, g.Dev(), project, number, "private", "{}")
	}
	act(t, g, g.Dev(), project, numbers[0], "reviewers", `{"reviewer":"ci"}`)
	act(t, g, g.Dev(), project, numbers[1], "reviewers", `{"reviewer":"ci","state":"CC"}`)
	sees := func(want map[string]bool) {
		t.Helper()
		if got, err := ci.SeesPrivate(t.Context(), project); err != nil || !maps.Equal(got, want) {
			t.Errorf("sees private changes of %v, %v; want %v", got, err, want)
		}
	}
	if _, err := ci.Status(t.Context(), project, numbers[0]); err != nil {
		t.Errorf("a reviewer sees a private change: %v", err)
	}
	sees(map[string]bool{}) // as a reviewer, and in CC: no right to see others
	act(t, g, g.Dev(), project, numbers[2], "private", "{}")
	sees(map[string]bool{})
	access(t, g, project, `"refs/heads/*":{"permissions":{"viewPrivateChanges":{"rules":{"Verifiers":{"action":"ALLOW"}}}}}`)
	sees(map[string]bool{"master": true})

	labels, err := ci.ProjectLabels(t.Context(), project)
	if err != nil || !labels["Verified"] || labels["Nope"] {
		t.Errorf("labels %v, %v", labels, err)
	}
	if _, err := ci.ProjectLabels(t.Context(), "no such/project"); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("no such project: %v", err)
	}
	reads := func(branch string, want bool) {
		t.Helper()
		if got, err := ci.ReadsBranch(context.Background(), project, branch); err != nil || got != want {
			t.Errorf("reads %s: %t, %v; want %t", branch, got, err, want)
		}
	}
	g.MustREST(t, g.Admin(), "PUT", "/projects/"+project+"/branches/release%2Fone", "{}")
	reads("master", true)
	reads("release/one", true)
	reads("nope", false)
	access(t, g, project, `"refs/heads/master":{"permissions":{"read":{"exclusive":true,"rules":{"Administrators":{"action":"ALLOW"}}}}}`)
	reads("master", false)
	reads("release/one", true)
	if _, err := ci.Status(t.Context(), project, numbers[2]); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("a change of a branch that cannot be read: %v", err)
	}
}

func access(t *testing.T, g *lab.GerritServer, project, add string) {
	t.Helper()
	g.MustREST(t, g.Admin(), "POST", "/projects/"+project+"/access", `{"add":{`+add+`}}`)
}

// TestNoAnswers: what is no answer of Gerrit is never taken for an empty one.
func TestNoAnswers(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	numbers := made(t, g, project, 1)
	login := map[string]string{"Location": "/login/q/status:open"}
	for name, fault := range map[string]lab.Fault{
		"500":                   {Status: 500, Body: "Internal server error"},
		"HTML":                  {Body: "<html>Sign in</html>", Header: map[string]string{"Content-Type": "text/html"}},
		"empty":                 {Empty: true},
		"half":                  {CutBody: true},
		"an object":             {Body: ")]}'\n{}"},
		"objects of nothing":    {Body: ")]}'\n[{}]"},
		"redirect to the login": {Status: 302, Header: login},
		"redirect for good":     {Status: 301, Header: map[string]string{"Location": "/changes/"}},
		"no access":             {Status: 403, Body: "no"},
		"expired":               {Status: 401, Body: "Unauthorized"},
		"teapot":                {Status: 418},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := lab.NewFaultProxy(t, g.URL)
			proxy.Add(fault)
			c, err := gerrit.New(t.Context(), gerrit.Config{URL: proxy.URL, Username: g.CI().Username, Password: g.CI().Password, NoRedirects: true})
			if err != nil {
				t.Fatal(err)
			}
			for what, ask := range map[string]func() error{
				"Open":          func() error { _, err := c.Open(t.Context(), project, "Verified"); return err },
				"Numbered":      func() error { _, err := c.Numbered(t.Context(), numbers); return err },
				"Status":        func() error { _, err := c.Status(t.Context(), project, numbers[0]); return err },
				"Self":          func() error { _, err := c.Self(t.Context()); return err },
				"ProjectLabels": func() error { _, err := c.ProjectLabels(t.Context(), project); return err },
				"ReadsBranch":   func() error { _, err := c.ReadsBranch(t.Context(), project, "master"); return err },
				"SeesPrivate":   func() error { _, err := c.SeesPrivate(t.Context(), project); return err },
			} {
				if err := ask(); err == nil || errors.Is(err, gerrit.ErrNotFound) {
					t.Errorf("%s: %v, want a failure that is no 404", what, err)
				}
			}
		})
	}
}
