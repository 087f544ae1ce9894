package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"prepare-template": main})
}

// TestScripts runs the real binary on the oldest and the newest server.
func TestScripts(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]int{"15": 15, "18": 18} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scripts, err := filepath.Glob("testdata/*.txt")
			if err != nil {
				t.Fatal(err)
			}
			for _, script := range scripts {
				t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) {
					t.Parallel()
					site, other := lab.Postgres(t, version), lab.Postgres(t, 15)
					testscript.Run(t, testscript.Params{
						Files:               []string{script},
						RequireExplicitExec: true,
						Setup:               func(env *testscript.Env) error { return setUp(env, site, other) },
						Cmds:                commands(t, site, other),
						// Before 16 CREATEROLE manages every role.
						Condition: func(name string) (bool, error) { return name == "managed" && version < 16, nil },
					})
				})
			}
		})
	}
}

func setUp(env *testscript.Env, site, other *lab.Site) error {
	env.Vars = append(env.Vars, site.Env()...)
	env.Vars = append(env.Vars,
		"HOST="+site.Server.Host, "OWNER="+site.OwnerRole, "READER="+site.ReaderRole, "TEMPLATE="+site.Names.Template,
		"SERVICE="+site.ServiceRole(), "CI=", "GITHUB_ACTIONS=",
		"SOURCE="+strings.Replace(other.SuperURL(other.AdminDatabase()), ":"+other.Server.Password+"@", "@", 1),
	)
	return os.WriteFile(filepath.Join(env.WorkDir, "source-password"), []byte(other.Server.Password+"\n"), 0o600)
}

// commands: "status N program…" wants that exit status, "watched program…" a template all the time; "super DB SQL" and
// "source SQL" prepare; "until SQL" waits for an answer of true; "answer DB WANT SQL" asks the superuser for one value.
func commands(t *testing.T, site, other *lab.Site) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"status": status,
		"super":  func(ts *testscript.TestScript, _ bool, args []string) { site.Super(t, args[0], args[1]) },
		"source": func(ts *testscript.TestScript, _ bool, args []string) {
			text := args[0]
			if strings.HasSuffix(text, ".sql") {
				text = ts.ReadFile(text)
			}
			other.Super(t, other.AdminDatabase(), text)
		},
		"answer": func(ts *testscript.TestScript, _ bool, args []string) {
			var got string
			conn := lab.Connect(t, site.SuperURL(args[0]))
			ts.Check(conn.QueryRow(t.Context(), args[2]).Scan(&got))
			ts.Check(conn.Close(t.Context())) // or the next run finds the template in use
			if got != args[1] {
				ts.Fatalf("%s: got %q, want %q", args[2], got, args[1])
			}
		},
		"watched": func(ts *testscript.TestScript, _ bool, args []string) { watched(t, ts, site, args) },
		"until":   func(ts *testscript.TestScript, _ bool, args []string) { until(t, ts, site, args[0]) },
		"alone":   func(ts *testscript.TestScript, _ bool, _ []string) { alone(t, ts, site) },
	}
}

// watched runs a program that ends well, and meanwhile looks without pause
// whether there is a template.
func watched(t *testing.T, ts *testscript.TestScript, site *lab.Site, args []string) {
	conn := lab.Connect(t, site.SuperURL("postgres"))
	looked, absent := 0, 0
	running, ended := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		for ; running.Err() == nil; looked++ {
			var there int
			err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datallowconn AND datname = $1", site.Names.Template).Scan(&there)
			if err != nil || there != 1 {
				absent++
			}
		}
	})
	err := ts.Exec(args[0], args[1:]...)
	ended()
	watching.Wait()
	ts.Check(err)
	if looked == 0 || absent > 0 {
		ts.Fatalf("looked %d times for the template, %d times it was not there", looked, absent)
	}
}

