package main

import (
	"fmt"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/message"
)

// ending is how the step ends.
type ending struct {
	outcome change.Outcome
	reason  string
}

// plan is what to post on a change as it is now.
type plan struct {
	say   bool            // the message with its comment
	vote  bool            // the label's value
	fault *change.Failure // why the label cannot take the value
	ending
}

func (p plan) nothing() bool { return !p.say && !p.vote }

// intent is what the run wants to be said.
type intent struct {
	patchSet change.PatchSet
	marker   message.Marker
	headline string // empty: vote only
	label    string
	tag      string
	username string
}

// decide compares what is to be said with the change as it is.
func decide(now *gerrit.Change, want intent) (plan, error) {
	if end, closed := closing(now); closed {
		return plan{ending: end}, nil
	}
	if now.Revision != want.patchSet.Revision {
		return overtaken(now, want.patchSet)
	}
	last, found := message.Last(now.Messages, own, want.tag, want.patchSet.Revision)
	if found && message.Newer(last.Attempt, want.marker.Attempt) && want.marker.Attempt != "" {
		return plan{ending: ending{change.Superseded, "a later attempt has reported: " + last.Attempt}}, nil
	}
	p := plan{
		say:    want.headline != "" && (!found || !last.Same(want.marker, want.headline)),
		vote:   now.Own[want.label] != want.marker.Vote,
		ending: ending{change.Voted, fmt.Sprintf("%s %s", want.label, message.Verdicts[want.marker.Vote])},
	}
	if p.fault = labelFault(now, want); p.fault != nil {
		p.vote = false
	}
	if p.nothing() {
		p.ending = ending{change.Unchanged, "the same was said before"}
	}
	return p, nil
}

// own: only what this account wrote was said by an earlier run.
func own(m gerrit.Message) bool { return m.Own }

func closing(now *gerrit.Change) (ending, bool) {
	return ending{change.Skipped, "the change is closed: " + now.Status}, !now.Open()
}

func overtaken(now *gerrit.Change, p change.PatchSet) (plan, error) {
	if now.PatchSet > p.PatchSet {
		return plan{ending: ending{change.Superseded, fmt.Sprintf("patch set %d is the current one", now.PatchSet)}}, nil
	}
	return plan{}, change.Failf(change.KindConfiguration, "revision %s is not patch set %d of change %d: that is %s",
		p.Revision, now.PatchSet, p.Change, now.Revision).
		WithHint("GERRIT_PATCHSET_NUMBER and GERRIT_PATCHSET_REVISION must be of the same event")
}

// labelFault says why a vote would not be taken. Gerrit itself answers 200 to
// a label or a value that it does not know, and drops it.
func labelFault(now *gerrit.Change, want intent) *change.Failure {
	label, exists := now.Labels[want.label]
	vote := message.Verdicts[want.marker.Vote]
	switch {
	case !exists:
		return change.Failf(change.KindConfiguration, "label %q does not exist for branch %s of project %s", want.label, now.Branch, now.Project).
			WithHint("add the label to the project's configuration as docs/gerrit-setup.md shows, or set PATCHBAY_LABEL")
	case !slices.Contains(label.Values, want.marker.Vote):
		return change.Failf(change.KindConfiguration, "label %q has no value %s", want.label, vote).
			WithHint("give it the values -1, 0 and +1 in the project's configuration, see docs/gerrit-setup.md")
	case !slices.Contains(now.Permitted[want.label], want.marker.Vote):
		return change.Failf(change.KindConfiguration, "the account %q may not vote %q %s", want.username, want.label, vote).
			WithHint("%s", gerrit.PermissionHint(want.label, want.username))
	}
	return nil
}
