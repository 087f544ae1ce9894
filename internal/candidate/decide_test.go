package candidate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

const gerritURL = "https://review.example.org"

var names = pg.Names{Prefix: "registry-dev-", Template: "registry-template"}

// run is change 7, patch set 2, begun at 0x65000010.
func run() Run {
	return Run{
		Gerrit: gerritURL, Attempt: "65000010",
		PatchSet: change.PatchSet{Project: "registry", Change: 7, PatchSet: 2, Revision: strings.Repeat("a", 40)},
	}
}

// standing is a database of change 7 and a run of it.
func standing(name string, patchSet int, attempt string, edit func(*Standing)) Standing {
	s := Standing{
		Database: pg.Database{Name: name, Parsed: names.Parse(name), AllowConnections: true},
		Provenance: &Provenance{
			State: StateCreated, Gerrit: gerritURL, Attempt: attempt, InputDigest: "other", Difference: "x",
			PatchSet: change.PatchSet{Project: "registry", Change: 7, PatchSet: patchSet},
		},
	}
	if edit != nil {
		edit(&s)
	}
	return s
}

func TestDecide(t *testing.T) {
	t.Parallel()
	same := func(s *Standing) { s.Provenance.InputDigest = "mine" }
	for name, c := range map[string]struct {
		standing []Standing
		want     Decision
	}{
		"nothing there": {nil, Decision{Outcome: change.Created}},
		"an older patch set is published": {
			[]Standing{standing("registry-dev-7", 1, "65000001", nil)}, Decision{Outcome: change.Created},
		},
		"the same input is published": {
			[]Standing{standing("registry-dev-7", 1, "65000001", same)},
			Decision{Outcome: change.Reused, Reuse: "registry-dev-7"},
		},
		"the same input, but its difference was too large for the comment": {
			[]Standing{standing("registry-dev-7", 1, "65000001", func(s *Standing) { same(s); s.Provenance.Difference = "" })},
			Decision{Outcome: change.Created},
		},
		"a later patch set is published, even with the same input": {
			[]Standing{standing("registry-dev-7", 3, "65000001", same)},
			Decision{Outcome: change.Superseded, Reason: "patch set 3 is deployed already"},
		},
		"a later attempt is published": {
			[]Standing{standing("registry-dev-7", 2, "65000011", nil)},
			Decision{Outcome: change.Superseded, Reason: "a later attempt of patch set 2 is deployed already"},
		},
		"a later attempt is published, even with the same input": {
			[]Standing{standing("registry-dev-7", 2, "65000011", same)},
			Decision{Outcome: change.Superseded, Reason: "a later attempt of patch set 2 is deployed already"},
		},
		"a later patch set is under way": {
			[]Standing{standing("registry-dev-7-3-65000001", 3, "65000001", nil)},
			Decision{Outcome: change.Superseded, Reason: "patch set 3 is being deployed"},
		},
		"a later attempt is under way": {
			[]Standing{standing("registry-dev-7-2-65000020", 2, "65000011", nil)},
			Decision{Outcome: change.Superseded, Reason: "a later attempt of patch set 2 is under way"},
		},
		"earlier attempts are removed": {
			[]Standing{
				standing("registry-dev-7-1-65000001", 1, "65000001", nil),
				standing("registry-dev-7-2-65000005", 2, "65000005", nil),
			},
			Decision{Outcome: change.Created, Drop: []string{"registry-dev-7-1-65000001", "registry-dev-7-2-65000005"}},
		},
		"an attempt without a comment is a leftover": {
			[]Standing{standing("registry-dev-7-2-65000020", 2, "", func(s *Standing) { s.Provenance = nil })},
			Decision{Outcome: change.Created, Drop: []string{"registry-dev-7-2-65000020"}},
		},
		"a replaced database that was not dropped is a leftover": {
			[]Standing{standing("registry-dev-7-2-65000020", 2, "65000011", func(s *Standing) { s.Provenance.State = StatePublished })},
			Decision{Outcome: change.Created, Drop: []string{"registry-dev-7-2-65000020"}},
		},
		"another project's database is refused, whatever else there is": {
			[]Standing{
				standing("registry-dev-7-1-65000001", 1, "65000001", nil),
				standing("registry-dev-7", 9, "65000001", func(s *Standing) { s.Provenance.Project = "other" }),
			},
			Decision{
				Outcome: change.Refused,
				Reason:  `database registry-dev-7 belongs to project "other" of https://review.example.org`,
			},
		},
		"an unreadable comment: rebuilt": {
			[]Standing{standing("registry-dev-7", 9, "", func(s *Standing) { s.Provenance = nil })}, Decision{Outcome: change.Created},
		},
		"an interrupted drop": {
			[]Standing{standing("registry-dev-7", 1, "", func(s *Standing) { s.Invalid = true })},
			Decision{Outcome: change.Created, Drop: []string{"registry-dev-7"}},
		},
		"other changes are none of ours": {
			[]Standing{standing("registry-dev-8-9-65000020", 9, "65000020", nil), standing("registry-dev-71", 9, "65000020", nil)},
			Decision{Outcome: change.Created},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Decide(run(), "mine", "", c.standing)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestDecideLeavesTheOwnAttempt(t *testing.T) {
	t.Parallel()
	mine := standing("registry-dev-7-2-65000012", 2, "65000010", nil)
	if diff := cmp.Diff(Decision{Outcome: change.Created}, Decide(run(), "mine", mine.Name, []Standing{mine})); diff != "" {
		t.Error(diff)
	}
}

func TestHolders(t *testing.T) {
	t.Parallel()
	var all []Standing
	for _, name := range []string{
		"registry-dev-9", "registry-dev-3-1-65000001", "registry-dev-3", "registry-dev-0",
		"registry-dev-base-0123456789abcdef", "registry-template",
	} {
		all = append(all, standing(name, 1, "65000001", nil))
	}
	holders, held := Holders(run(), all)
	if diff := cmp.Diff([]int{3, 9}, holders); diff != "" || held {
		t.Errorf("held %v, holders:\n%s", held, diff)
	}
	if _, held := Holders(run(), append(all, standing("registry-dev-7-1-65000001", 1, "65000001", nil))); !held {
		t.Error("an attempt of the change is not taken for its place")
	}
}

func TestUnchanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base        string
		trees, from map[string]string
		want        bool
	}{
		"same tree":              {"b", map[string]string{"m": "1"}, map[string]string{"m": "1"}, true},
		"other tree":             {"b", map[string]string{"m": "1"}, map[string]string{"m": "2"}, false},
		"removed":                {"b", map[string]string{"m": ""}, map[string]string{"m": "2"}, false},
		"absent in both":         {"b", map[string]string{"m": ""}, map[string]string{"m": ""}, true},
		"root commit, no model":  {"", map[string]string{"m": ""}, nil, true},
		"root commit with model": {"", map[string]string{"m": "1"}, nil, false},
	} {
		r := Run{Base: c.base, Trees: c.trees, BaseTrees: c.from}
		if got := r.Unchanged(); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
