package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestRebasedAndConflicting: the newest patch set whose parent is another one
// is the latest rebase, a later one that only changes files is not; a change
// that cannot be merged says so.
func TestRebasedAndConflicting(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	rebased, conflicting := s.push("rebased"), s.push("conflicting")
	v := s.serve()
	of := func(p lab.Pushed) api.VersionInfoDetailed {
		d, _ := read[api.VersionInfoDetailed](v, fmt.Sprintf("/versions/candidates/%d", p.Number))
		return d
	}
	for _, p := range []lab.Pushed{rebased, conflicting} {
		if d := of(p); d.LatestRebase != nil || d.HasConflicts == nil || *d.HasConflicts || field(t, v.get(fmt.Sprintf("/versions/candidates/%d", p.Number)).body, "inspections") != "null" {
			t.Errorf("as pushed: %+v", d)
		}
	}
	s.clone.Git(t, "checkout", "-q", "--detach", "origin/master")
	s.clone.Land(t, "another", map[string]string{"data-model/conflicting.xml": "something else"})
	if d := of(conflicting); !*d.HasConflicts {
		t.Errorf("a conflict: %+v", d)
	}
	if a := v.get(fmt.Sprintf("/candidates/%d?lang=en", conflicting.Number)); a.status != 200 || !strings.Contains(a.body, "It cannot be merged as it is: rebase it.") {
		t.Errorf("the page does not tell of the conflict: %s", a.body)
	}
	s.gerrit.MustREST(t, s.gerrit.Dev(), "POST", lab.ChangePath(rebased.Project, rebased.Number, "rebase"), "{}")
	first := of(rebased)
	if *first.PatchSet != 2 || first.LatestRebase == nil || first.LatestRebase.Before(first.CreationDate.Time) {
		t.Fatalf("rebased: %+v", first)
	}
	time.Sleep(1100 * time.Millisecond) // Gerrit's times are of seconds
	s.clone.Git(t, "fetch", "-q", "origin", fmt.Sprintf("refs/changes/%02d/%d/2", rebased.Number%100, rebased.Number))
	s.clone.Git(t, "checkout", "-q", "FETCH_HEAD")
	s.clone.Amend(t, "", map[string]string{"more": "1"})
	if d := of(rebased); *d.PatchSet != 3 || d.LatestRebase == nil || !d.LatestRebase.Equal(first.LatestRebase.Time) {
		t.Errorf("after a patch set with the same parent: %+v, rebased %v", d, first.LatestRebase)
	}
}

// TestExtensionMembers: what an extension brings is no table of the registry.
func TestExtensionMembers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.site.Super(t, s.master, "CREATE TABLE registry.brought (id int); ALTER EXTENSION plpgsql ADD TABLE registry.brought")
	v := s.serve()
	if tables, _ := read[[]api.TableInfoShort](v, "/versions/master/tables"); slices.Contains(names(tables), "brought") || len(tables) != 5 {
		t.Errorf("got %v", names(tables))
	}
	v.wantErrors(errorRow{"/versions/master/tables/brought", 404, api.CodeTableNotFound, false, "brought"})
}
