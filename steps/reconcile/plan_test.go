package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
)

// observed is a state in which all that is not said is good.
func observed(databases ...candidate.Standing) state {
	s := state{clocks: both, databases: databases, facts: map[int]fact{}, sight: full()}
	for _, d := range databases {
		s.facts[d.Parsed.Change] = is(gerrit.StatusNew)
	}
	return s
}

func called(items []item) (found []string) {
	for _, i := range items {
		found = append(found, i.Name)
	}
	return found
}

func changesOf(all []change.Missing) (numbers []int) {
	for _, m := range all {
		numbers = append(numbers, m.Change)
	}
	return numbers
}

func candidates(from, to int, age time.Duration) (all []candidate.Standing) {
	for n := from; n <= to; n++ {
		all = append(all, database(names.Candidate(n), age))
	}
	return all
}

// TestBrake: drops that rest on a 404 are refused when they are many.
func TestBrake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		all, absent, closed int
		edit                func(*rules)
		dropped, refused    int
	}{
		"few":                             {all: 40, absent: 10, dropped: 10},
		"more than --max-drop":            {all: 40, absent: 11, refused: 11},
		"a higher --max-drop":             {all: 40, absent: 11, edit: func(r *rules) { r.maxDrop = 11 }, dropped: 11},
		"just 30 %":                       {all: 10, absent: 3, dropped: 3},
		"more than 30 %":                  {all: 10, absent: 4, refused: 4},
		"the only one":                    {all: 1, absent: 1, refused: 1},
		"all":                             {all: 40, absent: 40, refused: 40},
		"closed ones are not counted":     {all: 40, closed: 40, dropped: 40},
		"closed ones go all the same":     {all: 40, closed: 20, absent: 20, dropped: 20, refused: 20},
		"--yes":                           {all: 40, absent: 40, edit: func(r *rules) { r.yes = true }, dropped: 40},
		"--max-drop 0":                    {all: 40, absent: 1, closed: 1, edit: func(r *rules) { r.maxDrop = 0 }, dropped: 1, refused: 1},
		"--change, more than 30 % of all": {all: 3, absent: 1, edit: func(r *rules) { r.change = 1 }, refused: 1},
		"--change":                        {all: 4, absent: 1, edit: func(r *rules) { r.change = 1 }, dropped: 1},
	} {
		s, r := observed(candidates(1, c.all, 25*time.Hour)...), usual()
		for n := 1; n <= c.absent; n++ {
			s.facts[n] = notFound
		}
		for n := c.all; n > c.all-c.closed; n-- {
			s.facts[n] = is(gerrit.StatusMerged)
		}
		if c.edit != nil {
			c.edit(&r)
		}
		if p := r.decide(s); len(p.drops) != c.dropped || len(p.refused) != c.refused {
			t.Errorf("%s: %d dropped, %d refused; want %d and %d", name, len(p.drops), len(p.refused), c.dropped, c.refused)
		}
	}
}

// TestForeignDoNotCount: the share is one of our own candidates.
func TestForeignDoNotCount(t *testing.T) {
	t.Parallel()
	s := observed(candidates(1, 3, 25*time.Hour)...)
	s.databases = append(s.databases, database("registry-dev-4", 0, neighbour))
	s.facts[1] = notFound
	if p := usual().decide(s); len(p.refused) != 1 || p.counts.Candidates != 3 || p.counts.Foreign != 1 {
		t.Errorf("refused %v, counts %+v", called(p.refused), p.counts)
	}
}

const digest = "%016x"

// base is a base database made from a commit; greater OIDs are newer.
func base(i int, commit string) candidate.Standing {
	return database(names.Base(fmt.Sprintf(digest, i)), 0, func(d *candidate.Standing) {
		d.OID, d.Provenance.Base, d.Provenance.State = uint32(100+i), commit, candidate.StateBase
	})
}

func from(i int) func(*candidate.Standing) {
	return func(d *candidate.Standing) { d.Provenance.BaseDigest = fmt.Sprintf(digest, i) }
}

func listed(number int, revision string, parents ...string) gerrit.Listed {
	return gerrit.Listed{Project: ourProject, Number: number, Branch: "master", Status: gerrit.StatusNew, PatchSet: 1, Revision: revision, Parents: parents}
}

