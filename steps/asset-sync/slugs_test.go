package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// slugs are those of a site's dashboards, by title.
func (s *scene) slugs(site *lab.SupersetSite) map[string]string {
	s.Helper()
	slugs := map[string]string{}
	for title, row := range s.rows(site, assets.Dashboard) {
		slugs[title] = row.Slug
	}
	return slugs
}

// TestSlugsMove: two dashboards exchange theirs, and a new one takes another's,
// in one run; a rollback gives them back.
func TestSlugsMove(t *testing.T) {
	s := syncedScene(t)
	before := s.slugs(s.pair.QA)
	slug := func(title, slug string) {
		s.edit(s.pair.Prod, assets.Dashboard, title, map[string]any{"slug": slug})
	}
	slug("Мапа", "between")
	slug("Огляд лабораторій", "map")
	slug("Мапа", "overview")
	slug("Без розкладки", "loose-2")
	made := textOnly("Нова", "текст")
	made["slug"] = "loose"
	if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPost, "/api/v1/dashboard/", made, nil); err != nil {
		t.Fatal(err)
	}
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if got := fmt.Sprint(r.result.Counts["update"], r.result.Counts["create"]); got != "3 1" {
		t.Errorf("%s\n%s", got, r.stdout)
	}
	want := map[string]string{"Нова": "loose"}
	for title, slug := range before {
		want[title] = slug
	}
	want["Мапа"], want["Огляд лабораторій"], want["Без розкладки"] = "overview", "map", "loose-2"
	if diff := cmp.Diff(want, s.slugs(s.pair.QA)); diff != "" {
		t.Error(diff)
	}
	if again := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); again.result.Writes != 0 {
		t.Errorf("%s", again.stdout)
	}
	s.must(0, "rollback", "--to", "qa", "--yes")
	if diff := cmp.Diff(before, s.slugs(s.pair.QA)); diff != "" {
		t.Error(diff)
	}
}
