package change_test

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// run is a complete good run; the tests spoil it.
type run struct {
	changes *change.GetChanges
	created *change.CreateTempDB
	applied *change.ApplyChangelog
}

var patchSet = change.PatchSet{Project: "registry", Change: 7, PatchSet: 2, Revision: strings.Repeat("a", 40)}

func good() *run {
	header := func(step string, outcome change.Outcome) change.Header {
		return change.Header{Step: step, PatchSet: patchSet, Attempt: "6923abcd", Outcome: outcome}
	}
	return &run{
		&change.GetChanges{Header: header("get-changes", change.Changed)},
		&change.CreateTempDB{Header: header("create-temp-db", change.Created), InputDigest: "1234"},
		&change.ApplyChangelog{Header: header("apply-changelog", change.Applied), InputDigest: "1234"},
	}
}

func fail(h *change.Header, kind change.Kind) { h.Failure = change.Failf(kind, "because of %s", kind) }

func TestVerdictOf(t *testing.T) {
	t.Parallel()
	const plus, minus, zero, none = 1, -1, 0, 99
	tests := []struct {
		name    string
		spoil   func(*run)
		vote    int
		outcome change.Outcome
		reason  string
	}{
		{"all good", func(*run) {}, plus, change.Voted, ""},
		{"unchanged and reused", func(r *run) {
			r.changes.Outcome, r.created.Outcome, r.applied.Outcome = change.Unchanged, change.Reused, change.Reused
		}, plus, change.Voted, ""},

		{"nothing at all", func(r *run) { *r = run{} }, zero, change.Voted, "get-changes left no result"},
		{"no get-changes", func(r *run) { r.changes = nil }, zero, change.Voted, "get-changes left no result"},
		{"no create-temp-db", func(r *run) { r.created = nil }, zero, change.Voted, "create-temp-db left no result"},
		{"no apply-changelog", func(r *run) { r.applied = nil }, zero, change.Voted, "apply-changelog left no result"},
		{"of another revision", func(r *run) { r.changes.Revision = strings.Repeat("b", 40) }, zero, change.Voted, "get-changes left no result"},
		{"of another patch set", func(r *run) { r.created.PatchSet.PatchSet = 1 }, zero, change.Voted, "create-temp-db left no result"},
		{"of another attempt", func(r *run) { r.applied.Attempt = "6923abce" }, zero, change.Voted, "apply-changelog left no result"},
		{"without an attempt", func(r *run) { r.changes.Attempt, r.created.Attempt, r.applied.Attempt = "", "", "" }, zero, change.Voted, "create-temp-db left no result"},
		{"another input", func(r *run) { r.applied.InputDigest = "5678" }, zero, change.Voted, "different inputs"},
		{"no input digest", func(r *run) { r.created.InputDigest, r.applied.InputDigest = "", "" }, zero, change.Voted, "different inputs"},
		{"an empty outcome", func(r *run) { r.applied.Outcome = "" }, zero, change.Voted, `apply-changelog ended with outcome ""`},
		{"an outcome of another step", func(r *run) { r.changes.Outcome = change.Applied }, zero, change.Voted, `get-changes ended with outcome "applied"`},
		{"skipped without a reason", func(r *run) { r.applied.Outcome = change.Skipped }, zero, change.Voted, `outcome "skipped"`},
		{"failed without a failure", func(r *run) { r.applied.Outcome = change.Failed }, zero, change.Voted, `outcome "failed"`},

		{"candidate fails", func(r *run) { r.applied.Outcome = change.Failed; fail(&r.applied.Header, change.KindCandidate) }, minus, change.Voted, "because of candidate"},
		{"candidate fails early", func(r *run) { fail(&r.created.Header, change.KindCandidate); r.applied = nil }, minus, change.Voted, "because of candidate"},
		{"a failure beside a good outcome", func(r *run) { fail(&r.applied.Header, change.KindCandidate) }, minus, change.Voted, "because of candidate"},
		{"infrastructure", func(r *run) { fail(&r.applied.Header, change.KindInfrastructure) }, zero, change.Voted, "because of infrastructure"},
		{"configuration", func(r *run) { fail(&r.changes.Header, change.KindConfiguration) }, zero, change.Voted, "because of configuration"},
		{"limit", func(r *run) { fail(&r.applied.Header, change.KindLimit) }, zero, change.Voted, "because of limit"},
		{"cancelled", func(r *run) { fail(&r.created.Header, change.KindCancelled) }, zero, change.Voted, "because of cancelled"},
		{"base", func(r *run) {
			r.created.Outcome, r.applied.Outcome = change.BaseFailed, change.Skipped
			fail(&r.created.Header, change.KindBase)
		}, zero, change.Voted, "because of base"},
		{"base without a failure", func(r *run) { r.created.Outcome = change.BaseFailed }, zero, change.Voted, "base does not deploy"},
		{"limited", func(r *run) {
			r.created.Outcome, r.created.Holders, r.applied.Outcome = change.Limited, []int{3, 4}, change.Skipped
		}, zero, change.Voted, "held by the changes 3, 4"},

		{"superseded at once", func(r *run) { r.changes.Outcome = change.Superseded }, none, change.Superseded, "taken over"},
		{"superseded later", func(r *run) { r.created.Outcome, r.created.Reason = change.Superseded, "attempt x" }, none, change.Superseded, "attempt x"},
		{"superseded last", func(r *run) { r.applied.Outcome, r.applied.Reason = change.Superseded, "patch set 3" }, none, change.Superseded, "patch set 3"},
		{"closed", func(r *run) { r.changes.Outcome = change.Closed }, none, change.Skipped, "merged or abandoned"},
		{"invisible", func(r *run) { r.changes.Outcome = change.Invisible }, none, change.Skipped, "not visible"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := good()
			test.spoil(r)
			v := change.VerdictOf(patchSet, r.changes, r.created, r.applied)
			vote, reason := none, v.Reason
			if v.Vote != nil {
				vote = *v.Vote
			}
			if v.Failure != nil {
				reason = v.Failure.Error()
			}
			if vote != test.vote || v.Outcome != test.outcome || !strings.Contains(reason, test.reason) {
				t.Errorf("got vote %d, outcome %s, reason %q; want %d, %s, %q", vote, v.Outcome, reason, test.vote, test.outcome, test.reason)
			}
			if (vote == plus) != (v.Failure == nil && v.Vote != nil) {
				t.Errorf("a failure beside +1, or a vote below it without one: %+v", v)
			}
		})
	}
}

func TestLimitedNamesTheHolders(t *testing.T) {
	t.Parallel()
	for want, holders := range map[string][]int{
		"2 of 2 places are taken (held by change 3)":           {3},
		"2 of 2 places are taken (held by the changes 3, 14)":  {3, 14},
		"2 of 2 places are taken":                              nil,
		" 19, 20 and 5 more)":                                  upTo(25),
		"(held by the changes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ": upTo(20),
	} {
		got := change.VerdictOf(patchSet, &change.GetChanges{Header: change.Header{PatchSet: patchSet, Attempt: "a", Outcome: change.Changed}},
			&change.CreateTempDB{Header: change.Header{PatchSet: patchSet, Attempt: "a", Outcome: change.Limited}, Reason: "2 of 2 places are taken", Holders: holders}, nil)
		if got.Vote == nil || *got.Vote != 0 || got.Failure.Kind != change.KindLimit || !strings.Contains(got.Failure.Message, want) {
			t.Errorf("%v: vote %v, %+v", holders, got.Vote, got.Failure)
		}
	}
}

func upTo(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}