func TestBases(t *testing.T) {
	t.Parallel()
	bases := func(n int) (all []candidate.Standing) {
		for i := 1; i <= n; i++ {
			all = append(all, base(i, fmt.Sprint("commit", i)))
		}
		return all
	}
	for name, c := range map[string]struct {
		state   state
		edit    func(*rules)
		dropped []int
	}{
		"the newest stays":           {observed(bases(3)...), nil, []int{1, 2}},
		"--keep-base 0":              {observed(bases(3)...), func(r *rules) { r.keepBase = 0 }, []int{1, 2, 3}},
		"--keep-base 9":              {observed(bases(3)...), func(r *rules) { r.keepBase = 9 }, nil},
		"a candidate was made of it": {observed(append(bases(3), database("registry-dev-7", 0, from(1)))...), nil, []int{2}},
		"an attempt is":              {observed(append(bases(3), database(names.Attempt(7, 1, stamp(0)), 0, from(1)))...), nil, []int{2}},
		"so is a local try":          {observed(append(bases(3), database("registry-dev-0", 0, from(1)))...), nil, []int{2}},
		"the candidate goes, too": {func() state {
			s := observed(append(bases(3), database("registry-dev-7", 0, from(1)))...)
			s.facts[7] = is(gerrit.StatusAbandoned)
			return s
		}(), nil, []int{1, 2}},
		"its drop is refused": {func() state {
			s := observed(append(bases(3), database("registry-dev-7", 99*24*time.Hour, from(1)))...)
			s.facts[7] = notFound
			return s
		}(), nil, []int{2}},
		"an open change is based on it": {func() state {
			s := observed(bases(3)...)
			s.open = []gerrit.Listed{listed(7, "r7", "commit2")}
			return s
		}(), nil, []int{1}},
		"a stack is": {func() state {
			s := observed(bases(3)...)
			s.open = []gerrit.Listed{listed(9, "r9", "r8"), listed(8, "r8", "r7"), listed(7, "r7", "commit2")}
			return s
		}(), nil, []int{1}},
		"protected":          {observed(bases(3)...), func(r *rules) { r.protected[names.Base(fmt.Sprintf(digest, 1))] = true }, []int{2}},
		"--change":           {observed(bases(3)...), func(r *rules) { r.change = 7 }, nil},
		"of another project": {observed(append(bases(1), database(names.Base(fmt.Sprintf(digest, 9)), 0, neighbour))...), nil, nil},
		"half dropped do not count as the newest": {observed(append(bases(2), database(names.Base(fmt.Sprintf(digest, 9)), 0, half, func(d *candidate.Standing) { d.OID = 999 }))...), nil, []int{1, 9}},
	} {
		r := usual()
		if c.edit != nil {
			c.edit(&r)
		}
		var want []string
		for _, i := range c.dropped {
			want = append(want, names.Base(fmt.Sprintf(digest, i)))
		}
		got := slices.DeleteFunc(called(r.decide(c.state).drops), func(name string) bool { return name == "registry-dev-7" })
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSpares: a spare stays as long as its base database.
func TestSpares(t *testing.T) {
	t.Parallel()
	base := func(i int, edit ...func(*candidate.Standing)) candidate.Standing {
		d := database(names.Base(fmt.Sprintf(digest, i)), 0, edit...)
		d.OID = uint32(i)
		return d
	}
	spare := func(i int, edit ...func(*candidate.Standing)) candidate.Standing {
		return database(names.Spare(fmt.Sprintf(digest, i)), 0, append([]func(*candidate.Standing){noComment}, edit...)...)
	}
	open := func(d *candidate.Standing) { d.AllowConnections = true }
	theirs := func(d *candidate.Standing) { d.Owner = "somebody" }
	for name, c := range map[string]struct {
		databases []candidate.Standing
		dropped   []string
	}{
		"its base stays":                {[]candidate.Standing{base(1), spare(1)}, nil},
		"its base is another project's": {[]candidate.Standing{base(1, neighbour), spare(1)}, nil},
		"its base goes":                 {[]candidate.Standing{base(1), base(2), spare(1)}, []string{names.Base(fmt.Sprintf(digest, 1)), names.Spare(fmt.Sprintf(digest, 1))}},
		"its base is gone":              {[]candidate.Standing{base(1), spare(2)}, []string{names.Spare(fmt.Sprintf(digest, 2))}},
		"half dropped":                  {[]candidate.Standing{base(1), spare(1, half)}, []string{names.Spare(fmt.Sprintf(digest, 1))}},
		"somebody else's":               {[]candidate.Standing{base(1), spare(2, theirs)}, nil},
		"open to connections":           {[]candidate.Standing{base(1), spare(2, open)}, nil},
	} {
		got := called(usual().decide(observed(c.databases...)).drops)
		slices.Sort(got)
		if diff := cmp.Diff(c.dropped, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	attempt, goneAttempt, goneBase := names.Attempt(7, 1, stamp(0)), names.Attempt(8, 1, stamp(0)), names.BaseAttempt(names.TemplateDigest(), stamp(0))
	s := observed(database(attempt, 0))
	s.logins = map[string]string{}
	for _, database := range []string{attempt, goneAttempt, goneBase} {
		s.logins[names.Login(database)] = database
	}
	r := usual()
	p := r.decide(s)
	want := []item{{lock: names.Candidate(8)}, {lock: names.Template}}
	if len(p.drops) != 2 || p.drops[0].Name != names.Login(goneAttempt) || p.drops[0].lock != want[0].lock || p.drops[1].lock != want[1].lock || p.counts.Logins != 3 {
		t.Errorf("drops %v, counts %+v", p.drops, p.counts)
	}
	for number, want := range map[int]int{7: 0, 8: 1} {
		r.change = number
		if p := r.decide(s); len(p.drops) != want {
			t.Errorf("--change %d: drops %v", number, p.drops)
		}
	}
}

func TestOneChange(t *testing.T) {
	t.Parallel()
	s := observed(database("registry-dev-7", 0), database(names.Attempt(7, 1, stamp(2*time.Hour)), 0), database("registry-dev-8", 0),
		database(names.Attempt(8, 1, stamp(2*time.Hour)), 0), database("registry-dev-0", 99*time.Hour), database("registry-dev-9", 0, neighbour))
	s.facts[7], s.facts[8] = is(gerrit.StatusMerged), is(gerrit.StatusMerged)
	r := usual()
	r.change = 7
	p := r.decide(s)
	if diff := cmp.Diff([]string{"registry-dev-7", names.Attempt(7, 1, stamp(2*time.Hour))}, called(p.drops)); diff != "" || len(p.foreign) != 0 {
		t.Errorf("foreign %v, drops (-want +got):\n%s", called(p.foreign), diff)
	}
	if p.counts.Candidates != 2 || p.counts.Attempts != 2 || p.counts.Tries != 1 || p.counts.Foreign != 1 {
		t.Errorf("all are counted: %+v", p.counts)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	revision := strings.Repeat("a", 40)
	old := func(d *candidate.Standing) { d.Provenance.Revision = strings.Repeat("b", 40) }
	s := observed(
		database("registry-dev-1", 0), database("registry-dev-2", 0, old), database("registry-dev-3", 0, noComment), database("registry-dev-4", 0, half),
		database("registry-dev-5", 0, neighbour), database(names.Attempt(6, 1, stamp(0)), 0), database(names.Attempt(7, 1, stamp(2*time.Hour)), 0),
		database(names.Attempt(8, 2, stamp(0)), 0))
	for n := 1; n <= 9; n++ {
		l := listed(n, revision, "commit")
		l.Rejected = n == 9
		s.open = append([]gerrit.Listed{l}, s.open...)
	}
	p := usual().decide(s)
	if got := changesOf(p.missing); !slices.Equal(got, []int{4, 5, 6, 7, 8, 9}) {
		t.Errorf("missing: %v", got)
	}
	if got := changesOf(p.outdated); !slices.Equal(got, []int{2, 3}) || p.outdated[0].Has != 1 || p.outdated[1].Has != 0 {
		t.Errorf("outdated: %+v", p.outdated)
	}
	if got := changesOf(rebuild(p.missing, p.outdated)); !slices.Equal(got, []int{4, 5, 7, 8, 2, 3}) {
		t.Errorf("to rebuild: %v: not 6, which is under way, nor 9, which does not deploy", got)
	}
}
