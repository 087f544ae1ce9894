package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// schemathesis is the fuzzer that reads the description.
const schemathesis = "schemathesis==4.32.5"

// TestFuzzed: schemathesis makes requests of all kinds out of the description,
// good and bad. No answer is a 5xx, none is outside of the description.
func TestFuzzed(t *testing.T) {
	t.Parallel()
	venv, err := lab.Python(t.Context(), schemathesis)
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "CREATE TABLE courier (id int)")
	s.report(p, -1, "no", "data-model/courier.xml", 11)
	v := s.serve()
	// Its examples are of this registry, so that some requests find something.
	description := strings.NewReplacer(`"42"`, strconv.Quote(fmt.Sprint(p.Number))).Replace(v.get("/openapi.json").body)
	file := filepath.Join(t.TempDir(), "openapi.json")
	s.must(os.WriteFile(file, []byte(description), 0o600))
	cmd := exec.CommandContext(t.Context(), filepath.Join(venv, "bin", "schemathesis"), "run", file, "--url", v.URL,
		"--checks", "all", "--max-examples", "60", "--seed", "7", "--continue-on-failure", "--phases", "examples,coverage,fuzzing",
		"--request-timeout", "30", "--no-color")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	requests := strings.Count(v.log.String(), `"method":`)
	if !regexp.MustCompile(`9 selected`).Match(out) || requests < 500 || !strings.Contains(v.log.String(), `"status":200`) {
		t.Errorf("only %d requests\n%s", requests, out)
	}
	t.Logf("%d requests", requests)
}
