// Package pipelines_test compares the variables that front doors and pages name
// with the inputs of the steps, as their help lists them.
package pipelines_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

var update = flag.Bool("update", false, "write docs/variables.md anew")

const root = ".."

// input is one variable of a step.
type input struct {
	name, help string
	secret     bool
}

// step is a program, or one of its sub-commands.
type step struct {
	name   string
	inputs []input
}

func (s step) has(variable string) bool {
	return slices.ContainsFunc(s.inputs, func(i input) bool { return i.name == variable })
}

var (
	flagHelp   = regexp.MustCompile(`--(?:\[no-\])?[a-z-]+(?:="?[^ ]*)? (.*?) \(\$([A-Z_]+)\)`)
	secretHelp = regexp.MustCompile(`(?m)^  \$([A-Z_]+) +(.*)$`)
	command    = regexp.MustCompile(`(?m)^  ([a-z]+) {2,}\S`)
)

var (
	asking sync.Mutex
	asked  []step
)

// steps asks every program for its help, once.
func steps(t *testing.T) []step {
	t.Helper()
	asking.Lock()
	defer asking.Unlock()
	if asked == nil {
		asked = ask(t)
	}
	return asked
}

var contract = regexp.MustCompile(`(?s)^[a-z-]+ [^\n]+\n(?:[^\n]+\n)?\nReads:  .*\nDoes:   .*\nWrites: .*\nExits:  0 .*\n\nUsage: `)

func ask(t *testing.T) (all []step) {
	t.Helper()
	bin := t.TempDir()
	if err := lab.BuildSteps(t.Context(), bin); err != nil {
		t.Fatal(err)
	}
	programs, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		text := help(t, bin, p.Name())
		_, list, commands := strings.Cut(text, "\nSub-commands:\n")
		if !commands {
			if !contract.MatchString(text) {
				t.Errorf("%s --help does not open with what it reads, does, writes, exits with", p.Name())
			}
			all = append(all, step{p.Name(), inputs(text)})
			continue
		}
		for _, found := range command.FindAllStringSubmatch(list, -1) {
			all = append(all, step{p.Name() + " " + found[1], inputs(help(t, bin, p.Name(), found[1]))})
		}
	}
	return all
}

func help(t *testing.T, bin, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, name), append(args, "--help")...).Output()
	if err != nil {
		t.Fatalf("%s --help: %v", name, err)
	}
	return string(out)
}

// inputs reads a help: flags with their variables, and the secrets.
func inputs(help string) (all []input) {
	_, flags, _ := strings.Cut(help, "\nFlags:\n")
	flags, _, _ = strings.Cut(flags, "\n\nExamples:")
	flags, secrets, _ := strings.Cut(flags, "\nSecrets (")
	for block := range strings.SplitSeq(strings.Join(strings.Fields(flags), " "), " --") {
		if found := flagHelp.FindStringSubmatch("--" + block); found != nil {
			all = append(all, input{name: found[2], help: found[1]})
		}
	}
	for _, found := range secretHelp.FindAllStringSubmatch(secrets, -1) {
		all = append(all, input{found[1], found[2], true})
	}
	return all
}

// doors are the files in which people find variables.
func doors(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{
		"Jenkinsfile", "action.yml", "Dockerfile", "README.md", "docs/*.md", "pipelines/propose-assets",
		"pipelines/jenkins/*.Jenkinsfile", "pipelines/github/*.yaml", "pipelines/github/install", "pipelines/github/asset-sync", "pipelines/kubernetes/*.yaml",
	} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	return files
}

// others are variables that stand in front doors and are no input of a step.
var others = map[string]string{
	"GERRIT_CHANGE_ID":               "an input of gerrit-to-platform's convention",
	"GERRIT_CHANGE_URL":              "the same",
	"GERRIT_EVENT_TYPE":              "the same",
	"GERRIT_REFSPEC":                 "the same",
	"PATCHBAY_RUNNER":                "the label of the runner in the workflows",
	"GERRIT_COMMUNICATION_EXCEPTION": "an error of serve-versions' API",
	"PATCHBAY_ASSETS_ENVIRONMENTS":   "asset-sync's environments without a file: SUPERSET_<NAME>_…",
}

var variable = regexp.MustCompile(`\b(?:PATCHBAY|GERRIT|DATABASE|LIQUIBASE)_[A-Z_]*[A-Z]\b`)

// TestUnknown: no front door and no page names a variable that no step has.
func TestUnknown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range steps(t) {
		for _, i := range s.inputs {
			known[i.name] = true
			known[i.name+"_FILE"] = i.secret
		}
	}
	if len(known) < 100 {
		t.Fatalf("only %d variables were found in the steps' help", len(known))
	}
	named := 0
	for _, file := range doors(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range variable.FindAllString(string(text), -1) {
			named++
			if others[name] == "" && !known[name] {
				t.Errorf("%s: %s is no input of any step", file, name)
			}
		}
	}
	if named < 300 {
		t.Errorf("only %d variables were found in the front doors", named)
	}
}

