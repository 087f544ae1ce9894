package main

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	p := change.PatchSet{Project: "registry", Change: 7, PatchSet: 2, Revision: "aa"}
	for _, c := range []struct {
		name     string
		status   string
		patchSet int
		revision string
		current  bool
		reason   string
		kind     change.Kind
	}{
		{"current", gerrit.StatusNew, 2, "aa", true, "", ""},
		{"newer patch set", gerrit.StatusNew, 3, "bb", false, "patch set 3 is the current one", ""},
		{"merged", gerrit.StatusMerged, 2, "aa", false, "the change is closed: MERGED", ""},
		{"a lagging replica", gerrit.StatusNew, 1, "cc", false, "", change.KindInfrastructure},
		{"another revision", gerrit.StatusNew, 2, "bb", false, "", change.KindInfrastructure},
	} {
		current, reason, err := judge(p, &gerrit.Change{Status: c.status, PatchSet: c.patchSet, Revision: c.revision})
		kind := change.Kind("")
		if err != nil {
			kind = change.AsFailure(err).Kind
		}
		if current != c.current || reason != c.reason || kind != c.kind {
			t.Errorf("%s: %v, %q, %v", c.name, current, reason, err)
		}
	}
}
