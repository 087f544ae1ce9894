package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// dice make any state, likely or not.
type dice struct{ *rand.Rand }

func pick[T any](d dice, all ...T) T { return all[d.IntN(len(all))] }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func (d dice) name() string {
	n := pick(d, 0, 1, 2, 3, 4, 5, 6, 7)
	at := stamp(pick(d, -time.Hour, 0, time.Minute, time.Hour, 2*time.Hour, 99*time.Hour))
	sum := fmt.Sprintf(digest, d.IntN(4))
	return pick(d, names.Candidate(n), names.Candidate(n), names.Candidate(n), names.Attempt(n, 1+d.IntN(2), at), names.Base(sum), names.BaseAttempt(sum, at), names.Spare(sum),
		names.Template, "registry_dev_1", "registry-developers", "other-registry-dev-1", "registry-dev-", "registry-dev-12x", "REGISTRY-DEV-1", "registry-dev-01")
}

func (d dice) database() candidate.Standing {
	age := pick(d, -time.Hour, 0, 23*time.Hour, 25*time.Hour, 29*24*time.Hour, 31*24*time.Hour)
	s := database(d.name(), age)
	s.OID = d.Uint32()
	for edit, percent := range map[int]int{0: 10, 1: 10, 2: 10, 3: 10, 4: 10, 5: 10} {
		if !d.chance(percent) || s.Provenance == nil {
			continue
		}
		[]func(*candidate.Standing){half, theirs, noBranch, noAttempt, pick(d, elsewhere, neighbour), noComment}[edit](&s)
	}
	if s.Provenance != nil {
		s.Provenance.BaseDigest = fmt.Sprintf(digest, d.IntN(4))
		s.Provenance.Base = pick(d, "commit1", "commit2", "")
		s.Provenance.Revision = pick(d, "r1", "r2")
	}
	return s
}

func (d dice) fact() fact {
	return pick(d, fact{}, notFound, notFound, is(gerrit.StatusNew), is(gerrit.StatusNew), is(gerrit.StatusMerged), is(gerrit.StatusAbandoned), is("DRAFT"), fact{true, true, "other", "MERGED"})
}

func (d dice) sight() sight {
	return sight{
		label: d.chance(80), lost: d.chance(20),
		branches: map[string]bool{"master": d.chance(80)}, private: map[string]bool{"master": d.chance(50)},
	}
}

func (d dice) state() state {
	s := state{clocks: both, facts: map[int]fact{}, sight: d.sight(), logins: map[string]string{}}
	there := map[string]bool{}
	for range d.IntN(20) {
		if one := d.database(); !there[one.Name] {
			there[one.Name] = true
			s.databases = append(s.databases, one)
		}
		if name := d.name(); names.Parse(name).Kind != pg.Foreign && name != names.Template && d.chance(30) {
			s.logins[names.Login(name)] = name
		}
	}
	for n := range 8 {
		s.facts[n] = d.fact()
		if s.facts[n].status == gerrit.StatusNew {
			s.open = append(s.open, listed(n, pick(d, "r1", "r2"), pick(d, "commit1", "commit2", "r1")))
		}
	}
	return s
}

func (d dice) rules() rules {
	r := usual()
	r.maxDrop, r.yes, r.seesPrivate, r.keepBase = d.IntN(4), d.chance(30), d.chance(30), d.IntN(3)
	r.change = pick(d, 0, 0, 0, 1, 7)
	r.protected[d.name()] = d.chance(50)
	return r
}

// TestProperties: whatever is observed, these hold of the plan.
func TestProperties(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	drops := 0
	for range 6_000 {
		s, r := d.state(), d.rules()
		p := r.decide(s)
		drops += len(p.drops)
		for _, i := range p.drops {
			if fault := r.wrong(s, p, i); fault != "" {
				t.Fatalf("seed %d: %s: %s\nrules %+v\nstate %+v", seed, i, fault, r, s)
			}
		}
		if fault := r.unsteady(d, s, p); fault != "" {
			t.Fatalf("seed %d: %s\nrules %+v\nstate %+v", seed, fault, r, s)
		}
	}
	if drops < 2_000 {
		t.Errorf("only %d drops were planned: the states are too dull", drops)
	}
}

