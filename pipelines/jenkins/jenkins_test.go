package jenkins_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

var patchSet = lab.Pushed{Project: "laboratories", Number: 4711, PatchSet: 2, Revision: strings.Repeat("a", 40)}

// reported answers report-verified.
func reported(verdict string) answer {
	return answer{Match: "report-verified", Stdout: `{"verdict":"` + verdict + `"}`}
}

// TestCodeReview: which lines run in which order, with which credentials open,
// when all goes well and when it does not.
func TestCodeReview(t *testing.T) {
	t.Parallel()
	const (
		pending = "pending vote: sh report-verified --pending [patchbay-gerrit]"
		begin   = "get-changes: sh get-changes [patchbay-gerrit]"
		create  = "create-temp-db: sh create-temp-db [patchbay-database]"
		apply   = "apply-changelog: sh apply-changelog [patchbay-gerrit patchbay-database]"
		report  = "post always: sh report-verified [patchbay-gerrit]"
		archive = "post cleanup: archive .patchbay/*.json"
		tidy    = "post cleanup: deleteDir"
	)
	for name, c := range map[string]struct {
		answers []answer
		want    []string
	}{
		"good": {
			[]answer{reported("+1")},
			[]string{pending, begin, create, apply, report, archive, tidy, `end: SUCCESS "4711/2 +1"`},
		},
		"bad": {
			[]answer{{Match: "apply-changelog", Status: 3}, reported("-1")},
			[]string{pending, begin, create, apply, report, archive, tidy, `end: FAILURE "4711/2 -1"`},
		},
		"no database": {
			[]answer{{Match: "create-temp-db", Status: 1}, reported("0")},
			[]string{pending, begin, create, "apply-changelog: skipped by earlier FAILURE", report, archive, tidy, `end: FAILURE "4711/2 0"`},
		},
		"Gerrit does not answer": {
			[]answer{{Match: "report-verified", Status: 1}},
			[]string{
				pending, "get-changes: skipped by earlier FAILURE", "create-temp-db: skipped by earlier FAILURE", "apply-changelog: skipped by earlier FAILURE",
				report, archive, tidy, `end: FAILURE "4711/2"`,
			},
		},
		"aborted": {
			[]answer{{Match: "create-temp-db", Status: 1, Aborted: true}, reported("superseded")},
			[]string{pending, begin, create, "apply-changelog: skipped by earlier ABORTED", report, archive, tidy, `end: ABORTED "4711/2 superseded"`},
		},
		"not reported": {
			[]answer{{Match: "report-verified --pending"}, {Match: "report-verified", Status: 1}},
			[]string{pending, begin, create, apply, report, archive, tidy, `end: FAILURE "4711/2"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := run(t, scenario{File: "Jenkinsfile", Env: eventOf(patchSet, nil), Credentials: everybody, Answers: c.answers})
			if diff := cmp.Diff(c.want, b.said()); diff != "" {
				t.Error(diff)
			}
			if options := b[0].Sections["options"]; options["timeout"] == nil || options["skipDefaultCheckout"] != true || options["disableConcurrentBuilds"] != nil {
				t.Errorf("options: %v: want a timeout, no checkout, and changes at the same time", options)
			}
		})
	}
}

// TestOthers: the other pipelines, as they are and as their parameters change
// them.
func TestOthers(t *testing.T) {
	t.Parallel()
	const (
		both      = "[patchbay-gerrit patchbay-database]"
		supersets = "[patchbay-superset-prod patchbay-superset-qa]"
	)
	end := []string{"post cleanup: archive .patchbay/*.json", "post cleanup: deleteDir"}
	for name, c := range map[string]struct {
		file       string
		parameters map[string]any
		answers    []answer
		want       []string
	}{
		"reconcile": {
			file: "reconcile", want: []string{
				"reconcile: sh reconcile --rebuild-list rebuild.json " + both,
				"post cleanup: archive .patchbay/*.json, rebuild.json", "post cleanup: deleteDir", `end: SUCCESS "#1"`,
			},
		},
		"reconcile refused": {
			file: "reconcile", answers: []answer{{Match: "reconcile", Status: 1}}, want: []string{
				"reconcile: sh reconcile --rebuild-list rebuild.json " + both,
				"post cleanup: archive .patchbay/*.json, rebuild.json", "post cleanup: deleteDir", `end: FAILURE "#1"`,
			},
		},
		"closed change": {
			file: "closed-change", want: []string{`reconcile: sh reconcile --change "$GERRIT_CHANGE_NUMBER" ` + both, end[0], end[1], `end: SUCCESS "4711"`},
		},
		"template": {
			file: "prepare-template", want: []string{"prepare-template: sh prepare-template [patchbay-database patchbay-reader]", end[0], end[1], `end: SUCCESS "#1"`},
		},
		"proposal": {
			file: "propose-assets", want: []string{
				"propose: sh propose-assets [patchbay-superset-prod patchbay-superset-qa patchbay-assets-gerrit]",
				"ids: sh asset-sync ids --out ids.json " + supersets,
				"post cleanup: archive .patchbay/*.json, ids.json", "post cleanup: deleteDir", `end: SUCCESS "#1"`,
			},
		},
		"sync that failed": {
			file: "sync-assets", answers: []answer{{Match: "asset-sync", Status: 1}}, want: []string{
				`sync: sh asset-sync sync --from assets --yes --confirm "$PATCHBAY_ASSETS_TO" ` + supersets,
				"post cleanup: archive .patchbay/*.json, snapshots/**", "post cleanup: deleteDir", `end: FAILURE "#1"`,
			},
		},
		"rollback": {
			file: "rollback-assets", parameters: map[string]any{"SYNC_BUILD": "12"}, want: []string{
				"rollback: copy sync-assets 12 snapshots/**",
				`rollback: sh asset-sync rollback --yes --confirm "$PATCHBAY_ASSETS_TO" ` + supersets, end[0], end[1], `end: SUCCESS "#1"`,
			},
		},
		"teardown shown": {
			file: "delete-registry", want: []string{
				"show: sh cleanup-registry --dry-run [patchbay-database]", "delete-registry: skipped by when", end[0], end[1], `end: SUCCESS "#1"`,
			},
		},
		"teardown confirmed": {
			file: "delete-registry", parameters: map[string]any{"CONFIRM_PREFIX": "registry-dev-"}, want: []string{
				"show: sh cleanup-registry --dry-run [patchbay-database]",
				`delete-registry: sh cleanup-registry --yes "$CONFIRM_PREFIX" [patchbay-database]`, end[0], end[1], `end: SUCCESS "#1"`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := run(t, scenario{
				File: "pipelines/jenkins/" + c.file + ".Jenkinsfile", Env: eventOf(patchSet, nil), Credentials: everybody,
				Parameters: c.parameters, Answers: c.answers,
			})
			if diff := cmp.Diff(c.want, b.said()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRefused: what Jenkins would not take is not taken here: else the tests
// above could not fail.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ steps, want string }{
		"a pasted value":      {`sh "echo ${env.GERRIT_CHANGE_NUMBER}"`, "sh with a value pasted in by Groovy"},
		"an unknown step":     {`shell 'true'`, "shell"},
		"an unknown argument": {`sh(script: 'true', returnOutput: true)`, "sh has no argument returnOutput"},
		"an unknown secret":   {`withCredentials([string(credentialsId: 'mine', variable: 'X')]) { sh 'true' }`, "there is no credential mine"},
		"another kind of it":  {`withCredentials([string(credentialsId: 'patchbay-gerrit', variable: 'X')]) { sh 'true' }`, "is not a string"},
		"half a login":        {`withCredentials([usernamePassword(credentialsId: 'patchbay-gerrit', usernameVariable: 'X')]) { sh 'true' }`, "usernamePassword wants"},
		"an unknown option":   {"sh 'true' } }\n stage('b') { options { retry(3) }\n steps { sh 'true' ", "retry is not allowed here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "Jenkinsfile")
			text := "pipeline { agent { label 'x' }\n stages { stage('a') { steps { " + c.steps + " } } } }"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if said := strings.Join(run(t, scenario{File: file, Env: eventOf(patchSet, nil), Credentials: everybody}).said(), "\n"); !strings.Contains(said, "refused: ") || !strings.Contains(said, c.want) {
				t.Errorf("got %s, want %q", said, c.want)
			}
		})
	}
}

const linter = "npm-groovy-lint@15.2.2"

// TestLint: every Groovy file of the repository is clean.
func TestLint(t *testing.T) {
	t.Parallel()
	files := groovyFiles(t)
	if len(files) < 6 {
		t.Fatalf("only %d Groovy files were found", len(files))
	}
	if out, err := lint(t, files...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	bad := filepath.Join(t.TempDir(), "Jenkinsfile")
	if err := os.WriteFile(bad, []byte("pipeline { agent any\n  def unused = 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := lint(t, bad); err == nil {
		t.Errorf("a bad file is called clean:\n%s", out)
	}
}

func groovyFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".groovy") || strings.HasSuffix(path, "Jenkinsfile") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func lint(t *testing.T, files ...string) (string, error) {
	t.Helper()
	dir, err := lab.NPM(t.Context(), linter)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{filepath.Join(dir, "node_modules/npm-groovy-lint/lib/index.js"), "--noserver", "--failon", "info", "--config", "../.."}, files...)
	out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
	return string(out), err
}
