package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	s.exchange()
	s.edit(s.pair.Prod, assets.Dashboard, "Без розкладки", map[string]any{"slug": "loose-2"})
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

// exchange gives two dashboards of prod each other's slug.
func (s *scene) exchange() {
	s.Helper()
	for _, move := range [][2]string{{"Мапа", "between"}, {"Огляд лабораторій", "map"}, {"Мапа", "overview"}} {
		s.edit(s.pair.Prod, assets.Dashboard, move[0], map[string]any{"slug": move[1]})
	}
}

// TestSlugsBetween: when the dashboards cannot be written then, it is told, and
// the next run goes on.
func TestSlugsBetween(t *testing.T) {
	s := syncedScene(t)
	s.exchange()
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/dashboard/import/", Status: 500, Header: asJSON, Body: `{"errors":[{"message":"Import failed"}]}`})
	direct := s.env
	s.env = append(slices.Clone(direct), "QA_URL="+proxy.URL)
	if r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes"); strings.Count(r.stdout, "until it can be written") != 2 {
		t.Errorf("%s", r.stdout)
	}
	s.env = direct
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if got := s.slugs(s.pair.QA); got["Мапа"] != "overview" || got["Огляд лабораторій"] != "map" {
		t.Errorf("%v", got)
	}
}
