package lab

import (
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// TestStrayGerrit: what was started by somebody who was killed before it
// answered is ended, and nothing else.
func TestStrayGerrit(t *testing.T) {
	t.Parallel()
	var servers [2]*exec.Cmd
	site := t.TempDir()
	for i, of := range []string{site, site + "2"} {
		servers[i] = exec.CommandContext(t.Context(), "sh", "-c", "read _", "daemon", "-d", of, "--console-log")
		_, err := servers[i].StdinPipe() // nothing comes through it
		if err := errors.Join(err, servers[i].Start()); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _ = servers[0].Wait() }() // else it stays as a zombie
	if err := endStray(site); err != nil {
		t.Fatal(err)
	}
	for i, of := range []string{site, site + "2"} {
		if alive := (&GerritServer{PID: servers[i].Process.Pid, Site: of}).alive(); alive != (i == 1) {
			t.Errorf("%s: alive %v", of, alive)
		}
	}
}

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
