package main

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// TestSync: what people made by hand arrives with every reference right, a
// second run writes nothing, and the other environment exports the same tree.
func TestSync(t *testing.T) {
	s := newScene(t)
	s.must(0, "export", "--from", "prod")
	prod := s.tree("assets")
	planned := s.must(4, "plan", "--from", "prod", "--to", "qa", "--exit-code")
	if planned.result.Counts["create"] != 21 || planned.result.Writes != 0 {
		t.Errorf("planned %+v\n%s", planned.result.Counts, planned.stdout)
	}
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if r.result.Outcome != "synced" {
		t.Errorf("%s\n%s%s", r.result.Outcome, r.stdout, r.stderr)
	}
	for _, flag := range []string{"--log-level=info", "--no-cache"} {
		again := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", flag)
		if again.result.Outcome != "nothing-to-do" || again.result.Writes != 0 || again.result.Counts["unchanged"] != 21 {
			t.Errorf("again: %s\n%s", again.result.Outcome, again.stdout)
		}
	}
	s.must(0, "export", "--from", "qa", "--dir", "qa", "--ignore", "Локальна*", "--ignore", "own", "--ignore", "local_notes")
	qa := s.tree("qa")
	delete(qa, "databases/нотатки.yaml")
	if diff := cmp.Diff(withoutUnknown(withoutUnresolved(prod)), qa); diff != "" {
		t.Error(diff)
	}
	charts := s.rows(s.pair.QA, assets.Chart)
	if n := len(charts["Усього зразків"].Dashboards); n != 2 {
		t.Errorf("the chart is on %d dashboards, want 2", n)
	}
}

// controls are the display controls of a dashboard in a tree.
var controls = regexp.MustCompile(`(?m)^  chart_customization_config:\n(    .*\n)+`)

// withoutUnknown leaves out what qa is too old for.
func withoutUnknown(files map[string]string) map[string]string {
	for name, text := range files {
		if len(unknown()) > 0 {
			files[name] = controls.ReplaceAllString(text, "")
		}
	}
	return files
}
