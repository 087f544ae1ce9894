package ci

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func detect(env map[string]string) (*CI, *bytes.Buffer) {
	var stderr bytes.Buffer
	return Detect(func(name string) string { return env[name] }, &stderr), &stderr
}

func TestDetect(t *testing.T) {
	t.Parallel()
	github := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.example.org", "GITHUB_REPOSITORY": "ministry/model", "GITHUB_RUN_ID": "77",
	}
	for _, c := range []struct {
		name     string
		env      map[string]string
		want     string
		buildURL string
	}{
		{"GitHub", github, GitHub, "https://github.example.org/ministry/model/actions/runs/77"},
		{"Jenkins", map[string]string{"JENKINS_URL": "https://ci.example.org/", "BUILD_URL": "https://ci.example.org/job/7/"}, Jenkins, "https://ci.example.org/job/7/"},
		{"Jenkins without its address", map[string]string{"JENKINS_HOME": "/var/jenkins"}, Jenkins, ""},
		{"a copied variable", map[string]string{"GITHUB_ACTIONS": "false"}, Unknown, ""},
		{"a pipe", nil, Unknown, ""},
	} {
		where, stderr := detect(c.env)
		if where.Name() != c.want || where.BuildURL() != c.buildURL || where.Color() || stderr.Len() > 0 {
			t.Errorf("%s: %q, %q, colour %v, %q", c.name, where.Name(), where.BuildURL(), where.Color(), stderr)
		}
	}
}

func TestCommandsOnGitHub(t *testing.T) {
	t.Parallel()
	where, stderr := detect(map[string]string{"GITHUB_ACTIONS": "true"})
	end := where.Group("create-temp-db")
	where.Annotate(Error, "data-model/a,b:c.xml", 7, "100% bad\n::warning::forged")
	where.Annotate(Warning, "a.sql", 0, "slow")
	where.Annotate(Notice, "", 0, "done")
	where.Mask("hunter\n22")
	end()
	want := "::group::create-temp-db\n" +
		"::error file=data-model/a%2Cb%3Ac.xml,line=7::100%25 bad%0A::warning::forged\n" +
		"::warning file=a.sql::slow\n" +
		"::notice::done\n" +
		"::add-mask::hunter%0A22\n" +
		"::endgroup::\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Error(diff)
	}
}

// TestNoCommandsElsewhere: above all no secret, which GitHub alone hides.
func TestNoCommandsElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	where, stderr := detect(map[string]string{
		"JENKINS_URL": "https://ci.example.org/", "GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
	})
	end := where.Group("create-temp-db")
	where.Annotate(Error, "a.sql", 1, "bad")
	where.Mask("hunter22")
	end()
	if err := where.Output("outcome", "created"); err != nil {
		t.Error(err)
	}
	if err := where.Summary("# Verified"); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) > 0 || stderr.Len() > 0 {
		t.Errorf("%v, %v, %q", files, err, stderr)
	}
}

func TestOldCommands(t *testing.T) {
	t.Parallel()
	const line = `{"file":"##[error]x ###[y] # [z]"}`
	github, _ := detect(map[string]string{"GITHUB_ACTIONS": "true"})
	jenkins, _ := detect(map[string]string{"JENKINS_URL": "x"})
	var text bytes.Buffer
	if n, err := github.Writer(&text).Write([]byte(line)); n != len(line) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	document := github.JSON([]byte(line))
	if strings.Contains(text.String(), "##[") || bytes.Contains(document, []byte("##[")) {
		t.Errorf("commands are left: %q, %q", text.String(), document)
	}
	var before, after struct{ File string }
	if err := json.Unmarshal([]byte(line), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(document, &after); err != nil || after != before {
		t.Errorf("the document means %+v, %v", after, err)
	}
	text.Reset()
	if _, err := jenkins.Writer(&text).Write([]byte(line)); err != nil || text.String() != line || string(jenkins.JSON([]byte(line))) != line {
		t.Errorf("changed where it is no command: %q, %v", text.String(), err)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "output")
	where, _ := detect(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": path})
	for _, value := range []string{"created", "two\nlines"} {
		if err := where.Output("outcome", value); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(read(t, path), "\n")
	first, second := strings.TrimPrefix(lines[0], "outcome<<"), strings.TrimPrefix(lines[3], "outcome<<")
	want := []string{"outcome<<" + first, "created", first, "outcome<<" + second, "two", "lines", second, ""}
	if diff := cmp.Diff(want, lines); diff != "" || first == second || len(first) < 32 {
		t.Errorf("%s\n%q", diff, lines)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "summary")
	where, _ := detect(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path})
	if err := where.Summary("# Verified"); err != nil {
		t.Fatal(err)
	}
	if err := where.Summary("x" + strings.Repeat("ї", summaryLimit)); err != nil {
		t.Fatal(err)
	}
	got := read(t, path)
	if !strings.HasPrefix(got, "# Verified\nxї") || !strings.HasSuffix(got, "ї\n\n… cut\n\n") || len(got) > summaryLimit || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid %v, from %.20q", len(got), utf8.ValidString(got), got)
	}
}

// TestFilesOfGitHub: a runner that names no file is taken as it is; a file
// that cannot be written is a fault that names the variable.
func TestFilesOfGitHub(t *testing.T) {
	t.Parallel()
	without, _ := detect(map[string]string{"GITHUB_ACTIONS": "true"})
	if err := without.Output("outcome", "created"); err != nil {
		t.Error(err)
	}
	absent, _ := detect(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": filepath.Join(t.TempDir(), "no", "summary")})
	if err := absent.Summary("x"); err == nil || !strings.Contains(err.Error(), "GITHUB_STEP_SUMMARY") {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
