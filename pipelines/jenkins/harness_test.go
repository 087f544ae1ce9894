// Package jenkins_test runs the Jenkinsfiles by the Groovy that Jenkins has,
// with recorded steps, and their shell lines against the real servers.
package jenkins_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// scenario is what the harness is told: see harness/Harness.groovy.
type scenario struct {
	File        string                `json:"file"`
	Env         map[string]string     `json:"env"`
	Parameters  map[string]any        `json:"parameters,omitempty"`
	Credentials map[string]credential `json:"credentials"`
	Answers     []answer              `json:"answers,omitempty"`
	Execute     bool                  `json:"execute,omitempty"`
	Workspace   string                `json:"workspace,omitempty"`
	Archive     string                `json:"archive,omitempty"`
	Copied      string                `json:"copied,omitempty"` // what copyArtifacts finds
	Abort       *abort                `json:"abort,omitempty"`
}

type credential struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Text     string `json:"text,omitempty"`
}

// answer is what a shell line comes to when it is not executed.
type answer struct {
	Match   string `json:"match"`
	Status  int    `json:"status,omitempty"`
	Stdout  string `json:"stdout,omitempty"`
	Aborted bool   `json:"aborted,omitempty"`
}

// abort ends an executed line after some milliseconds.
type abort struct {
	Match string `json:"match"`
	After int    `json:"after"`
}

// event is one thing that happened.
type event struct {
	Type        string
	Where       string // the stage, or "post always"
	Script      string
	Credentials []string
	Variables   []string
	Status      int
	Stdout      string
	Stderr      string
	Aborted     bool
	Why         string
	Message     string
	Artifacts   string
	Files       []string
	Result      string
	DisplayName string
	Sections    map[string]map[string]any
	Parameters  map[string]any
}

// String is an event as the tests compare it.
func (e event) String() string {
	switch e.Type {
	case "sh":
		return fmt.Sprintf("%s: sh %s %s", e.Where, e.Script, e.Credentials)
	case "skipped":
		return fmt.Sprintf("%s: skipped by %s", e.Where, e.Why)
	case "archive":
		return fmt.Sprintf("%s: archive %s", e.Where, e.Artifacts)
	case "copy":
		return fmt.Sprintf("%s: copy %s", e.Where, e.Artifacts)
	case "deleteDir":
		return e.Where + ": deleteDir"
	case "refused":
		return "refused: " + e.Message
	case "end":
		return fmt.Sprintf("end: %s %q", e.Result, e.DisplayName)
	}
	return ""
}

// build is one run of a Jenkinsfile.
type build []event

// said lists what happened, without what was only declared.
func (b build) said() (lines []string) {
	for _, e := range b {
		if line := e.String(); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func (b build) end() event { return b[len(b)-1] }

// log is what a person would see of the shell lines.
func (b build) log() string {
	var text strings.Builder
	for _, e := range b {
		if e.Type == "sh" {
			fmt.Fprintf(&text, "+ %s (status %d)\n%s%s", e.Script, e.Status, e.Stdout, e.Stderr)
		}
	}
	return text.String()
}

// everybody are credentials for all that a Jenkinsfile may ask for.
var everybody = map[string]credential{
	"patchbay-gerrit":   {Username: "ci", Password: "gerrit-secret"},
	"patchbay-database": {Text: "postgres://patchbay:database-secret@db/patchbay"},
	"patchbay-reader":   {Text: "reader-secret"},

	"patchbay-assets-gerrit": {Username: "dev", Password: "assets-secret"},
	"patchbay-superset-prod": {Username: "sync", Password: "prod-secret"},
	"patchbay-superset-qa":   {Username: "sync", Password: "qa-secret"},
}

// run lets the harness run a file of the repository.
func run(t *testing.T, s scenario) build {
	t.Helper()
	classpath, err := lab.Groovy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(s.File) {
		s.File = filepath.Join("..", "..", s.File)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scenario.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		t.Fatal(lab.Missing("java", "openjdk-17-jre-headless"))
	}
	cmd := exec.CommandContext(t.Context(), java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classpath, "groovy.ui.GroovyMain", "harness/Harness.groovy", file)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the harness: %v\n%s", err, stderr.String())
	}
	var b build
	if err := json.Unmarshal(out, &b); err != nil || len(b) == 0 {
		t.Fatalf("the harness answered %q: %v", out, err)
	}
	return b
}

// eventOf puts the variables of a patch set's event beside others.
func eventOf(p lab.Pushed, env map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, env)
	for _, variable := range p.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		all[name] = value
	}
	return all
}
