package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// own makes accounts the owners of an asset, and a dashboard visible to roles.
func (s *scene) own(site *lab.SupersetSite, kind assets.Kind, title string, body map[string]any) {
	s.Helper()
	row := s.rows(site, kind)[title]
	if err := s.client(site, "admin").Send(s.Context(), http.MethodPut, fmt.Sprintf("/api/v1/%s/%d", kind, row.ID), body, nil); err != nil {
		s.Fatal(err)
	}
}

// account finds the id of a user of a site.
func (s *scene) account(site *lab.SupersetSite, name string) int {
	s.Helper()
	accounts, err := s.client(site, "admin").Accounts(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for id, address := range accounts {
		if strings.HasPrefix(address, name+"@") {
			return id
		}
	}
	s.Fatalf("%s has no account %s", site.Name, name)
	return 0
}

// owners are the owners of an asset, by id.
func (s *scene) owners(site *lab.SupersetSite, kind assets.Kind, title string) []int {
	s.Helper()
	return slices.Sorted(slices.Values(idsOf(s.rows(site, kind)[title].Owners)))
}

// TestOwners: by default the target keeps its own; mapped, they become the
// source's, found by address and name, on the first run and for later changes;
// whom the target does not know is told; rollback brings the old ones back.
func TestOwners(t *testing.T) {
	s := newScene(t)
	alpha, gamma, editor := s.account(s.pair.Prod, "alpha"), s.account(s.pair.Prod, "gamma"), s.account(s.pair.Prod, "editor")
	roles, err := s.client(s.pair.Prod, "admin").Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.own(s.pair.Prod, assets.Chart, "Лабораторії", map[string]any{"owners": []int{alpha, gamma}})
	s.own(s.pair.Prod, assets.Dataset, "places", map[string]any{"owners": []int{gamma}})
	s.own(s.pair.Prod, assets.Dashboard, "Огляд лабораторій", map[string]any{"owners": []int{alpha}, "roles": []int{roles["Gamma"]}})

	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	me := s.account(s.pair.QA, "sync")
	if got := s.owners(s.pair.QA, assets.Chart, "Лабораторії"); !slices.Equal(got, []int{me}) {
		t.Errorf("kept: owners %v, want the account %d", got, me)
	}
	s.write("asset-sync.yaml", "owners: map\n"+configFile)
	s.must(0, "export", "--from", "prod")
	if r := s.must(4, "plan", "--from", "prod", "--to", "qa", "--exit-code"); !strings.Contains(r.stdout, `owner "gamma@example.invalid" added`) || !strings.Contains(r.stdout, `role "Gamma" added`) {
		t.Errorf("%s", r.stdout)
	}
	s.must(0, "sync", "--from", "assets", "--to", "qa", "--yes")
	for kind, want := range map[assets.Kind]map[string][]int{
		assets.Chart:     {"Лабораторії": {alpha, gamma}, "За областями": {editor}},
		assets.Dataset:   {"places": {gamma}},
		assets.Dashboard: {"Огляд лабораторій": {alpha}},
	} {
		for title, ids := range want { // both sites have the same accounts
			if got := s.owners(s.pair.QA, kind, title); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
				t.Errorf("%s %s: owners %v, want %v", kind, title, got, ids)
			}
		}
	}
	if got := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"].Roles; !slices.Equal(got, []string{"Gamma"}) {
		t.Errorf("roles %v", got)
	}
	if r := s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code"); r.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	s.strangers()
	s.must(0, "rollback", "--to", "qa", "--yes")
	if got := s.owners(s.pair.QA, assets.Dashboard, "Огляд лабораторій"); !slices.Equal(got, []int{alpha}) {
		t.Errorf("after the rollback: owners %v, want %d", got, alpha)
	}
	if got := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"].Roles; !slices.Equal(got, []string{"Gamma"}) {
		t.Errorf("after the rollback: roles %v", got)
	}
}

// strangers: an owner and a role that the target does not have.
func (s *scene) strangers() {
	for name, text := range s.tree("assets") {
		if strings.HasPrefix(name, "dashboards/overview__") {
			text = strings.Replace(text, `"alpha@example.invalid"`, "GAMMA@example.invalid\n  - nobody@example.invalid", 1)
			s.write("assets/"+name, strings.Replace(text, "- Gamma", "- Alpha\n  - Довірені", 1))
		}
	}
	r := s.must(0, "sync", "--from", "assets", "--to", "qa", "--yes")
	for _, want := range []string{`its owner nobody@example.invalid is not known there`, `its role "Довірені" is not known there`} {
		if !strings.Contains(r.stdout, want) {
			s.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	row := s.rows(s.pair.QA, assets.Dashboard)["Огляд лабораторій"]
	if got := idsOf(row.Owners); !slices.Equal(got, []int{s.account(s.pair.QA, "gamma")}) || !slices.Equal(row.Roles, []string{"Alpha"}) {
		s.Errorf("owners %v, roles %v", got, row.Roles)
	}
	if again := s.must(0, "sync", "--from", "assets", "--to", "qa", "--yes"); again.result.Writes != 0 {
		s.Errorf("%s", again.stdout)
	}
}
