package main

import (
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/message"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// evidence is what the steps of this run left; nil is missing.
type evidence struct {
	changes *change.GetChanges
	created *change.CreateTempDB
	applied *change.ApplyChangelog
}

// read takes the results of this run. One of another run is refused by its
// reader and counts as missing: it says nothing about this patch set.
func (r *report) read(dir step.RunDir) (e evidence) {
	var err error
	if e.changes, err = step.Read[change.GetChanges](dir, "get-changes.json", r.patchSet, ""); err != nil {
		r.log("counts as missing: " + err.Error())
	}
	if e.changes == nil {
		return evidence{}
	}
	attempt := e.changes.Attempt
	if e.created, err = step.Read[change.CreateTempDB](dir, "create-temp-db.json", r.patchSet, attempt); err != nil {
		r.log("counts as missing: " + err.Error())
	}
	if e.applied, err = step.Read[change.ApplyChangelog](dir, "apply-changelog.json", r.patchSet, attempt); err != nil {
		r.log("counts as missing: " + err.Error())
	}
	return e
}

func (e evidence) verdict(p change.PatchSet) change.Verdict {
	return change.VerdictOf(p, e.changes, e.created, e.applied)
}

func (e evidence) marker(p change.PatchSet, vote *int) message.Marker {
	m := message.Marker{Revision: p.Revision}
	if vote != nil {
		m.Vote = *vote
	}
	if e.changes != nil {
		m.Attempt, m.Base = e.changes.Attempt, e.changes.Base
	}
	if e.created != nil && e.created.Outcome != change.Limited { // who holds the places is news, the input is not
		m.Digest = e.created.InputDigest
	}
	if f := e.verdict(p).Failure; f != nil {
		m.File, m.Line = f.File, f.Line
	}
	return m
}

// unchanged says that the candidate's database is the base's. That the trees of
// the model are the same does not do: parameters may have another value.
func (e evidence) unchanged() bool {
	return e.changes.Outcome == change.Unchanged && !e.applied.EngineRan && len(e.applied.Summary) == 0
}

// touches says that a file is one that the candidate changes: in others Gerrit
// refuses a comment, and the vote with it.
func (e evidence) touches(file string) bool {
	return slices.ContainsFunc(e.changes.Files, func(f change.File) bool { return f.Path == file })
}

// seconds is how long the steps took together.
func (e evidence) seconds() (sum float64) {
	if e.changes != nil {
		sum += e.changes.Seconds
	}
	if e.created != nil {
		sum += e.created.Seconds
	}
	if e.applied != nil {
		sum += e.applied.Seconds
	}
	return sum
}