// until waits at most half a minute.
func until(t *testing.T, ts *testscript.TestScript, site *lab.Site, sql string) {
	conn := lab.Connect(t, site.SuperURL("postgres"))
	for range 600 {
		var answer bool
		ts.Check(conn.QueryRow(t.Context(), sql).Scan(&answer))
		if answer {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s: never true", sql)
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

// alone checks that nothing of a build is left: no database but the template,
// no throw-away login.
func alone(t *testing.T, ts *testscript.TestScript, site *lab.Site) {
	server, err := pg.Connect(t.Context(), pg.Config{URL: site.URL})
	ts.Check(err)
	defer server.Close(t.Context())
	databases, err := server.Databases(t.Context(), site.Names)
	ts.Check(err)
	for _, database := range databases {
		if database.Parsed.Kind != pg.Template {
			ts.Fatalf("%s is left", database.Name)
		}
	}
	roles, err := pg.Texts(t.Context(), lab.Connect(t, site.URL), "SELECT rolname FROM pg_roles")
	ts.Check(err)
	for _, role := range roles {
		if _, ok := site.Names.LoginOf(role); ok {
			ts.Fatalf("role %s is left", role)
		}
	}
}

func TestUnwanted(t *testing.T) {
	t.Parallel()
	const contents = `;
; Archive created
5; 2615 16385 SCHEMA - registry owner
6; 2615 2200 SCHEMA - public pg_database_owner
3350; 0 0 COMMENT - SCHEMA public pg_database_owner
7; 2615 16385 SCHEMA - publications owner
2; 3079 16390 EXTENSION - citext 
3345; 0 0 COMMENT - EXTENSION citext 
216; 1259 16400 TABLE registry laboratory owner
9; 3466 16444 EVENT TRIGGER - guard postgres
10; 1418 16445 USER MAPPING - USER MAPPING owner SERVER far owner
`
	const want = `;
; Archive created
5; 2615 16385 SCHEMA - registry owner
7; 2615 16385 SCHEMA - publications owner
2; 3079 16390 EXTENSION - citext 
216; 1259 16400 TABLE registry laboratory owner
`
	if diff := cmp.Diff(want, wanted(contents, []string{"public", "pg_catalog"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutMeta(t *testing.T) {
	t.Parallel()
	const text = "--\n\n\\restrict key1\nSELECT '\n\\restrict other\n\\unrestrict other\n';\n\\unrestrict key1\n\n"
	const want = "--\n\nSELECT '\n\\restrict other\n\\unrestrict other\n';\n\n"
	if diff := cmp.Diff(want, withoutMeta(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := withoutMeta("SELECT 1;\n"); got != "SELECT 1;\n" {
		t.Errorf("without psql's commands: %q", got)
	}
}

func TestMadeHere(t *testing.T) {
	t.Parallel()
	ours, err := json.Marshal(provenance{State: stateTemplate})
	if err != nil {
		t.Fatal(err)
	}
	for comment, want := range map[string]bool{"": false, "our template": false, "{}": false, `{"state":"base"}`: false, string(ours): true} {
		if got := madeHere(comment); got != want {
			t.Errorf("%s: %t, want %t", comment, got, want)
		}
	}
}

// TestFaultsTogether: every fault of the input is said in one run.
func TestFaultsTogether(t *testing.T) {
	t.Parallel()
	cfg := &Config{Migrations: "no-such-folder", FromDatabase: "postgres://me:pw@host/db", RowsAllowed: []string{"x"}}
	cfg.Database.Prefix, cfg.Database.Template = "x", "t"
	cfg.ReaderPassword = "пароль"
	var all bytes.Buffer
	for _, fault := range cfg.Faults() {
		all.WriteString(fault.Error() + "\n")
	}
	for _, want := range []string{
		"--environment dev", "prefix", "two different names", "printable ASCII", "give one", "is not a folder", "holds a password", "schema.table",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("%q is not said in:\n%s", want, all.String())
		}
	}
	if strings.Contains(all.String(), "pw@") {
		t.Errorf("the password is shown:\n%s", all.String())
	}
}