// wrong says what speaks against a drop, told from the observation alone.
func (r rules) wrong(s state, p plan, i item) string {
	if i.proof == stray {
		_, there := find(s, i.database)
		return unless(!there && s.logins[i.Name] == i.database, "the login is at work")
	}
	at, there := find(s, i.Name)
	if !there {
		return "it is not there"
	}
	d := s.databases[at]
	n, f := d.Parsed, s.facts[d.Parsed.Change]
	candidateOfChange := n.Kind == pg.Candidate && n.Change > 0
	switch {
	case n.Kind == pg.Foreign || n.Kind == pg.Template || names.Parse(i.Name) != n:
		return "it is not ours by its name"
	case r.protected[i.Name]:
		return "it is protected"
	case d.Owner != service:
		return "it has another owner"
	case d.Provenance != nil && d.Provenance.Gerrit != "" && (d.Provenance.Gerrit != ourGerrit || d.Provenance.Project != ourProject):
		return "its comment names another Gerrit or project"
	case r.change != 0 && n.Change != r.change:
		return "it is of another change"
	case d.Invalid:
		return unless(i.proof == invalid, "an invalid database needs no other proof")
	case candidateOfChange && f.found && f.status == gerrit.StatusNew:
		return "its change is open"
	case candidateOfChange && !f.asked:
		return "nobody was asked"
	case candidateOfChange && f.found:
		return unless(i.proof == closed && f.project == ourProject && (f.status == "MERGED" || f.status == "ABANDONED"), "the change is not closed")
	case candidateOfChange:
		return r.wrongAbsent(s, p, d, i)
	case n.Kind == pg.Base:
		return wrongBase(s, p, d)
	case n.Kind == pg.Spare:
		return wrongSpare(s, p, d)
	}
	return ""
}

func (r rules) wrongAbsent(s state, p plan, d candidate.Standing, i item) string {
	begun, ok := begunAt(d.Provenance)
	old := noon.Sub(begun)
	switch {
	case i.proof != absent || !ok:
		return "there is nothing it could rest on"
	case !s.sight.label || s.sight.lost || d.Provenance.Branch != "" && !s.sight.branches[d.Provenance.Branch]:
		return "the account has lost its sight"
	case old <= r.grace:
		return "it is too young"
	case old <= r.graceBlind && (d.Provenance.Branch == "" || !r.seesPrivate && !s.sight.private[d.Provenance.Branch]):
		return "it may be private"
	}
	rest := 0
	for _, other := range p.drops {
		if other.proof == absent {
			rest++
		}
	}
	return unless(r.yes || rest <= r.maxDrop && rest*100 <= 30*p.counts.Candidates, "too many rest on a 404")
}

// wrongBase: what is of others, as this run sees it, does not count.
func wrongBase(s state, p plan, d candidate.Standing) string {
	for _, other := range s.databases {
		goes := slices.ContainsFunc(p.drops, func(i item) bool { return i.Name == other.Name })
		ours := other.Owner == service && !(other.Provenance != nil && other.Provenance.Gerrit != "" && other.Provenance.Foreign(ourGerrit, ourProject))
		user := other.Parsed.Kind == pg.Candidate || other.Parsed.Kind == pg.Attempt
		if user && ours && !goes && other.Provenance != nil && other.Provenance.BaseDigest == d.Parsed.Digest && other.Parsed.Change != 0 {
			return "a database that stays was made from it"
		}
	}
	return ""
}

func wrongSpare(s state, p plan, d candidate.Standing) string {
	base := names.Base(d.Parsed.Digest)
	_, there := find(s, base)
	goes := slices.ContainsFunc(p.drops, func(i item) bool { return i.Name == base })
	return unless(!there || goes, "its base database stays")
}

func unless(good bool, fault string) string {
	if good {
		return ""
	}
	return fault
}

func find(s state, name string) (int, bool) {
	at := slices.IndexFunc(s.databases, func(d candidate.Standing) bool { return d.Name == name })
	return at, at >= 0
}

// unsteady: the plan does not depend on the order of what is observed; knowing
// less never drops more; once carried out nothing is left to do.
func (r rules) unsteady(d dice, s state, p plan) string {
	shuffled := s
	shuffled.databases, shuffled.open = slices.Clone(s.databases), slices.Clone(s.open)
	d.Shuffle(len(shuffled.databases), func(i, j int) {
		shuffled.databases[i], shuffled.databases[j] = shuffled.databases[j], shuffled.databases[i]
	})
	if other := r.decide(shuffled); !sameNames(other.drops, p.drops) {
		return "the order of the databases matters"
	}
	after := s
	after.databases, after.logins = nil, map[string]string{}
	for _, one := range s.databases {
		if !slices.ContainsFunc(p.drops, func(i item) bool { return i.Name == one.Name }) {
			after.databases = append(after.databases, one)
		}
	}
	for role, database := range s.logins {
		if _, there := find(s, database); there && !slices.ContainsFunc(p.drops, func(i item) bool { return i.Name == database }) {
			after.logins[role] = database
		}
	}
	p.refused = nil
	for _, i := range r.decide(after).drops {
		if i.proof != absent { // with fewer candidates a share may change
			return "a second run would drop " + i.String()
		}
	}
	for n := range s.facts {
		if f := s.facts[n]; n > 0 && f.asked {
			s.facts[n] = fact{}
			fewer := r.decide(s).drops
			s.facts[n] = f
			for _, i := range fewer {
				if i.Change == n && i.What == "candidate" && i.proof != invalid {
					return "without an answer it drops " + i.String()
				}
			}
		}
	}
	return ""
}

func sameNames(a, b []item) bool {
	x, y := called(a), called(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
