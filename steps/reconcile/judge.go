package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// rules are the settings that decide.
type rules struct {
	names           pg.Names
	service         string // the service role
	gerrit, project string // whose databases they are
	change          int    // the only one to look at; 0: all
	grace           time.Duration
	graceBlind      time.Duration
	seesPrivate     bool
	attemptAge      time.Duration
	tryAge          time.Duration
	maxDrop         int
	yes             bool
	keepBase        int
	protected       map[string]bool
}

// clocks are the two that ages are measured by.
type clocks struct {
	server time.Time // PostgreSQL's: of names, and of local tries
	gerrit time.Time // of attempts in comments
}

// fact is what Gerrit says of a change. The zero fact is that it was not asked.
type fact struct {
	asked   bool
	found   bool
	project string
	status  string
}

func factOf(found gerrit.Listed) fact {
	return fact{asked: true, found: true, project: found.Project, status: found.Status}
}

var notFound = fact{asked: true}

func (f fact) closed() bool {
	return f.found && (f.status == gerrit.StatusMerged || f.status == gerrit.StatusAbandoned)
}

// sight is what the account can see, which a 404 is worth nothing without.
type sight struct {
	label    bool            // the project's label is there
	lost     bool            // it does not see a change any more that it saw at the beginning
	branches map[string]bool // which of the branches asked for can be read
	private  map[string]bool // branches on which private changes are seen by right
}

// action is what becomes of a database.
type action int

const (
	keep action = iota
	drop
	wait      // for a 404 to be old enough
	undecided // a person has to look
	foreign   // not ours
)

// proof is what a drop rests on.
type proof string

const (
	closed   proof = "closed"
	absent   proof = "404"
	age      proof = "age"
	invalid  proof = "invalid"
	unneeded proof = "unneeded"
	stray    proof = "stray"
)

// verdict is what is said of one database.
type verdict struct {
	action
	proof
	reason string
}

func dropFor(p proof, format string, args ...any) verdict {
	return verdict{drop, p, fmt.Sprintf(format, args...)}
}

func say(a action, format string, args ...any) verdict {
	return verdict{action: a, reason: fmt.Sprintf(format, args...)}
}

// judge says what becomes of a database; of a base database and its spare only
// whether it is ours and whole: whether it is needed, all others say.
func (r rules) judge(s candidate.Standing, f fact, see sight, now clocks) verdict {
	if v, ends := r.ours(s); ends {
		return v
	}
	if s.Invalid {
		return dropFor(invalid, "its drop was interrupted")
	}
	switch n := s.Parsed; n.Kind {
	case pg.Attempt, pg.BaseAttempt:
		return r.attempt(s, f, now)
	case pg.Candidate:
		if n.Change == 0 {
			return r.try(s, now)
		}
		return r.candidate(s, f, see, now)
	}
	return say(keep, "")
}

// ours ends with whatever is protected or somebody else's.
func (r rules) ours(s candidate.Standing) (v verdict, ends bool) {
	p := s.Provenance
	switch {
	case r.protected[s.Name]:
		return say(keep, "protected"), true
	case s.Parsed.Kind == pg.Foreign || s.Parsed.Kind == pg.Template:
		return say(keep, "not a candidate or base database"), true
	case s.Owner != r.service:
		return say(foreign, "belongs to role %s", change.OneLine(s.Owner)), true
	case (s.Parsed.Kind == pg.Base || s.Parsed.Kind == pg.Spare) && s.AllowConnections && !s.Invalid:
		return say(foreign, "is open to connections, as no %s of ours is", s.Parsed.Kind), true
	case p == nil:
		return v, false
	case r.foreign(s.Parsed, p):
		return say(foreign, "belongs to project %s of %s", strconv.Quote(p.Project), strconv.Quote(p.Gerrit)), true
	}
	return v, false
}

