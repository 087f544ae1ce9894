package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

type sceneKey struct{}

// scene is what one script plays in.
type scene struct {
	server *lab.GerritServer
	proxy  *lab.FaultProxy
	clone  *lab.Clone
	pushed lab.Pushed
}

func newScene(env *testscript.Env, server *lab.GerritServer, proxy *lab.FaultProxy) (*scene, error) {
	ctx := context.Background()
	project := "changes-" + strings.ToLower(rand.Text()[:12])
	if err := server.CreateProject(ctx, project); err != nil {
		return nil, err
	}
	clone, err := server.CloneTo(ctx, project, filepath.Join(env.WorkDir, "clone"))
	if err != nil {
		return nil, err
	}
	base, err := clone.PushBranch(ctx, "master", "base", map[string]string{"data-model/main.xml": "base\n", "other.txt": "base\n"})
	ci := server.CI()
	env.Vars = append(env.Vars,
		"GERRIT_URL="+proxy.URL, "GERRIT_USERNAME="+ci.Username, "GERRIT_PASSWORD="+ci.Password, "GERRIT_PROJECT="+project,
		"PATCHBAY_CACHE_DIR="+filepath.Join(env.WorkDir, "cache"), "BASE="+base, "GIT_CONFIG_GLOBAL=/dev/null",
		"PROJECT_URL="+server.URL+"/"+project) // past the proxy
	return &scene{server: server, proxy: proxy, clone: clone}, err
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

func files(ts *testscript.TestScript, args []string) map[string]string {
	all := map[string]string{}
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("want PATH=TEXT, not %q", arg)
		}
		all[name] = text + "\n"
	}
	return all
}

// commit SUBJECT [PATH=TEXT...]: a commit in the developer's clone.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(sceneOf(ts).clone.CommitFiles(context.Background(), args[0], files(ts, args[1:])))
}

// land SUBJECT [PATH=TEXT...]: a commit that goes to master past review.
func land(ts *testscript.TestScript, _ bool, args []string) {
	_, err := sceneOf(ts).clone.PushBranch(context.Background(), "master", args[0], files(ts, args[1:]))
	ts.Check(err)
}

// push [OPTION...]: HEAD goes to review; the variables name its patch set.
func push(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	var err error
	s.pushed, err = s.clone.PushHead(context.Background(), args...)
	ts.Check(err)
	s.announce(ts)
}

func (s *scene) announce(ts *testscript.TestScript) {
	ts.Setenv("GERRIT_PROJECT", s.pushed.Project)
	ts.Setenv("GERRIT_CHANGE_NUMBER", strconv.Itoa(s.pushed.Number))
	ts.Setenv("GERRIT_PATCHSET_NUMBER", strconv.Itoa(s.pushed.PatchSet))
	ts.Setenv("GERRIT_PATCHSET_REVISION", s.pushed.Revision)
	ts.Setenv("CHANGE_REF", fmt.Sprintf("refs/changes/%02d/%d/%d", s.pushed.Number%100, s.pushed.Number, s.pushed.PatchSet))
}

// git [NAME=] ARG...: git in the developer's clone; its answer becomes a variable.
func git(ts *testscript.TestScript, _ bool, args []string) {
	name, ok := strings.CutSuffix(args[0], "=")
	if ok {
		args = args[1:]
	}
	out, err := sceneOf(ts).clone.RunGit(context.Background(), args...)
	ts.Check(err)
	if ok {
		ts.Setenv(name, out)
	}
}

// unborn: a root commit goes to review on a branch that does not exist yet, in
// a project without any commit.
func unborn(ts *testscript.TestScript, _ bool, _ []string) {
	s, ctx := sceneOf(ts), context.Background()
	project := "unborn-" + strings.ToLower(rand.Text()[:12])
	code, answer, err := s.server.Call(ctx, s.server.Admin(), "PUT", "/projects/"+project, `{"branches":["master"]}`)
	if err != nil || code != 201 {
		ts.Fatalf("make a project: %d %s %v", code, answer, err)
	}
	s.clone, err = s.server.CloneTo(ctx, project, ts.MkAbs("unborn"))
	ts.Check(err)
	s.pushed, err = s.clone.PushChange(ctx, "the first commit of all", map[string]string{"data-model/main.xml": "first\n"})
	ts.Check(err)
	s.announce(ts)
}

// gerrit abandon|restore|merge|private|private.delete: somebody does something with the change.
func gerritAction(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	if args[0] != "merge" {
		s.post(ts, s.server.Dev(), args[0], "{}")
		return
	}
	s.post(ts, s.server.Admin(), "revisions/current/review", `{"labels":{"Code-Review":2}}`)
	s.post(ts, s.server.CI(), "revisions/current/review", `{"labels":{"Verified":1}}`)
	s.post(ts, s.server.Admin(), "submit", "{}")
}

func (s *scene) post(ts *testscript.TestScript, as lab.GerritAccount, below, body string) {
	code, answer, err := s.server.Call(context.Background(), as, "POST", lab.ChangePath(s.pushed.Project, s.pushed.Number, below), body)
	if err != nil || code/100 != 2 {
		ts.Fatalf("%s: %d %s %v", below, code, answer, err)
	}
}

// fault PATH KIND TIMES: what the proxy does to the next such requests.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	kinds := map[string]lab.Fault{
		"404": {Status: 404, Body: "Not found"}, "500": {Status: 500, Body: "Internal server error"}, "503": {Status: 503},
		"429":     {Status: 429, Header: map[string]string{"Retry-After": "1"}},
		"html":    {Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>Log in</html>"},
		"silence": {Silence: true}, "cut": {Cut: true}, "half": {CutBody: true},
	}
	f, known := kinds[args[1]]
	if !known {
		ts.Fatalf("no fault %q", args[1])
	}
	times, err := strconv.Atoi(args[2])
	ts.Check(err)
	f.Path, f.Times = args[0], times
	sceneOf(ts).proxy.Add(f)
}

// reads N: so many requests of the REST API were made in all.
func reads(ts *testscript.TestScript, _ bool, args []string) {
	if n := sceneOf(ts).proxy.Count("", "/changes/"); strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d reads, want %s", n, args[0])
	}
}

// hidden TEXT FOLDER...: no file below the folders holds the text.
func hidden(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if strings.Contains(string(text), args[0]) {
				ts.Fatalf("%s holds the text", path)
			}
			return err
		}))
	}
}