// left are inputs that a workflow does not hand on: what the runner, the event
// or the step's own default decides.
var left = map[string]string{
	"PATCHBAY_RUN_DIR": "below the workspace", "PATCHBAY_WORKSPACE": "the job's", "PATCHBAY_CACHE_DIR": "the runner's", "JAVA_HOME": "the runner's",
	"PATCHBAY_LOG_LEVEL": "for people at a terminal", "PATCHBAY_LOG_FORMAT": "the step knows GitHub", "PATCHBAY_BUILD_URL": "the step knows GitHub",
	"PATCHBAY_FETCH_WAIT": "a matter of seconds", "PATCHBAY_FETCH_TIMEOUT": "a matter of minutes", "PATCHBAY_GERRIT_TIMEOUT": "a matter of seconds",
	"PATCHBAY_DRY_RUN": "an input where it makes sense", "PATCHBAY_REBUILD_LIST": "a flag in the workflow", "GERRIT_CHANGE_NUMBER": "from the event, where there is one",
}

type workflow struct {
	Env  map[string]string
	Jobs map[string]struct {
		Env   map[string]string
		Steps []struct {
			Name string
			Run  string
			Env  map[string]string
		}
	}
}

// TestHandedOn: a workflow gives a step every input that it has, and a secret
// only to the step that reads it.
func TestHandedOn(t *testing.T) {
	t.Parallel()
	programs := map[string]step{}
	for _, s := range steps(t) {
		programs[s.name] = s
	}
	looked := 0
	files, err := filepath.Glob("github/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatal(err)
		}
		for _, job := range w.Jobs {
			for _, s := range job.Steps {
				program, ours := programs[strings.SplitN(s.Run+" ", " ", 2)[0]]
				if !ours {
					continue
				}
				looked++
				handedOn(t, file+": "+s.Name, program, []map[string]string{w.Env, job.Env, s.Env})
			}
		}
	}
	if looked < 9 {
		t.Errorf("only %d steps were found in the workflows", looked)
	}
}

func handedOn(t *testing.T, where string, program step, given []map[string]string) {
	t.Helper()
	for _, i := range program.inputs {
		if left[i.name] == "" && !slices.ContainsFunc(given, func(env map[string]string) bool { return env[i.name] != "" }) {
			t.Errorf("%s does not get %s", where, i.name)
		}
	}
	for level, env := range given {
		for name, value := range env {
			if strings.Contains(value, "secrets.") && (level < 2 || !program.has(name)) {
				t.Errorf("%s: secret %s is handed to more than the step that reads it", where, name)
			}
		}
	}
}

const page = "docs/variables.md"

// TestPage: docs/variables.md lists every input of every step.
func TestPage(t *testing.T) {
	t.Parallel()
	want := render(steps(t))
	file := filepath.Join(root, page)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("go test ./pipelines -run TestPage -update writes it anew:\n%s", diff)
	}
}

// meaning is what a variable means to some of the steps.
type meaning struct {
	text  string
	steps []string
}

func render(all []step) string {
	users, meanings := map[string][]string{}, map[string][]meaning{}
	for _, s := range all {
		for _, i := range s.inputs {
			users[i.name] = append(users[i.name], s.name)
			meanings[i.name] = told(meanings[i.name], i, s.name)
		}
	}
	var b strings.Builder
	b.WriteString("# Variables\n\nEvery input of every step that a variable gives; `STEP --help` has the flags, defaults and values. An empty variable means \"not given\".\n\n| variable | meaning | read by |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(users)) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, text(meanings[name]), readers(users[name]))
	}
	return b.String()
}

func told(all []meaning, i input, step string) []meaning {
	text := i.help
	if i.secret {
		text = "**Secret**, or `" + i.name + "_FILE` names a file. " + text
	}
	for k := range all {
		if all[k].text == text {
			all[k].steps = append(all[k].steps, step)
			return all
		}
	}
	return append(all, meaning{text, []string{step}})
}

// text says what a variable means, and to which steps where that differs.
func text(all []meaning) string {
	if len(all) == 1 {
		return plain.Replace(all[0].text)
	}
	var each []string
	for _, m := range all {
		each = append(each, strings.Join(m.steps, ", ")+": "+plain.Replace(m.text))
	}
	return strings.Join(each, "<br>")
}

var plain = strings.NewReplacer("|", "\\|", "<", "&lt;", ">", "&gt;")

// readers names the programs once; "asset-sync" stands for all its commands.
func readers(names []string) string {
	if len(names) > 15 {
		return "all"
	}
	var short []string
	for _, name := range names {
		program, _, _ := strings.Cut(name, " ")
		if !slices.Contains(short, program) {
			short = append(short, program)
		}
	}
	return strings.Join(short, ", ")
}