// foreign: a local try names no Gerrit and is nobody else's by that; a base
// database that one has made serves everybody.
func (r rules) foreign(n pg.Name, p *candidate.Provenance) bool {
	try := n.Change == 0 && (n.Kind == pg.Candidate || n.Kind == pg.Attempt)
	base := n.Kind == pg.Base || n.Kind == pg.BaseAttempt || n.Kind == pg.Spare
	switch {
	case try:
		return p.Gerrit != ""
	case base && p.Gerrit == "":
		return false
	}
	return p.Foreign(r.gerrit, r.project)
}

// attempt: its lock is looked at when it is to be dropped.
func (r rules) attempt(s candidate.Standing, f fact, now clocks) verdict {
	old := now.server.Sub(time.Unix(int64(s.Parsed.Stamp), 0))
	switch {
	case old > r.attemptAge:
		return dropFor(age, "given up: it is %s old", span(old))
	case s.Parsed.Kind == pg.Attempt && f.closed() && f.project == r.project:
		return dropFor(closed, "change %d is %s", s.Parsed.Change, f.status)
	}
	return say(keep, "under way")
}

func (r rules) try(s candidate.Standing, now clocks) verdict {
	begun, ok := begunAt(s.Provenance)
	if !ok {
		return say(undecided, "a local try whose comment cannot be read: when it was made is not known")
	}
	if old := now.server.Sub(begun); old > r.tryAge {
		return dropFor(age, "a local try, %s old", span(old))
	}
	return say(keep, "a local try")
}

func (r rules) candidate(s candidate.Standing, f fact, see sight, now clocks) verdict {
	number := s.Parsed.Change
	switch {
	case !f.asked:
		return say(undecided, "Gerrit did not say what change %d is", number)
	case f.found && f.project != r.project:
		return say(undecided, "change %d is one of project %s", number, strconv.Quote(f.project))
	case f.closed():
		return dropFor(closed, "change %d is %s", number, f.status)
	case f.found:
		return say(keep, "change %d is %s", number, f.status)
	}
	return r.gone(s, see, now)
}

// gone is for a change that answers 404: it may be deleted, or private, or the
// account may have lost its sight.
func (r rules) gone(s candidate.Standing, see sight, now clocks) verdict {
	number, p := s.Parsed.Change, s.Provenance
	begun, ok := begunAt(p)
	switch {
	case !ok:
		return say(undecided, "change %d answers 404, and a database without a readable comment is not dropped for that", number)
	case !see.label:
		return say(undecided, "change %d answers 404, and the account does not see the label of the project", number)
	case see.lost:
		return say(undecided, "change %d answers 404, and so does a change that the account saw before", number)
	case p.Branch != "" && !see.branches[p.Branch]:
		return say(undecided, "change %d answers 404, and the account cannot read its branch %s", number, change.OneLine(p.Branch))
	}
	grace, why := r.graceOf(p.Branch, see)
	old := now.gerrit.Sub(begun)
	if old <= grace {
		return say(wait, "change %d answers 404; dropped when older than %s (%s), now %s", number, span(grace), why, span(old))
	}
	return dropFor(absent, "change %d answers 404, the account sees the project, the database is older than %s (%s): %s", number, span(grace), why, span(old))
}

// graceOf: where private changes are seen, a 404 cannot be one that was made
// private.
func (r rules) graceOf(branch string, see sight) (grace time.Duration, why string) {
	switch {
	case branch == "":
		return r.graceBlind, "its branch is not known"
	case r.seesPrivate || see.private[branch]:
		return r.grace, "private changes are seen"
	}
	return r.graceBlind, "it may be private"
}

// begunAt is when the run that made a database began.
func begunAt(p *candidate.Provenance) (time.Time, bool) {
	if p == nil {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseUint(p.Attempt, 16, 32)
	if err != nil || len(p.Attempt) != 8 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// span is a time as people say it.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d/time.Minute))
	}
	return fmt.Sprintf("%d seconds", int(d/time.Second))
}
