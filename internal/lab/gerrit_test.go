package lab

import (
	"net/http"
	"strings"
	"testing"
)

func TestGerrit(t *testing.T) {
	t.Parallel()
	g := Gerrit(t)
	project := g.NewProject(t)
	c := g.Clone(t, project)
	c.Land(t, "the base", map[string]string{"data-model/a.sql": "select 1;\n"})
	first := c.Push(t, "a change", map[string]string{"data-model/b.sql": "select 2;\n"})
	if first.PatchSet != 1 || len(first.Revision) != 40 {
		t.Fatalf("pushed %+v", first)
	}
	second := c.Amend(t, "another subject", nil)
	if second.Number != first.Number || second.PatchSet != 2 {
		t.Fatalf("amended %+v after %+v", second, first)
	}
	status, answer := g.REST(t, g.CI(), "GET", ChangePath(project, first.Number), "")
	if status != http.StatusOK || !strings.Contains(answer, `"another subject"`) {
		t.Fatalf("read: %d %s", status, answer)
	}
	again, err := StartGerrit(t.Context())
	if err != nil || again.PID != g.PID {
		t.Fatalf("the second start: %+v, %v", again, err)
	}
}

func TestFaultProxy(t *testing.T) {
	t.Parallel()
	p := NewFaultProxy(t, Gerrit(t).URL)
	p.Add(Fault{Path: "/version", Times: 1, Status: 429, Header: map[string]string{"Retry-After": "1"}})
	p.Add(Fault{Path: "/version", Times: 1, LoseAnswer: true})
	get := func() (int, error) {
		response, err := http.Get(p.URL + "/config/server/version")
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		return response.StatusCode, nil
	}
	if status, err := get(); err != nil || status != 429 {
		t.Errorf("first: %d, %v", status, err)
	}
	// net/http itself repeats a read on a connection that was used before, so
	// the lost answer may show or not.
	_, _ = get()
	if status, err := get(); err != nil || status != 200 {
		t.Errorf("last: %d, %v", status, err)
	}
	if n := p.Count("GET", "/version"); n < 3 {
		t.Errorf("counted %d requests, want 3 or more", n)
	}
}
