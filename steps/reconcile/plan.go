package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// state is what was observed, the databases first: what is made afterwards is
// not in it and so not touched.
type state struct {
	clocks
	databases []candidate.Standing
	logins    map[string]string // throw-away role → its database
	sizes     map[string]int64
	facts     map[int]fact // of the changes that databases are named after
	sight     sight
	open      []gerrit.Listed // open changes of the project
}

// item is one database or login and what becomes of it.
type item struct {
	change.Reconciled
	verdict
	lock     string // that protects it
	oid      uint32
	database string // that a login works on
}

// plan is what a reconcile does.
type plan struct {
	drops     []item // in this order
	refused   []item // drops that rest on a 404, when they are too many
	undecided []item
	waiting   []item
	foreign   []item
	counts    change.Databases
	missing   []change.Missing
	outdated  []change.Missing
}

// decide makes the plan. It is a pure function: state in, plan out.
func (r rules) decide(s state) plan {
	var p plan
	for _, d := range s.databases {
		v := r.judge(d, s.facts[d.Parsed.Change], s.sight, s.clocks)
		p.count(d, v, s.sizes[d.Name])
		p.add(r, d, v, s.sizes[d.Name])
	}
	p.brake(r)
	kept := p.kept(s.databases)
	for _, d := range r.unneeded(s, kept) {
		p.add(r, d, dropFor(unneeded, "no open change needs it"), s.sizes[d.Name])
	}
	for _, d := range r.orphans(s, p.drops) {
		p.add(r, d, dropFor(unneeded, "its base database is gone or goes"), s.sizes[d.Name])
	}
	p.strays(r, s)
	slices.SortStableFunc(p.drops, func(a, b item) int { return cmp.Compare(a.rank(), b.rank()) })
	p.missing, p.outdated = missing(s.open, kept)
	return p
}

// kept are the databases of ours that stay.
func (p *plan) kept(databases []candidate.Standing) (kept []candidate.Standing) {
	others := map[string]bool{}
	for _, i := range slices.Concat(p.drops, p.foreign) {
		others[i.Name] = true
	}
	for _, d := range databases {
		if !others[d.Name] {
			kept = append(kept, d)
		}
	}
	return kept
}

// add sorts a database to where it belongs, unless it is none of this run's
// business.
func (p *plan) add(r rules, d candidate.Standing, v verdict, bytes int64) {
	if !r.covers(d.Parsed) {
		return
	}
	i := item{
		Reconciled: change.Reconciled{
			Name: d.Name, What: d.Parsed.Kind.String(), Change: d.Parsed.Change, Proof: string(v.proof), Reason: v.reason, Bytes: bytes,
		},
		verdict: v, lock: r.names.LockOf(d.Parsed), oid: d.OID,
	}
	switch v.action {
	case drop:
		p.drops = append(p.drops, i)
	case undecided:
		p.undecided = append(p.undecided, i)
	case wait:
		p.waiting = append(p.waiting, i)
	case foreign:
		p.foreign = append(p.foreign, i)
	}
}

// covers says whether a run that looks at one change looks at this name.
func (r rules) covers(n pg.Name) bool {
	if n.Kind == pg.Foreign || n.Kind == pg.Template {
		return false
	}
	return r.change == 0 || n.Change == r.change && (n.Kind == pg.Candidate || n.Kind == pg.Attempt)
}

// strays are the logins whose database is gone: their run was killed.
func (p *plan) strays(r rules, s state) {
	there := map[string]bool{}
	for _, d := range s.databases {
		there[d.Name] = true
	}
	for _, role := range slices.Sorted(maps.Keys(s.logins)) {
		p.counts.Logins++
		database := s.logins[role]
		n := r.names.Parse(database)
		if there[database] || !r.covers(n) {
			continue
		}
		v := dropFor(stray, "its database is gone")
		p.drops = append(p.drops, item{
			Reconciled: change.Reconciled{Name: role, What: "login", Change: n.Change, Proof: string(v.proof), Reason: v.reason},
			verdict:    v, lock: r.names.LockOf(n), database: database,
		})
	}
}

// percentage of all candidate databases that may go for a 404 at once.
const percentage = 30

// brake refuses the drops that rest on a 404 when they are many: more likely
// the account has lost its sight, or Gerrit its changes.
func (p *plan) brake(r rules) {
	rest := 0
	for _, i := range p.drops {
		if i.proof == absent {
			rest++
		}
	}
	if r.yes || rest <= r.maxDrop && rest*100 <= percentage*p.counts.Candidates {
		return
	}
	p.drops = slices.DeleteFunc(p.drops, func(i item) bool {
		if i.proof == absent {
			p.refused = append(p.refused, i)
		}
		return i.proof == absent
	})
}

// rank is the order of the drops: what is proven best goes first, what others
// may rest on goes last.
func (i item) rank() int {
	return slices.Index([]proof{closed, absent, age, invalid, unneeded, stray}, i.proof)
}

func (p *plan) count(d candidate.Standing, v verdict, bytes int64) {
	switch n := d.Parsed; {
	case n.Kind == pg.Template || n.Kind == pg.Foreign:
		return
	case v.action == foreign:
		p.counts.Foreign++
		return
	case n.Kind == pg.Candidate && n.Change == 0:
		p.counts.Tries++
	case n.Kind == pg.Candidate:
		p.counts.Candidates++
	case n.Kind == pg.Base:
		p.counts.Bases++
	case n.Kind == pg.Spare:
		p.counts.Spares++
	default:
		p.counts.Attempts++
	}
	p.counts.Bytes += bytes
}

func (i item) String() string { return fmt.Sprintf("%s %s: %s", i.What, i.Name, i.Reason) }
