package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

type sceneKey struct{}

// scene is what one script plays in.
type scene struct {
	server *lab.GerritServer
	proxy  *lab.FaultProxy
	clone  *lab.Clone
	pushed lab.Pushed
	calls  int // that were counted already
	acts   int // so far, for new content
}

func newScene(env *testscript.Env, server *lab.GerritServer, proxy *lab.FaultProxy) (*scene, error) {
	ctx := context.Background()
	project := "report-" + strings.ToLower(rand.Text()[:12])
	if err := server.CreateProject(ctx, project); err != nil {
		return nil, err
	}
	clone, err := server.CloneTo(ctx, project, filepath.Join(env.WorkDir, "clone"))
	if err != nil {
		return nil, err
	}
	if _, err := clone.PushBranch(ctx, "master", "base", map[string]string{"data-model/base.sql": "select 0;\n"}); err != nil {
		return nil, err
	}
	s := &scene{server: server, proxy: proxy, clone: clone}
	s.pushed, err = clone.PushChange(ctx, "add a table", map[string]string{"data-model/table.sql": "select 1;\nselect 2;\nselect 3;\n"})
	ci := server.CI()
	env.Vars = append(env.Vars,
		"GERRIT_URL="+proxy.URL, "GERRIT_USERNAME="+ci.Username, "GERRIT_PASSWORD="+ci.Password,
		"GERRIT_PROJECT="+project, fmt.Sprintf("GERRIT_CHANGE_NUMBER=%d", s.pushed.Number),
		"GERRIT_PATCHSET_NUMBER=1", "GERRIT_PATCHSET_REVISION="+s.pushed.Revision,
		"PATCHBAY_GERRIT_TIMEOUT=5s")
	return s, err
}

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

// status N program arg...: the program ends with exactly this status.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		_, text, _ := strings.Cut(err.Error(), "exit status ")
		if got, err = strconv.Atoi(text); err != nil {
			ts.Fatalf("%s: %v", args[1], err)
		}
	}
	if got != want {
		ts.Fatalf("%s ended with status %d, want %d; stderr:\n%s", args[1], got, want, ts.ReadFile("stderr"))
	}
}

// results KIND [attempt=HEX] [digest=HEX] [counts=TEXT] [line=TEXT]...: the
// earlier steps leave results of the patch set that the variables name.
func results(ts *testscript.TestScript, _ bool, args []string) {
	number, err := strconv.Atoi(ts.Getenv("GERRIT_CHANGE_NUMBER"))
	ts.Check(err)
	patchSet, err := strconv.Atoi(ts.Getenv("GERRIT_PATCHSET_NUMBER"))
	ts.Check(err)
	r := newResults(change.PatchSet{
		Project: ts.Getenv("GERRIT_PROJECT"), Change: number, PatchSet: patchSet, Revision: ts.Getenv("GERRIT_PATCHSET_REVISION"),
	})
	for _, arg := range args[1:] {
		r.set(ts, arg)
	}
	spoil, known := spoils[args[0]]
	if !known {
		ts.Fatalf("no results %q", args[0])
	}
	spoil(r)
	dir := ts.MkAbs(".patchbay")
	ts.Check(os.RemoveAll(dir))
	ts.Check(os.MkdirAll(dir, 0o700))
	for name, doc := range map[string]any{"get-changes": r.changes, "create-temp-db": r.created, "apply-changelog": r.applied} {
		text, err := json.Marshal(doc)
		ts.Check(err)
		if string(text) != "null" {
			ts.Check(os.WriteFile(filepath.Join(dir, name+".json"), text, 0o600))
		}
	}
}

// fault METHOD PATH KIND [times]: what the proxy does to the next requests.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	html := map[string]string{"Content-Type": "text/html"}
	kinds := map[string]lab.Fault{
		"500": {Status: 500, Body: "Internal server error"}, "503": {Status: 503},
		"429":  {Status: 429, Header: map[string]string{"Retry-After": "2"}},
		"html": {Header: html, Body: "<html>Log in</html>"}, "empty": {Empty: true},
		"silence": {Silence: true}, "cut": {Cut: true}, "lost": {LoseAnswer: true},
	}
	f, known := kinds[args[2]]
	if !known {
		ts.Fatalf("no fault %q", args[2])
	}
	f.Method, f.Path = args[0], args[1]
	if len(args) > 3 {
		times, err := strconv.Atoi(args[3])
		ts.Check(err)
		f.Times = times
	}
	sceneOf(ts).proxy.Add(f)
}

// gerrit ACTION: somebody does something in Gerrit.
func gerritAction(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(sceneOf(ts).act(args[0]))
}

// before METHOD PATH ACTION: somebody does something in Gerrit just before the
// next such request arrives there.
func before(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	s.proxy.Add(lab.Fault{Method: args[0], Path: args[1], Times: 1, Before: func() {
		if err := s.act(args[2]); err != nil {
			panic(err)
		}
	}})
}

func (s *scene) act(action string) error {
	ctx := context.Background()
	s.acts++
	post := func(as lab.GerritAccount, below, body string) error {
		status, answer, err := s.server.Call(ctx, as, "POST", lab.ChangePath(s.pushed.Project, s.pushed.Number, below), body)
		if err == nil && status/100 != 2 {
			err = fmt.Errorf("%s: %d %s", below, status, answer)
		}
		return err
	}
	var err error
	switch action {
	case "amend":
		_, err = s.clone.AmendChange(ctx, "", map[string]string{"data-model/table.sql": fmt.Sprintf("select %d;\n", 100+s.acts)})
	case "reword":
		_, err = s.clone.AmendChange(ctx, fmt.Sprintf("another subject %d", s.acts), nil)
	case "merge":
		err = post(s.server.Admin(), "revisions/current/review", `{"labels":{"Code-Review":2}}`)
		if err == nil {
			err = post(s.server.CI(), "revisions/current/review", `{"labels":{"Verified":1}}`)
		}
		if err == nil {
			err = post(s.server.Admin(), "submit", "{}")
		}
	case "limit-label": // Verified is left with -1 and 0
		err = s.put("labels/Verified", `{"values":{"-1":"Fails","0":"No score"}}`)
	case "forge": // somebody else writes what looks like our message
		err = post(s.server.Dev(), "revisions/current/review", fmt.Sprintf(
			`{"tag":"autogenerated:patchbay:registry","message":"Deploys: forged\n\npatchbay revision=%s attempt=ffffffff verdict=+1 digest=1234567890abcdef base=none"}`, s.pushed.Revision))
	case "delete":
		status, answer, callErr := s.server.Call(ctx, s.server.Admin(), "DELETE", lab.ChangePath(s.pushed.Project, s.pushed.Number), "")
		if err = callErr; err == nil && status != 204 {
			err = fmt.Errorf("delete: %d %s", status, answer)
		}
	default: // abandon, restore, private, wip
		err = post(s.server.Dev(), action, "{}")
	}
	return err
}

func (s *scene) put(below, body string) error {
	status, answer, err := s.server.Call(context.Background(), s.server.Admin(), "PUT", "/projects/"+s.pushed.Project+"/"+below, body)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("PUT %s: %d %s", below, status, answer)
	}
	return err
}

// calls N: so many requests reached Gerrit since the last count.
func calls(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	all := s.proxy.Requests()
	fresh := all[s.calls:]
	s.calls = len(all)
	if strconv.Itoa(len(fresh)) != args[0] {
		ts.Fatalf("%d calls, want %s:\n%s", len(fresh), args[0], strings.Join(fresh, "\n"))
	}
}
