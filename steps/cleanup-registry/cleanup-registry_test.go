package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cleanup-registry": main})
}

// TestScripts runs the real binary, each script in a corner of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) {
			t.Parallel()
			site := lab.Postgres(t, 15)
			site.Template(t, "")
			var held *pg.Lock
			testscript.Run(t, testscript.Params{
				Files:               []string{script},
				RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error {
					env.Vars = append(env.Vars, site.Env()...)
					env.Vars = append(env.Vars, "P="+site.Names.Prefix, "TEMPLATE="+site.Names.Template, "SERVICE="+site.ServiceRole(),
						"CI=", "GITHUB_ACTIONS=", "JENKINS_URL=", "JENKINS_HOME=", "PATCHBAY_LOG_FORMAT=console")
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"status":    status,
					"envsubst":  envsubst,
					"super":     func(_ *testscript.TestScript, _ bool, args []string) { site.Super(t, "postgres", args[0]) },
					"lock":      func(ts *testscript.TestScript, _ bool, args []string) { held = lock(t, ts, site, args[0]) },
					"unlock":    func(*testscript.TestScript, bool, []string) { time.Sleep(500 * time.Millisecond); held.Release() },
					"gone":      func(ts *testscript.TestScript, _ bool, args []string) { gone(t, ts, site, args[0]) },
					"databases": func(ts *testscript.TestScript, _ bool, want []string) { databases(t, ts, site, want) },
				},
			})
		})
	}
}

// status runs a program and compares its exit status, exactly.
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

// envsubst puts variables into a file.
func envsubst(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// lock takes the lock of a change, as a step at work does.
func lock(t *testing.T, ts *testscript.TestScript, site *lab.Site, name string) *pg.Lock {
	server, err := pg.Connect(t.Context(), pg.Config{URL: site.URL})
	ts.Check(err)
	defer server.Close(t.Context())
	held, err := server.Lock(t.Context(), name, time.Minute, nil)
	ts.Check(err)
	return held
}

// gone waits until a database is not there any more.
func gone(t *testing.T, ts *testscript.TestScript, site *lab.Site, name string) {
	conn := lab.Connect(t, site.SuperURL("postgres"))
	for range 600 {
		var there bool
		ts.Check(conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there))
		if !there {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not go", name)
}

// databases compares which of ours are there.
func databases(t *testing.T, ts *testscript.TestScript, site *lab.Site, want []string) {
	server, err := pg.Connect(t.Context(), pg.Config{URL: site.URL})
	ts.Check(err)
	defer server.Close(t.Context())
	there, err := server.Databases(t.Context(), site.Names)
	ts.Check(err)
	got := []string{}
	for _, d := range there {
		got = append(got, d.Name)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		ts.Fatalf("databases (-want +got):\n%s", diff)
	}
}

// TestPlanInOrder: changes by number, bases, what is left of a template's
// making, the template last; each with the logins of the same lock.
func TestPlanInOrder(t *testing.T) {
	t.Parallel()
	names := pg.Names{Prefix: "registry-dev-", Template: "registry-template"}
	var all []candidate.Standing
	for _, name := range []string{
		"registry-template", "registry-dev-base-0123456789abcdef", "registry-dev-10", "registry-dev-9-2-6565aabb", "registry-dev-9",
		names.BaseAttempt(names.TemplateDigest(), 7),
	} {
		all = append(all, candidate.Standing{Database: pg.Database{Name: name, Parsed: names.Parse(name)}})
	}
	logins := map[string]string{"registry-dev-9-2-6565aabb-login": "registry-dev-9-2-6565aabb", "registry-dev-3-1-6565aabb-login": "registry-dev-3-1-6565aabb"}
	want := []string{
		"registry-dev-3-1-6565aabb-login", "registry-dev-9-2-6565aabb", "registry-dev-9", "registry-dev-9-2-6565aabb-login", "registry-dev-10",
		"registry-dev-base-0123456789abcdef", names.BaseAttempt(names.TemplateDigest(), 7), "registry-template",
	}
	if diff := cmp.Diff(want, planFor(names, all, logins, true).drops()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanKeepsAForeignTemplate(t *testing.T) {
	t.Parallel()
	names := pg.Names{Prefix: "registry-dev-", Template: "registry"}
	for comment, goes := range map[string]bool{
		"": false, "our registry": false, `{"formatVersion":1,"state":"published"}`: false, `{"formatVersion":1,"state":"template","source":"built in"}`: true,
	} {
		s := candidate.Standing{Database: pg.Database{Name: "registry", Parsed: names.Parse("registry")}, Provenance: candidate.ParseProvenance(comment)}
		p := planFor(names, []candidate.Standing{s}, nil, false)
		if (p.template != nil) != goes || (p.kept != nil) == goes || (len(p.drops()) == 1) != goes {
			t.Errorf("%q: %+v", comment, p)
		}
		if p := planFor(names, []candidate.Standing{s}, nil, true); p.template == nil || p.kept != nil {
			t.Errorf("%q, any template: %+v", comment, p)
		}
		s.Invalid = true
		if p := planFor(names, []candidate.Standing{s}, nil, false); p.template == nil {
			t.Errorf("%q, half dropped: %+v", comment, p)
		}
	}
}
