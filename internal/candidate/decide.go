package candidate

import (
	"fmt"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Decision is what a run does about the databases of its change.
type Decision struct {
	Outcome change.Outcome // Reused, Superseded, Refused or Created
	Reason  string
	Reuse   string   // the database of outcome Reused
	Drop    []string // attempts that this run supersedes
}

// Decide looks at the databases of the run's change and says what the run
// does. mine is the run's own attempt, "" before there is one.
func Decide(r Run, inputDigest, mine string, all []Standing) Decision {
	d := Decision{Outcome: change.Created}
	for _, s := range all {
		if s.Parsed.Change != r.PatchSet.Change || s.Name == mine {
			continue
		}
		switch s.Parsed.Kind {
		case pg.Candidate:
			d.candidate(r, inputDigest, s)
		case pg.Attempt:
			d.attempt(r, s)
		}
	}
	if d.Outcome == change.Refused || d.Outcome == change.Superseded {
		d.Drop = nil
	}
	return d
}

// candidate looks at the database under the public name.
func (d *Decision) candidate(r Run, inputDigest string, s Standing) {
	p := s.Provenance
	switch {
	case s.Invalid:
		d.Drop = append(d.Drop, s.Name)
	case p == nil: // rebuilt: the swap replaces it
	case p.Foreign(r.Gerrit, r.PatchSet.Project):
		d.refuse(s)
	case p.PatchSet.PatchSet > r.PatchSet.PatchSet:
		d.supersede("patch set %d is deployed already", p.PatchSet.PatchSet)
	case p.PatchSet.PatchSet == r.PatchSet.PatchSet && p.Attempt > r.Attempt:
		d.supersede("a later attempt of patch set %d is deployed already", p.PatchSet.PatchSet)
	case p.InputDigest == inputDigest && p.Difference != "":
		d.settle(change.Reused, "")
		d.Reuse = s.Name
	}
}

// attempt looks at a database that another run of the change works on, or
// left behind.
func (d *Decision) attempt(r Run, s Standing) {
	p := s.Provenance
	switch {
	case p != nil && p.Foreign(r.Gerrit, r.PatchSet.Project):
		d.refuse(s)
	case s.Parsed.PatchSet > r.PatchSet.PatchSet:
		d.supersede("patch set %d is being deployed", s.Parsed.PatchSet)
	case s.Parsed.PatchSet == r.PatchSet.PatchSet && p != nil && p.State != StatePublished && p.Attempt > r.Attempt:
		d.supersede("a later attempt of patch set %d is under way", s.Parsed.PatchSet)
	default:
		d.Drop = append(d.Drop, s.Name)
	}
}

func (d *Decision) refuse(s Standing) {
	d.settle(change.Refused, fmt.Sprintf("database %s belongs to project %q of %s", s.Name, s.Provenance.Project, s.Provenance.Gerrit))
}

func (d *Decision) supersede(format string, args ...any) {
	d.settle(change.Superseded, fmt.Sprintf(format, args...))
}

// settle keeps the graver of two outcomes.
func (d *Decision) settle(o change.Outcome, reason string) {
	order := []change.Outcome{change.Created, change.Reused, change.Superseded, change.Refused}
	if slices.Index(order, o) > slices.Index(order, d.Outcome) {
		d.Outcome, d.Reason = o, reason
	}
}

// Holders are the other changes that hold a place, ascending; a local try
// takes none. held says that the run's change has its place already.
func Holders(r Run, all []Standing) (holders []int, held bool) {
	for _, s := range all {
		if s.Parsed.Kind != pg.Candidate && s.Parsed.Kind != pg.Attempt {
			continue
		}
		switch n := s.Parsed.Change; {
		case n == r.PatchSet.Change:
			held = true
		case n != 0:
			holders = append(holders, n)
		}
	}
	slices.Sort(holders)
	return slices.Compact(holders), held
}
