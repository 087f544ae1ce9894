package steps_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// engineAttacks aim at the build machine by way of Liquibase. Most are found
// before any Java starts.
var engineAttacks = map[string]struct {
	changesets string
	files      map[string]string
	link       string // target of a symbolic link data-model/link.sql
	want       int
}{
	"runs a program":          {changesets: `<changeSet id="run" author="eve"><executeCommand executable="touch"><arg value="/tmp/patchbay-attack"/></executeCommand></changeSet>`, want: -1},
	"includes a foreign file": {changesets: `<include file="../../../../../../../../etc/passwd"/>`, want: -1},
	"loads a foreign file":    {changesets: `<changeSet id="load" author="eve"><loadData tableName="person" schemaName="registry" file="data-model/../../base/data-model/x.csv"/></changeSet>`, want: -1},
	"link":                    {changesets: `<changeSet id="link" author="eve"><sqlFile path="data-model/link.sql"/></changeSet>`, link: "/etc/passwd", want: -1},
	"own settings and environment": {
		files: map[string]string{
			"data-model/liquibase.properties": "changelog-file: data-model/other.xml\nclasspath: data-model\nliquibase.command.url: jdbc:postgresql://127.0.0.1:1/x\n",
			"liquibase.properties":            "liquibase.command.url: jdbc:postgresql://127.0.0.1:1/x\n",
		},
		changesets: `<changeSet id="environment" author="eve"><createTable schemaName="registry" tableName="seen"><column name="text" type="text"/></createTable>
<insert schemaName="registry" tableName="seen"><column name="text" value="${DATABASE_URL} ${GERRIT_PASSWORD} ${env.GERRIT_PASSWORD} ${LIQUIBASE_COMMAND_PASSWORD} ${liquibase.command.password} ${user.home}"/></insert></changeSet>`,
		want: 1,
	},
	"tracking table is a view": {changesets: `<changeSet id="trap" author="eve"><sql splitStatements="false"><![CDATA[` + trap + `]]></sql>
<sql>ALTER TABLE public.databasechangelog RENAME TO kept; CREATE VIEW public.databasechangelog AS SELECT * FROM public.kept WHERE public.trap()</sql></changeSet>`, want: -1},
	"flood of notices": {changesets: `<changeSet id="flood" author="eve"><sql splitStatements="false"><![CDATA[
DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE WARNING '%', repeat('x', 200); END LOOP; END $$]]></sql></changeSet>`, want: 1},
}

// TestEngineAttacks: nothing outside the checkout is read, run or written.
func TestEngineAttacks(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, people("")).with("PATCHBAY_MAX_CANDIDATES=0")
	for _, name := range sortedKeys(engineAttacks) {
		a := engineAttacks[name]
		files := people(a.changesets)
		for path, text := range a.files {
			files[path] = text
		}
		if a.link != "" {
			if err := os.Symlink(a.link, filepath.Join(r.clone.Dir, "data-model/link.sql")); err != nil {
				t.Fatal(err)
			}
		}
		p := r.onMaster(name, files)
		r.named(name, func(r *registry) {
			r.Parallel()
			r.attackedEngine(p, a.want)
		})
	}
}

func (r *registry) attackedEngine(p lab.Pushed, want int) {
	r = r.alone()
	run := r.run(p)
	r.verified(run, want)
	if want < 0 {
		r.failedAs(&run.Applied.Header, change.KindCandidate)
	}
	r.tidy(p.Number, want > 0)
	r.quiet(p.Number)
	r.neverTrapped()
	r.secretFree(p, run.Dir, logs(run))
	if _, err := os.Stat("/tmp/patchbay-attack"); err == nil {
		r.Error("a program of the candidate's ran")
	}
	if slices.Contains(r.tables0(p), "seen") {
		seen := r.column(r.site.Names.Candidate(p.Number), "SELECT text FROM registry.seen")
		r.withoutSecrets("the table", strings.Join(seen, "\n"))
	}
}

// tables0 are the tables of a change that may have no database.
func (r *registry) tables0(p lab.Pushed) []string {
	if !slices.Contains(r.candidates(), r.site.Names.Candidate(p.Number)) {
		return nil
	}
	return r.tables(p.Number)
}

// secrets of a registry that must be nowhere.
func (r *registry) secrets() []string {
	var all []string
	for _, variable := range r.pipeline.Env {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "GERRIT_PASSWORD":
			all = append(all, value, base64.StdEncoding.EncodeToString([]byte(r.gerrit.CI().Username+":"+value)))
		case "DATABASE_URL":
			_, rest, _ := strings.Cut(strings.TrimPrefix(value, "postgres://"), ":")
			password, _, _ := strings.Cut(rest, "@")
			all = append(all, password)
		}
	}
	return all
}

