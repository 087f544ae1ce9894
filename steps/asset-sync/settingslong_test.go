//go:build long

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// dashboards are the titles of those in a tree.
func (s *scene) dashboards(dir string) (titles []string) {
	s.Helper()
	for name, text := range s.tree(dir) {
		if _, after, found := strings.Cut(text, "dashboard_title: "); found && strings.HasPrefix(name, "dashboards/") {
			title, _, _ := strings.Cut(after, "\n")
			titles = append(titles, title)
		}
	}
	slices.Sort(titles)
	return titles
}

// TestSelection: each filter by flag, by variable and in the file.
func TestSelection(t *testing.T) {
	s := newScene(t)
	loose := s.rows(s.pair.Prod, assets.Dashboard)["Без розкладки"].UUID
	for _, test := range []struct {
		flag, variable, file string // of the value's place: %s
		value                string
		want                 []string
	}{
		{"--title", "TITLE", "titles", "Без*", []string{"Без розкладки"}},
		{"--tag", "TAG", "tags", "огляд", []string{"Огляд лабораторій"}},
		{"--uuid", "UUID", "uuids", loose, []string{"Без розкладки"}},
		{"--slug", "SLUG", "slugs", "map", []string{"Мапа"}},
		{"--only", "ONLY", "", "dashboard:map", []string{"Мапа"}},
		{"--only", "ONLY", "", "dashboard:" + loose, []string{"Без розкладки"}},
		{"--published", "PUBLISHED", "published", "true", []string{"Мапа", "Огляд лабораторій"}},
		{"--kinds", "KINDS", "kinds", "dataset", nil},
		{"--ignore", "IGNORE", "ignore", "overview", []string{"Без розкладки", "Зарплати", "Мапа"}},
	} {
		ways := map[string]func() []string{
			"flag":     func() []string { return []string{test.flag + "=" + test.value} },
			"variable": func() []string { s.env = append(s.env, "PATCHBAY_ASSETS_"+test.variable+"="+test.value); return nil },
			"file": func() []string {
				value := fmt.Sprintf("[%q]", test.value)
				if test.file == "published" {
					value = "true"
				}
				s.write("asset-sync.yaml", configFile+fmt.Sprintf("select: {%s: %s}\n", test.file, value))
				return nil
			},
		}
		for way, arrange := range ways {
			if way == "file" && test.file == "" {
				continue
			}
			env := slices.Clone(s.env)
			s.must(0, append([]string{"export", "--from", "prod"}, arrange()...)...)
			if got := s.dashboards("assets"); !slices.Equal(got, test.want) {
				t.Errorf("%s by %s: %v, want %v", test.flag, way, got, test.want)
			}
			s.env = env
			s.write("asset-sync.yaml", configFile)
		}
	}
}

// TestStopAtTheFirst: without --continue-on-error nothing is written after a
// failure, and what the sync kept takes it back.
func TestStopAtTheFirst(t *testing.T) {
	s := newScene(t)
	s.must(0, "export", "--from", "prod")
	row := s.rows(s.pair.Prod, assets.Chart)["За областями"]
	for name, text := range s.tree("assets") {
		if strings.Contains(name, row.UUID[:8]) {
			s.write("assets/"+name, strings.Replace(text, "viz_type: pie", "viz_type: 12", 1))
		}
	}
	r := s.must(1, "sync", "--from", "assets", "--to", "qa", "--yes", "--no-continue-on-error")
	if r.result.Outcome != "partial" || strings.Count(r.stdout, "SKIPPED") < 4 || len(s.rows(s.pair.QA, assets.Dashboard)) != 3 {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	s.must(0, "rollback", "--to", "qa", "--yes")
	if n := len(s.rows(s.pair.QA, assets.Chart)); n != 12 {
		t.Errorf("%d charts after the rollback, want the 12 of qa", n)
	}
}

// TestSnapshotIsAPlace: what a sync kept, against what is there now.
func TestSnapshotIsAPlace(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	body := map[string]any{"description": "нове"}
	if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", s.seeded.Charts["pie"]), body, nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // a name of its own
	kept := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes").result.Snapshot
	if r := s.must(4, "diff", "snapshot:"+kept, "qa", "--only", "chart:"+s.rows(s.pair.QA, assets.Chart)["За областями"].UUID, "--exit-code"); !strings.Contains(r.stdout, "description") {
		t.Errorf("%s", r.stdout)
	}
}
