package gerrit_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	admin, ci := client(t, g.URL, g.Admin()), client(t, g.URL, g.CI())
	if version, err := ci.ServerVersion(t.Context()); err != nil || version != g.Version {
		t.Errorf("version %q, %v; want %s", version, err, g.Version)
	}
	for who, want := range map[*gerrit.Client]bool{admin: true, ci: false} {
		if is, err := who.Administers(t.Context()); err != nil || is != want {
			t.Errorf("administers: %t, %v; want %t", is, err, want)
		}
	}
	labels, err := ci.LabelValues(t.Context(), project)
	want := map[string][]int{"Code-Review": {-2, -1, 0, 1, 2}, "Verified": {-1, 0, 1}}
	if diff := cmp.Diff(want, labels); err != nil || diff != "" {
		t.Errorf("labels: %v, (-want +got):\n%s", err, diff)
	}
	if _, err := ci.LabelValues(t.Context(), "no/such project"); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("no project: %v", err)
	}
}

func TestLabelDefinition(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	admin, ci := client(t, g.URL, g.Admin()), client(t, g.URL, g.CI())
	got, err := admin.LabelDefinition(t.Context(), project, "Verified")
	want := &gerrit.LabelDefinition{Project: project, Condition: "changekind:NO_CODE_CHANGE OR changekind:NO_CHANGE"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	if got, err := admin.LabelDefinition(t.Context(), project, "Code-Review"); err != nil || got.Project != "All-Projects" || got.Condition == "" {
		t.Errorf("inherited: %+v, %v", got, err)
	}
	if _, err := admin.LabelDefinition(t.Context(), project, "Nope"); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("no label: %v", err)
	}
	if _, err := ci.LabelDefinition(t.Context(), project, "Verified"); !gerrit.Forbidden(err) {
		t.Errorf("without the right to read the configuration: %v", err)
	}
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	g := lab.Gerrit(t)
	project := g.NewProject(t)
	ci := client(t, g.URL, g.CI())
	if number, err := ci.Latest(t.Context(), project, false); number != 0 || err != nil {
		t.Errorf("no change: %d, %v", number, err)
	}
	c := g.Clone(t, project)
	first := c.Push(t, "first", map[string]string{"a": "1"})
	second := c.Push(t, "second", map[string]string{"b": "2"})
	g.MustREST(t, g.Dev(), "POST", lab.ChangePath(project, second.Number, "abandon"), "{}")
	for open, want := range map[bool]int{true: first.Number, false: second.Number} {
		if number, err := ci.Latest(t.Context(), project, open); number != want || err != nil {
			t.Errorf("latest, open %t: %d, %v; want %d", open, number, err, want)
		}
	}
	got, err := ci.Requirements(t.Context(), project, first.Number)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]gerrit.Requirement{}
	for _, r := range got {
		found[r.Name] = r
	}
	want := gerrit.Requirement{Name: "Verified", Status: "UNSATISFIED", Expression: "label:Verified=MAX AND -label:Verified=MIN"}
	if diff := cmp.Diff(want, found["Verified"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ref := gerrit.ChangeRef(1207, 3); ref != "refs/changes/07/1207/3" {
		t.Error(ref)
	}
}
