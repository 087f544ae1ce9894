package assets_test

import (
	"slices"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

var people = &assets.People{
	Me: 1, Accounts: map[int]string{1: "sync@example.org", 2: "anna@example.org", 3: "borys@example.org", 4: ""}, Roles: map[string]int{"Gamma": 7, "Alpha": 8},
}

func TestOwnerIDs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		why     string
		wanted  []string
		present []int
		admin   bool
		want    []int
	}{
		{"the account gives way to others", []string{"anna@example.org"}, []int{1}, true, []int{2}},
		{"it stays where the server would not let it out", []string{"anna@example.org"}, []int{1}, false, []int{1, 2}},
		{"and where nobody else is", nil, []int{1, 3}, true, []int{1}},
		{"accounts without an address stay", []string{"borys@example.org"}, []int{1, 2, 4}, true, []int{3, 4}},
		{"accounts that are not shown stay", []string{"borys@example.org"}, []int{9}, true, []int{3, 9}},
	} {
		if got := people.OwnerIDs(test.wanted, test.present, test.admin); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.why, got, test.want)
		}
	}
}

func dashboardOf(t *testing.T, text string) *assets.Asset {
	t.Helper()
	doc, err := document.ParseYAML([]byte("{dashboard_title: x, " + text + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return &assets.Asset{Kind: assets.Dashboard, UUID: some, Doc: doc}
}

func TestFitPeople(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		source, target string
		owners, roles  []string
		notes          int
	}{
		{"owners: [Anna@example.org, x@example.org], roles: [Gamma, X]", "owners: [borys@example.org]", []string{"anna@example.org"}, []string{"Gamma"}, 2},
		{"owners: [x@example.org], roles: [X]", "owners: [borys@example.org], roles: [Alpha]", []string{"borys@example.org"}, []string{"Alpha"}, 2},
		{"slug: says-nothing", "owners: [borys@example.org], roles: [Alpha]", []string{"borys@example.org"}, []string{"Alpha"}, 0},
		{"owners: [], roles: []", "owners: [borys@example.org], roles: [Alpha]", nil, nil, 0},
	} {
		source := assets.NewSet(dashboardOf(t, test.source))
		notes := assets.FitPeople(source, assets.NewSet(dashboardOf(t, test.target)), people)
		got := source.All()[0]
		if !slices.Equal(got.Owners(), test.owners) || !slices.Equal(got.Roles(), test.roles) || len(notes) != test.notes {
			t.Errorf("%s: owners %v, roles %v, notes %v", test.source, got.Owners(), got.Roles(), notes)
		}
	}
}