func (r *registry) withoutSecrets(where, text string) {
	r.Helper()
	for _, secret := range r.secrets() {
		if strings.Contains(text, secret) {
			r.Errorf("%s holds a secret:\n%s", where, strings.ReplaceAll(text, secret, "[THE SECRET]"))
		}
	}
}

// secretFree looks at logs, results and what was said in Gerrit.
func (r *registry) secretFree(p lab.Pushed, dir, log string) {
	r.Helper()
	r.withoutSecrets("the log", log)
	_, messages := r.voted(p.Number)
	r.withoutSecrets("a message in Gerrit", messages)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		r.withoutSecrets(path, string(text))
		return err
	})
	if err != nil {
		r.Error(err)
	}
}

// TestNoSecretIsShown watches the processes of a whole pipeline.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	heard := t.TempDir()
	r := newRegistry(t, people("")).alone().with("PATCHBAY_CACHE_DIR="+cache, "PATCHBAY_LOG_LEVEL=debug", talkative(t, heard))
	p := r.onMaster("a table", people(table("watched")))
	bad := r.onMaster("a broken one", people(`<changeSet id="broken" author="olena"><sql>SELECT nothing</sql></changeSet>`))
	w := &sentry{folder: r.temporary(), stop: make(chan bool), seen: map[string]bool{}, logins: map[string]bool{}}
	var watching sync.WaitGroup
	watching.Go(w.run)
	good, broken := r.run(p), r.run(bad)
	close(w.stop)
	watching.Wait()
	r.verified(good, +1)
	r.verified(broken, -1)
	calls, err := os.ReadFile(filepath.Join(heard, "calls"))
	if err != nil || !w.java || len(w.logins) == 0 {
		t.Fatalf("watched in vain: git %v, java %v, %d throw-away passwords", err, w.java, len(w.logins))
	}
	shown := strings.Join(append(sortedKeys(w.seen), string(calls)), "\n")
	r.withoutSecrets("a process", shown)
	r.secretFree(p, good.Dir, logs(good))
	r.secretFree(bad, broken.Dir, logs(broken))
	r.secretFree(p, cache, "")
	_, messages := r.voted(bad.Number)
	for login := range w.logins {
		if strings.Contains(shown+logs(good)+logs(broken)+messages, login) {
			t.Error("a throw-away password is shown")
		}
	}
}

// temporary is the folder that alone gave.
func (r *registry) temporary() (folder string) {
	for _, variable := range r.pipeline.Env {
		if value, is := strings.CutPrefix(variable, "TMPDIR="); is {
			folder = value
		}
	}
	return folder
}

// sentry takes down command lines of the steps and their children, and the
// environments of the children; a step's own is where its secrets come from.
type sentry struct {
	folder string
	stop   chan bool
	seen   map[string]bool
	logins map[string]bool // passwords, out of files that only we can read
	java   bool
}

func (w *sentry) run() {
	for {
		select {
		case <-w.stop:
			return
		case <-time.After(2 * time.Millisecond):
			w.look()
		}
	}
}

func (w *sentry) look() {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		if _, err := strconv.Atoi(filepath.Base(process)); err == nil {
			w.note(process)
		}
	}
	files, _ := filepath.Glob(filepath.Join(w.folder, "patchbay-*", "scratch", "*", "defaults.properties"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if _, rest, found := strings.Cut(string(text), "liquibase.command.password="); found {
			password, _, _ := strings.Cut(rest, "\n")
			w.logins[password] = true
		}
	}
}

// note: a process is one of ours when it is a step, or has the folder in its
// command line.
func (w *sentry) note(process string) {
	line, _ := os.ReadFile(filepath.Join(process, "cmdline"))
	java := strings.HasPrefix(filepath.Base(string(bytes.SplitN(line, []byte{0}, 2)[0])), "java") && bytes.Contains(line, []byte(w.folder))
	if !java && !strings.HasPrefix(string(line), bin+"/") {
		return
	}
	w.seen[string(line)] = true
	if java {
		w.java = true
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		w.seen[string(environment)] = true
	}
}

// talkative is a PATH with a git that writes down how it was called, since a
// real one is gone before anybody looks. The header that logs in is the one
// thing it leaves out: that is in git's environment by design.
func talkative(t *testing.T, dir string) string {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n{ printf '%s\\n' \"$@\"; env | grep -v '^GIT_CONFIG_VALUE_'; } >>'" + filepath.Join(dir, "calls") + "'\nexec '" + git + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + dir + ":" + os.Getenv("PATH")
}
