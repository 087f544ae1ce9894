package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// TestRepair: a dashboard whose metadata and links have the ids of the other
// environment, as an older Superset leaves it, and a chart of charts that has,
// are found and mended; nothing else changes, also no scope that was meant.
func TestRepair(t *testing.T) {
	s := syncedScene(t)
	if r := s.must(0, "repair", "--env", "qa", "--from", "prod", "--dry-run", "--exit-code"); r.result.Outcome != "nothing-to-do" {
		t.Errorf("nothing was broken: %s", r.stdout)
	}
	overview := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"]
	theirs, own := s.halves(s.pair.Prod, overview.UUID), s.halves(s.pair.QA, overview.UUID)
	for _, gone := range append([]string{"show_native_filters"}, unknown()...) {
		delete(theirs[0], gone)
	}
	own[1]["MARKDOWN-1"] = theirs[1]["MARKDOWN-1"]
	change := func(path string, body map[string]any) {
		if err := s.client(s.pair.QA, "sync").Send(t.Context(), http.MethodPut, path, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	path := fmt.Sprintf("/api/v1/dashboard/%d", overview.ID)
	change(path, map[string]any{"json_metadata": asText(theirs[0]), "position_json": asText(own[1])})
	deck := regexp.MustCompile(`"deck_slices": ?\[[^]]*`).ReplaceAllString(s.params(s.pair.QA, "Мапа лабораторій"), fmt.Sprintf(`"deck_slices": [%d, %d`, s.seeded.Charts["points"], s.seeded.Charts["hexes"]))
	change(fmt.Sprintf("/api/v1/chart/%d", s.rows(s.pair.QA, assets.Chart)["Мапа лабораторій"].ID), map[string]any{"params": deck})
	r := s.must(4, "repair", "--env", "qa", "--from", "prod", "--dry-run", "--exit-code")
	if r.result.Counts["update"] != 2 || !strings.Contains(r.stdout, "is not on the dashboard") || !strings.Contains(r.stdout, "parameter deck_slices changed") {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	if r := s.must(0, "repair", "--env", "qa", "--from", "prod", "--yes"); r.result.Outcome != "synced" {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	if after := s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code"); after.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v\n%s", after.result.Counts, after.stdout)
	}
	own = s.halves(s.pair.QA, overview.UUID)
	own[0]["global_chart_configuration"].(map[string]any)["scope"].(map[string]any)["excluded"] = []any{} // it was one
	change(path, map[string]any{"json_metadata": asText(own[0])})
	if r := s.must(0, "repair", "--env", "qa", "--from", "prod", "--dry-run", "--exit-code"); r.result.Outcome != "nothing-to-do" {
		t.Errorf("a scope that was meant: %s", r.stdout)
	}
}

// TestLeftToTheImporter: without --fix-cross-filters charts in metadata are
// what the importer makes of them; repair mends the rest.
func TestLeftToTheImporter(t *testing.T) {
	s := newScene(t)
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--no-fix-cross-filters")
	if r.result.Outcome != "synced" || !strings.Contains(r.stdout, `note: dashboard "Огляд лабораторій": the importer left references that asset-sync repair mends: `) {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	left, total, err := seed.References(t.Context(), s.pair)
	if err != nil {
		t.Fatal(err)
	}
	s.must(0, "repair", "--env", "qa", "--from", "prod", "--yes")
	mended, _, err := seed.References(t.Context(), s.pair)
	if err != nil || left >= mended || total-left < 10 {
		t.Errorf("%d references of %d were right, %d after the repair, %v", left, total, mended, err)
	}
	if r := s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code"); r.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
}

// TestPatch: an export taken from one environment, brought into the ids of the
// other, imported by hand.
func TestPatch(t *testing.T) {
	s := syncedScene(t)
	bundles, _, err := s.client(s.pair.Prod, "admin").Export(t.Context(), assets.Dashboard, []int{s.seeded.Dashboards["overview"], s.seeded.Dashboards["map"], s.seeded.Dashboards["loose"]}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	s.write("in.zip", string(bundles[0]))
	for _, name := range []string{"ids.json", "ids.csv", "ids.sqlite", "ids.sqlite"} { // one replaces the other
		if r := s.must(0, "ids", "--env", "qa", "--out", name); r.result.Counts["charts"] != 23 {
			t.Errorf("%+v", r.result.Counts)
		}
	}
	if text, err := os.ReadFile(filepath.Join(s.dir, "ids.csv")); err != nil || !strings.Contains(string(text), ",Реєстри,") {
		t.Errorf("%v: %s", err, text)
	}
	s.table()
	if r := s.must(1, "patch", "in.zip", "--ids", "ids.json", "out.zip"); len(r.result.Notes) != 1 || !strings.Contains(r.stdout, "chart 99999") {
		t.Errorf("%s", r.stdout)
	}
	r := s.must(0, "patch", "in.zip", "--ids", "ids.json", "out.zip", "--partial")
	out, err := os.ReadFile(filepath.Join(s.dir, "out.zip"))
	if err != nil {
		t.Fatal(err)
	}
	connections := s.connections(s.pair.QA)
	to, where := superset.Endpoint{Sparse: true}, "for /api/v1/assets/import/ with sparse=true"
	if versions[1] < "6" {
		to, where = superset.Endpoint{Kind: assets.Dashboard}, "for /api/v1/dashboard/import/ with overwrite=true"
	}
	if err := s.client(s.pair.QA, "sync").Import(t.Context(), to, out, nil); err != nil || !strings.Contains(r.stdout, where) {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	s.same(connections, s.connections(s.pair.QA))
	// For many this endpoint takes no tags and drops annotation layers; that of
	// dashboards leaves charts alone. All else is as it was.
	after := s.must(map[bool]int{true: 4}[to.Sparse], "plan", "--from", "prod", "--to", "qa", "--exit-code")
	for _, a := range after.result.Assets {
		if a.Action != "extra" && (a.Title != "Зразки за місяцями" && a.Title != "Огляд лабораторій" && a.Title != "Зарплати" || strings.Join(a.What, ";") == "") {
			t.Errorf("%+v", a)
		}
	}
	s.missing()
}

// table: the ids as another program finds them.
func (s *scene) table() {
	const question = "import sqlite3; print(sqlite3.connect('ids.sqlite').execute(\"SELECT kind, id, changed IS NOT NULL FROM resource_mappings WHERE environment = 'qa' AND name IN ('Огляд лабораторій', 'Реєстри') ORDER BY kind\").fetchall())"
	python, err := lab.SupersetPython(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.CommandContext(s.Context(), python, "-c", question)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	want := fmt.Sprintf("[('dashboard', %d, 1), ('database', %d, 0)]\n", s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"].ID, s.rows(s.pair.QA, assets.Database)["Реєстри QA"].ID)
	if err != nil || string(out) != want {
		s.Errorf("%v: %s, want %s", err, out, want)
	}
}

// missing: an id that the file does not have ends the run without an output.
func (s *scene) missing() {
	text, err := os.ReadFile(filepath.Join(s.dir, "ids.json"))
	if err != nil {
		s.Fatal(err)
	}
	var f idFile
	if err := json.Unmarshal(text, &f); err != nil {
		s.Fatal(err)
	}
	var kept []known
	for _, k := range f.Assets {
		if k.Title != "За областями" {
			kept = append(kept, k)
		}
	}
	f.Assets = kept
	less, err := f.encode("x.json")
	if err != nil {
		s.Fatal(err)
	}
	s.write("less.json", string(less))
	if r := s.must(1, "patch", "in.zip", "--ids", "less.json", "none.zip"); exists(filepath.Join(s.dir, "none.zip")) || !strings.Contains(r.stdout, "chart") {
		s.Errorf("%s", r.stdout)
	}
	s.must(0, "patch", "in.zip", "--ids", "less.json", "some.zip", "--partial")
}

// TestDiffAndPlaces: the same answer from an environment, a tree, a revision
// and an export.
func TestDiffAndPlaces(t *testing.T) {
	s := newScene(t)
	s.must(0, "export", "--from", "prod")
	s.git("init", "-q")
	s.git("add", "assets")
	s.git("commit", "-qm", "prod")
	editor := s.client(s.pair.Prod, "editor")
	for path, body := range map[string]map[string]any{
		fmt.Sprintf("/api/v1/dataset/%d", s.seeded.Datasets["samples_per_region"]): {"sql": "-- зразки\nSELECT region, taken, count(*) AS n\nFROM sample\nGROUP BY 1, 2"},
		fmt.Sprintf("/api/v1/chart/%d", s.seeded.Charts["twin"]):                   {"slice_name": "Зарплати за посадами"},
		fmt.Sprintf("/api/v1/dashboard/%d", s.seeded.Dashboards["overview"]):       {"css": ".header { color: #a00; }"},
	} {
		if err := editor.Send(t.Context(), http.MethodPut, path, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := s.must(4, "diff", "assets@HEAD", "prod", "--exit-code")
	for _, want := range []string{"0 added, 3 changed, 0 removed", "sql changed", "+FROM sample", "css changed: .header { color: #0a7; } → .header { color: #a00; }"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if md := s.must(0, "diff", "assets", "prod", "--format", "markdown"); !strings.Contains(md.stdout, "````diff\n") {
		t.Errorf("%s", md.stdout)
	}
	s.must(0, "export", "--from", "prod")
	if r := s.must(0, "diff", "assets", "prod", "--exit-code"); r.result.Outcome != "nothing-to-do" {
		t.Errorf("%s", r.stdout)
	}
	bundle, err := s.client(s.pair.Prod, "admin").ExportAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.write("all.zip", string(bundle))
	zip := s.must(0, "diff", "all.zip", "prod", "--kinds", "dashboard,chart")
	if zip.result.Counts["create"]+zip.result.Counts["delete"] != 0 {
		t.Errorf("%s", zip.stdout)
	}
	s.must(0, "sync", "--from", "assets@HEAD", "--to", "qa", "--yes")
}

func TestDoctor(t *testing.T) {
	s := newScene(t)
	r := s.must(0, "doctor")
	for _, want := range []string{"ok    prod: Superset 6.1.0", "ok    qa: login and CSRF token", "ok    qa: clock", "rights: administrator", `warn  prod: it has nothing for the database "Нотатки" of qa`} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	s.env = append(s.env, "QA_PASSWORD=wrong-password")
	if r := s.must(2, "doctor"); !strings.Contains(r.stdout, "FAULT qa: log in to qa") || strings.Contains(r.stdout+r.stderr, "wrong-password") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// TestDoctorOfOthers: what an account may do with connections, and the clock,
// also where the login bears no time.
func TestDoctorOfOthers(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "GET", Path: "/version", Exact: true, Header: map[string]string{"Content-Type": "application/json", "Date": "Mon, 02 Jan 2006 15:04:05 GMT"}, Body: `{"version_string":"6.1.0"}`, Times: 1})
	var made struct{ Result struct{ Key string } }
	if err := s.client(s.pair.QA, "alpha").Send(t.Context(), http.MethodPost, "/api/v1/security/api_keys/", map[string]any{"name": "sync"}, &made); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "QA_URL="+proxy.URL, "KEY="+made.Result.Key)
	set := []string{"doctor", "--env", "qa", "--set", `environments: {qa: {login: {kind: token, token: "${KEY}"}}}`}
	if r := s.must(0, set...); !strings.Contains(r.stdout, "warn  qa: its clock is ") || strings.Contains(r.stdout, "on Database") {
		t.Errorf("%s", r.stdout)
	}
	r := s.must(0, append(set, "--set", `databases: {Нова: {create: true, uri: "trino://h/x"}}`)...)
	for _, want := range []string{"ok    qa: clock", "can_write on Database, which databases with create need"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
}
