package steps_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// documented gives the two files that docs/gerrit-setup.md wants on
// refs/meta/config, the group's UUID filled in.
func documented(t *testing.T, uuid string) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/gerrit-setup.md")
	if err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile("(?s)```ini\n(\\[label .*?)```").FindSubmatch(page)
	groups := regexp.MustCompile("(?s)```\n(# UUID.*?)```").FindSubmatch(page)
	if config == nil || groups == nil {
		t.Fatal("docs/gerrit-setup.md has no project.config or no groups")
	}
	return map[string]string{"project.config": string(config[1]), "groups": strings.ReplaceAll(string(groups[1]), "<uuid>", uuid)}
}

// bareProject is a project as Gerrit makes it: no label Verified.
func bareProject(t *testing.T, g *lab.GerritServer) string {
	t.Helper()
	name := "doctor-" + strings.ToLower(rand.Text()[:12])
	g.MustREST(t, g.Admin(), "PUT", "/projects/"+name, `{"create_empty_commit":true,"branches":["master"]}`)
	return name
}

func verifiers(t *testing.T, g *lab.GerritServer) string {
	t.Helper()
	var group struct{ ID string }
	if err := json.Unmarshal([]byte(g.MustREST(t, g.Admin(), "GET", "/groups/Verifiers", "")), &group); err != nil {
		t.Fatal(err)
	}
	id, err := url.PathUnescape(group.ID)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// clinic is an installation that is looked at.
type clinic struct {
	*testing.T
	server  *lab.OwnPostgres
	site    *lab.Site
	gerrit  *lab.GerritServer
	project string
	env     []string
}

// newClinic sets an installation up as the documents say, word for word.
func newClinic(t *testing.T, version int) *clinic {
	t.Helper()
	server, err := lab.StartOwnPostgres(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c := &clinic{T: t, server: server, site: server.Site(t), gerrit: lab.Gerrit(t)}
	c.project = bareProject(t, c.gerrit)
	clone := c.gerrit.Clone(t, c.project)
	if err := clone.AppendConfig(t.Context(), documented(t, verifiers(t, c.gerrit))); err != nil {
		t.Fatal(err)
	}
	clone.Git(t, "checkout", "-q", "master")
	clone.Push(t, "the first change", map[string]string{"data-model/main-liquibase.xml": changelog(person)})
	home, err := lab.LiquibaseHome(t.Context(), "4.33.0")
	if err != nil {
		t.Fatal(err)
	}
	c.env = slices.Concat(c.site.Env(), c.gerrit.Environment(), []string{
		"GERRIT_PROJECT=" + c.project, "LIQUIBASE_HOME=" + home, "PATCHBAY_CACHE_DIR=" + cache(t, "", home),
		"PATCHBAY_LOG_FORMAT=console", "GITHUB_ACTIONS=", "JENKINS_URL=", "GERRIT_CHANGE_NUMBER=",
	})
	c.prepareTemplate()
	return c
}

func (c *clinic) prepareTemplate() {
	c.Helper()
	if run := c.run("prepare-template", nil); run.status != 0 {
		c.Fatalf("prepare-template: %s", run.stderr)
	}
}

func (c *clinic) run(name string, env []string, args ...string) stepRun {
	c.Helper()
	dir := c.TempDir()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(c.Context(), filepath.Join(bin, name), args...)
	cmd.Env = slices.Concat(os.Environ(), c.env, []string{"PATCHBAY_RUN_DIR=" + dir}, env)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	_ = cmd.Run() // the status says it
	return stepRun{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// examine runs doctor and gives its checks that did not pass: "area: name" →
// check.
func (c *clinic) examine(status int, env []string, args ...string) map[string]change.Check {
	c.Helper()
	run := c.run("doctor", env, args...)
	if run.status != status {
		c.Errorf("exit status %d, want %d\n%s", run.status, status, run.stderr)
	}
	var result change.Doctor
	decoder := json.NewDecoder(strings.NewReader(run.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		c.Fatalf("%v: %s\n%s", err, run.stdout, run.stderr)
	}
	found := map[string]change.Check{}
	for _, check := range result.Checks {
		if check.State != change.CheckPassed {
			found[check.Area+": "+check.Name] = check
		}
		if !strings.Contains(run.stderr, check.Name) || !strings.Contains(run.stderr, check.Detail) || !strings.Contains(run.stderr, check.Remedy) {
			c.Errorf("the list lacks %+v:\n%s", check, run.stderr)
		}
		if check.State == change.CheckFailed && check.Remedy == "" {
			c.Errorf("no remedy for %+v", check)
		}
	}
	if len(result.Checks) == 0 {
		c.Errorf("nothing was checked:\n%s", run.stderr)
	}
	c.nothingLeft()
	return found
}

func (c *clinic) nothingLeft() {
	c.Helper()
	conn := lab.Connect(c.T, c.site.SuperURL("postgres"))
	names, err := pg.Texts(c.Context(), conn, "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles")
	conn.Close(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	for _, name := range names {
		_, login := c.site.Names.LoginOf(name)
		if kind := c.site.Names.Parse(name).Kind; login || kind != pg.Foreign && kind != pg.Template {
			c.Errorf("%s is left", name)
		}
	}
}

// TestDoctorAllGreen: an installation as documented passes every check, with
// Liquibase and with goose, on the oldest and the newest server.
func TestDoctorAllGreen(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, version)
			c.leftovers()
			for engine, env := range map[string][]string{"liquibase": nil, "goose": {"PATCHBAY_CHANGELOG=data-model"}} {
				if found := c.examine(0, env); len(found) > 0 {
					t.Errorf("%s: %+v", engine, found)
				}
			}
			for _, part := range []string{"postgresql", "engine", "gerrit"} {
				if found := c.examine(0, nil, "--only", part); len(found) > 0 {
					t.Errorf("%s: %+v", part, found)
				}
			}
		})
	}
}

// leftovers are what a doctor that was killed leaves.
func (c *clinic) leftovers() {
	server, err := pg.Connect(c.Context(), pg.Config{URL: c.site.URL})
	if err != nil {
		c.Fatal(err)
	}
	defer server.Close(c.Context())
	sum := sha256.Sum256([]byte("doctor " + c.site.Names.Prefix))
	name := c.site.Names.BaseAttempt(hex.EncodeToString(sum[:8]), 0x6565aabb)
	if err := server.Clone(c.Context(), c.site.Names.Template, name, pg.Access{Owner: c.site.OwnerRole}, nil); err != nil {
		c.Fatal(err)
	}
	if err := server.CreateLogin(c.Context(), pg.NewLogin(c.site.Names.Login(name), name, c.site.OwnerRole), pg.LoginLimits{Connections: 1}); err != nil {
		c.Fatal(err)
	}
}

// illness is something wrong and how doctor tells of it.
type illness struct {
	sql, cure string // as superuser; :service, :owner, :reader, :admin, :template are names
	in        string // the database for sql and cure; "" is postgres
	env       []string
	only      string // part to look at; "" is all
	status    int
	want      map[string]string // check → part of its remedy; "?" and "!" before it: unknown, warning
}

func (c *clinic) sql(text string) string {
	return strings.NewReplacer(":service", pg.Ident(c.site.ServiceRole()), ":owner", pg.Ident(c.site.OwnerRole), ":reader", pg.Ident(c.site.ReaderRole),
		":admin", pg.Ident(c.site.AdminDatabase()), ":template", pg.Ident(c.site.Names.Template)).Replace(text)
}

func (c *clinic) treat(name string, i illness) {
	c.Helper()
	for _, one := range []string{i.sql, i.cure} {
		if one != "" {
			database := strings.ReplaceAll(i.in, ":template", c.site.Names.Template)
			if database == "" {
				database = "postgres"
			}
			c.site.Super(c.T, database, c.sql(one))
		}
		if one == i.sql {
			c.diagnose(name, i)
		}
	}
}

func (c *clinic) diagnose(name string, i illness) {
	c.Helper()
	var args []string
	if i.only != "" {
		args = []string{"--only", i.only}
	}
	found := c.examine(i.status, i.env, args...)
	for check, remedy := range i.want {
		state := change.CheckFailed
		if rest, is := strings.CutPrefix(remedy, "?"); is {
			state, remedy = change.CheckUnknown, rest
		} else if rest, is := strings.CutPrefix(remedy, "!"); is {
			state, remedy = change.CheckWarning, rest
		}
		got, there := found[check]
		if !there || got.State != state || !strings.Contains(got.Remedy, c.sql(remedy)) {
			c.Errorf("%s: %s: want %s with remedy %q, got %+v", name, check, state, c.sql(remedy), got)
		}
		delete(found, check)
	}
	if len(found) > 0 {
		c.Errorf("%s: unexpected: %+v", name, found)
	}
}

func TestDoctorPostgreSQL(t *testing.T) {
	t.Parallel()
	c := newClinic(t, 15)
	c.env = append(c.env, "PATCHBAY_CHANGELOG=data-model") // goose is quicker
	untried := map[string]string{"postgresql: rights": "?", "engine: deploys": "?prepare-template"}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range []map[string]string{untried, more} {
			for name, remedy := range m {
				all[name] = remedy
			}
		}
		return all
	}
	for name, i := range map[string]illness{
		"no CREATEDB": {
			sql: "ALTER ROLE :service NOCREATEDB", cure: "ALTER ROLE :service CREATEDB", status: 2,
			want: map[string]string{
				"postgresql: service role": "ALTER ROLE :service CREATEDB;", "postgresql: creates databases": "one-time grants", "engine: deploys": "one-time grants",
			},
		},
		"no temp_file_limit": {
			sql: "REVOKE SET ON PARAMETER temp_file_limit FROM :service", cure: "GRANT SET ON PARAMETER temp_file_limit TO :service", status: 2,
			want: map[string]string{
				"postgresql: service role": "GRANT SET ON PARAMETER temp_file_limit TO :service;", "postgresql: creates logins": "one-time grants", "engine: deploys": "one-time grants",
			},
		},
		"no pg_signal_backend": {
			sql: "REVOKE pg_signal_backend FROM :service", cure: "GRANT pg_signal_backend TO :service", status: 2,
			want: map[string]string{
				"postgresql: service role": "GRANT pg_signal_backend TO :service;", "postgresql: ends sessions": "one-time grants",
			},
		},
		"superuser": {
			sql: "ALTER ROLE :service SUPERUSER", cure: "ALTER ROLE :service NOSUPERUSER", status: 2,
			want: map[string]string{"postgresql: service role": "ALTER ROLE :service NOSUPERUSER"},
		},
		"open admin database": {
			sql: "GRANT CONNECT ON DATABASE :admin TO PUBLIC", cure: "REVOKE CONNECT ON DATABASE :admin FROM PUBLIC", status: 2,
			want: map[string]string{"postgresql: admin database": "REVOKE ALL ON DATABASE :admin FROM PUBLIC"},
		},
		"an open neighbour": {
			sql: "CREATE DATABASE production", cure: "DROP DATABASE production",
			want: map[string]string{"postgresql: other databases": `!REVOKE CONNECT, TEMPORARY ON DATABASE "production"`},
		},
		"owner that logs in": {
			sql: "ALTER ROLE :owner LOGIN", cure: "ALTER ROLE :owner NOLOGIN", status: 2,
			want: with(map[string]string{"postgresql: owner role": "ALTER ROLE :owner NOLOGIN;"}),
		},
		"owner that is a member": {
			sql: "GRANT pg_read_all_data TO :owner", cure: "REVOKE pg_read_all_data FROM :owner", status: 2,
			want: with(map[string]string{"postgresql: owner role": `REVOKE "pg_read_all_data" FROM :owner;`}),
		},
		"no owner": {
			env: []string{"PATCHBAY_OWNER_ROLE=no_such_role"}, status: 2,
			want: with(map[string]string{"postgresql: owner role": "prepare-template"}),
		},
		"reader that may more": {
			sql: "ALTER ROLE :reader CREATEROLE", cure: "ALTER ROLE :reader NOCREATEROLE", status: 2,
			want: map[string]string{"postgresql: reader role": "ALTER ROLE :reader NOCREATEROLE;"},
		},
		"reader without settings": {
			sql: "ALTER ROLE :reader RESET search_path", cure: "ALTER ROLE :reader SET search_path = pg_catalog",
			want: map[string]string{"postgresql: reader role": "!ALTER ROLE :reader SET search_path = 'pg_catalog';"},
		},
		"no reader": {
			env: []string{"PATCHBAY_READER_ROLE=no_such_role"}, status: 2,
			want: map[string]string{"postgresql: reader role": `CREATE ROLE "no_such_role" NOLOGIN;`},
		},
		"open template": {
			sql: "GRANT CONNECT ON DATABASE :template TO PUBLIC", cure: "REVOKE CONNECT ON DATABASE :template FROM PUBLIC", status: 2,
			want: map[string]string{"postgresql: template": "REVOKE ALL ON DATABASE :template FROM PUBLIC"},
		},
		"no template": {
			env: []string{"PATCHBAY_TEMPLATE=no-such-template"}, status: 2,
			want: map[string]string{"postgresql: template": "prepare-template --environment dev --template no-such-template", "engine: deploys": "?prepare-template"},
		},
		"template with rows": {
			in: ":template", sql: "CREATE TABLE registry.filled AS SELECT 1 AS n; GRANT SELECT ON registry.filled TO :owner", cure: "DROP TABLE registry.filled", status: 2,
			want: map[string]string{"postgresql: template is empty": "prepare-template"},
		},
		"closed schema public": {
			in: ":template", sql: "REVOKE ALL ON SCHEMA public FROM :owner", cure: "GRANT USAGE, CREATE ON SCHEMA public TO :owner", status: 2,
			want: map[string]string{"postgresql: works as the owner": "make it by prepare-template", "engine: deploys": ""},
		},
		"bad settings": {
			env: []string{"PATCHBAY_PREFIX=Registry", "PATCHBAY_CHANGELOG=/etc/passwd"}, status: 2,
			want: map[string]string{"postgresql: settings": "", "engine: settings": ""},
		},
	} {
		c.Run(name, func(t *testing.T) {
			inner := *c
			inner.T = t
			inner.treat(name, i)
		})
	}
	c.hba()
	c.down()
}

// hba: the server lets the service role in, but no throw-away login.
func (c *clinic) hba() {
	file := filepath.Join(c.server.Dir, "data", "pg_hba.conf")
	text, err := os.ReadFile(file)
	if err != nil {
		c.Fatal(err)
	}
	few := fmt.Sprintf("host all postgres,%s 127.0.0.1/32 scram-sha-256\n", c.site.ServiceRole())
	for _, now := range []string{few, string(text)} {
		if err := os.WriteFile(file, []byte(now), 0o600); err != nil {
			c.Fatal(err)
		}
		c.site.Super(c.T, "postgres", "SELECT pg_reload_conf()")
		if now == few {
			c.diagnose("pg_hba.conf", illness{status: 1, want: map[string]string{
				"postgresql: the login gets in": "pg_hba.conf must let the logins " + c.site.Names.Prefix, "engine: deploys": "pg_hba.conf",
			}})
		}
	}
}

func (c *clinic) down() {
	if err := c.server.Halt(c.Context()); err != nil {
		c.Fatal(err)
	}
	run := c.run("doctor", nil, "--only", "postgresql,engine")
	if run.status != 1 || !strings.Contains(run.stderr, "✗ server") || !strings.Contains(run.stderr, "? deploys") {
		c.Errorf("exit status %d\n%s", run.status, run.stderr)
	}
	if err := c.server.Continue(c.Context()); err != nil {
		c.Fatal(err)
	}
}

func TestDoctorGerritAndEngine(t *testing.T) {
	t.Parallel()
	c := newClinic(t, 18)
	project := "/projects/" + c.project
	put := func(below, body string) func() {
		return func() { c.gerrit.MustREST(c.T, c.gerrit.Admin(), "PUT", project+below, body) }
	}
	label := func(condition string) func() {
		return put("/labels/Verified", `{"commit_message":"x","copy_condition":"`+condition+`"}`)
	}
	requirement := func(expression string) func() {
		return put("/submit_requirements/Verified", `{"name":"Verified","submittability_expression":"`+expression+`"}`)
	}
	const good, blocking = "changekind:NO_CODE_CHANGE OR changekind:NO_CHANGE", "label:Verified=MAX AND -label:Verified=MIN"
	empty := bareProject(t, c.gerrit)
	newest, err := lab.LiquibaseHome(t.Context(), "5.0.4")
	if err != nil {
		t.Fatal(err)
	}
	for name, i := range map[string]struct {
		do, undo func()
		illness
	}{
		"wrong password": {illness: illness{env: []string{"GERRIT_PASSWORD=wr0ng-pa55"}, status: 2, want: map[string]string{"gerrit: login": "expired or revoked"}}},
		"no password":    {illness: illness{env: []string{"GERRIT_PASSWORD="}, status: 2, want: map[string]string{"gerrit: settings": ""}}},
		"no address":     {illness: illness{env: []string{"GERRIT_URL=http://127.0.0.1:1"}, status: 1, want: map[string]string{"gerrit: login": ""}}},
		"administrator": {illness: illness{
			env: []string{"GERRIT_USERNAME=admin", "GERRIT_PASSWORD=secret"}, status: 2,
			want: map[string]string{"gerrit: login": "!service user", "gerrit: vote": "the range -1..+1"},
		}},
		"may not vote": {illness: illness{
			env: []string{"GERRIT_USERNAME=dev", "GERRIT_PASSWORD=dev-secret"}, status: 2,
			want: map[string]string{"gerrit: vote": "the range -1..+1", "gerrit: copy condition": "?Read on refs/meta/config"},
		}},
		"no project":   {illness: illness{env: []string{"GERRIT_PROJECT=no-such"}, status: 2, want: map[string]string{"gerrit: project": "GERRIT_PROJECT"}}},
		"no label":     {illness: illness{env: []string{"PATCHBAY_LABEL=Nope"}, status: 2, want: map[string]string{"gerrit: label": "project.config"}}},
		"other values": {illness: illness{env: []string{"PATCHBAY_LABEL=Code-Review"}, status: 2, want: map[string]string{"gerrit: label": "three values"}}},
		"bare project": {illness: illness{env: []string{"GERRIT_PROJECT=" + empty}, status: 2, want: map[string]string{"gerrit: label": "project.config"}}},
		"wrong mirror": {illness: illness{env: []string{"PATCHBAY_FETCH_URL=/no/such/mirror"}, status: 2, want: map[string]string{"gerrit: fetch": "project's name"}}},
		"sticky votes": {
			do: label("changekind:NO_CODE_CHANGE OR changekind:TRIVIAL_REBASE"), undo: label(good),
			illness: illness{status: 2, want: map[string]string{"gerrit: copy condition": "copyCondition = " + good}},
		},
		"nothing blocks": {
			do: requirement("label:Code-Review=MAX"), undo: requirement(blocking),
			illness: illness{status: 2, want: map[string]string{"gerrit: submit requirement": "submittableIf = " + blocking}},
		},
		"a second voter": {
			do: requirement("label:Verified=MAX"), undo: requirement(blocking),
			illness: illness{want: map[string]string{"gerrit: submit requirement": "!submittableIf"}},
		},
		"no Liquibase": {illness: illness{env: []string{"LIQUIBASE_HOME=/no/such"}, status: 2, want: map[string]string{"engine: liquibase": "LIQUIBASE_HOME"}}},
		"no Java":      {illness: illness{env: []string{"JAVA_HOME=/no/such"}, status: 2, want: map[string]string{"engine: java": "JAVA_HOME"}}},
		"an old Java that 4.x runs on": {illness: illness{
			env:  []string{"JAVA_HOME=" + oldJava(t), "PATCHBAY_TEMPLATE=no-such-template"}, // that Java is a script, which the sandbox would not start
			want: map[string]string{"engine: java": "!install Java 11", "engine: deploys": "?prepare-template"},
		}},
		"an old Java that 5.x does not run on": {illness: illness{
			env: []string{"JAVA_HOME=" + oldJava(t), "LIQUIBASE_HOME=" + newest}, status: 2, want: map[string]string{"engine: java": "install Java 17"},
		}},
		"no archive": {illness: illness{
			env: []string{"PATCHBAY_CACHE_DIR=" + t.TempDir()}, want: map[string]string{"engine: class archive": "!--warm-cache"},
		}},
		"no cache": {illness: illness{
			env: []string{"PATCHBAY_CACHE_DIR=/dev/null/x"}, status: 2,
			want: map[string]string{"engine: cache directory": "PATCHBAY_CACHE_DIR", "engine: class archive": "!"},
		}},
		"unseen changelog": {illness: illness{
			env: []string{"PATCHBAY_MODEL_DIR=model"}, status: 2, want: map[string]string{"engine: changelog": "PATCHBAY_MODEL_DIR"},
		}},
		"contexts and parameters": {illness: illness{env: []string{
			"PATCHBAY_CONTEXTS=all,pub", "PATCHBAY_LABELS=x", "PATCHBAY_CHANGELOG=data-model/a.xml,data-model/b.yaml,data-model/c.sql,data-model/d.json",
			"PATCHBAY_CHANGELOG_TABLE=ddm_db_changelog",
		}}},
		"a schema that is not there": {illness: illness{
			env: []string{"PATCHBAY_LIQUIBASE_SCHEMA=nowhere"}, status: 2, want: map[string]string{"engine: deploys": ""},
		}},
	} {
		c.Run(name, func(t *testing.T) {
			inner := *c
			inner.T = t
			for check := range i.want {
				i.only, _, _ = strings.Cut(check, ":")
			}
			if i.do != nil {
				i.do()
				defer i.undo()
			}
			inner.diagnose(name, i.illness)
		})
	}
	if run := c.run("doctor", nil, "--only", "gerit"); run.status != 2 || !strings.Contains(run.stderr, "--only gerit") {
		t.Errorf("exit status %d\n%s", run.status, run.stderr)
	}
	if run := c.run("doctor", []string{"GERRIT_PASSWORD=wr0ng-pa55"}); strings.Contains(run.stdout+run.stderr, "wr0ng-pa55") {
		t.Errorf("the password is shown:\n%s%s", run.stdout, run.stderr)
	}
	c.noChange(empty)
}

// oldJava is a home of a Java that says it is 8, in that one's words.
func oldJava(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	const script = "#!/bin/sh\necho 'openjdk version \"1.8.0_452\"' >&2\n"
	if err := os.WriteFile(filepath.Join(home, "bin", "java"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return home
}

// noChange: what only a change can show is said to be unknown.
func (c *clinic) noChange(project string) {
	clone := c.gerrit.Clone(c.T, project)
	if err := clone.AppendConfig(c.Context(), documented(c.T, verifiers(c.T, c.gerrit))); err != nil {
		c.Fatal(err)
	}
	c.diagnose("no change", illness{env: []string{"GERRIT_PROJECT=" + project}, want: map[string]string{
		"gerrit: vote": "?push a change", "gerrit: submit requirement": "?push a change", "gerrit: fetch": "?push a change",
	}})
}
