package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

const (
	ourGerrit  = "https://review.example.org"
	ourProject = "registry"
	service    = "patchbay"
)

var (
	names = pg.Names{Prefix: "registry-dev-", Template: "registry-template"}
	noon  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	both  = clocks{server: noon, gerrit: noon}
)

func usual() rules {
	return rules{
		names: names, service: service, gerrit: ourGerrit, project: ourProject,
		grace: 24 * time.Hour, graceBlind: 30 * 24 * time.Hour, attemptAge: time.Hour, tryAge: 24 * time.Hour,
		maxDrop: 10, keepBase: 1, protected: map[string]bool{},
	}
}

// full is the sight of an account that sees everything.
func full() sight {
	return sight{label: true, branches: map[string]bool{"master": true}, private: map[string]bool{"master": true}}
}

// stamp is a time as names and comments carry it.
func stamp(age time.Duration) uint32 { return uint32(noon.Add(-age).Unix()) }

// database is one of ours; its run began that long ago.
func database(name string, age time.Duration, edit ...func(*candidate.Standing)) candidate.Standing {
	n := names.Parse(name)
	d := candidate.Standing{
		Database: pg.Database{Name: name, Parsed: n, OID: 1, Owner: service, AllowConnections: n.Kind != pg.Base && n.Kind != pg.Spare},
		Provenance: &candidate.Provenance{
			State: candidate.StatePublished, Gerrit: ourGerrit, Branch: "master", Attempt: fmt.Sprintf("%08x", stamp(age)),
			PatchSet: change.PatchSet{Project: ourProject, Change: n.Change, PatchSet: 1, Revision: strings.Repeat("a", 40)},
		},
	}
	if n.Kind == pg.Candidate && n.Change == 0 {
		d.Provenance.Gerrit, d.Provenance.Project = "", "olena@laptop:/registry"
	}
	for _, e := range edit {
		e(&d)
	}
	return d
}

func noComment(d *candidate.Standing) { d.Provenance = nil }
func noBranch(d *candidate.Standing)  { d.Provenance.Branch = "" }
func noAttempt(d *candidate.Standing) { d.Provenance.Attempt = "" }
func half(d *candidate.Standing)      { d.Invalid = true }
func theirs(d *candidate.Standing)    { d.Owner = "dba" }
func elsewhere(d *candidate.Standing) { d.Provenance.Gerrit = "https://other.example.org" }
func neighbour(d *candidate.Standing) { d.Provenance.Project = "other" }

func is(status string) fact {
	return fact{asked: true, found: true, project: ourProject, status: status}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const week, hour = 7 * 24 * time.Hour, time.Hour
	attempt := func(age time.Duration) string { return names.Attempt(7, 2, stamp(age)) }
	baseAttempt := func(age time.Duration) string { return names.BaseAttempt("0123456789abcdef", stamp(age)) }
	see := func(edit func(*sight)) sight { s := full(); edit(&s); return s }
	blind := see(func(s *sight) { s.private = nil })
	merged, abandoned, open := is(gerrit.StatusMerged), is(gerrit.StatusAbandoned), is(gerrit.StatusNew)
	for name, c := range map[string]struct {
		database candidate.Standing
		fact     fact
		sight    sight
		action   action
		proof    proof
		reason   string
	}{
		"merged":                           {database("registry-dev-7", 0), merged, full(), drop, closed, "change 7 is MERGED"},
		"abandoned":                        {database("registry-dev-7", 0), abandoned, full(), drop, closed, "ABANDONED"},
		"merged, no comment":               {database("registry-dev-7", 0, noComment), merged, sight{}, drop, closed, "MERGED"},
		"merged, in another project":       {database("registry-dev-7", 0), fact{true, true, "other", "MERGED"}, full(), undecided, "", `one of project "other"`},
		"merged, of another Gerrit":        {database("registry-dev-7", week, elsewhere), merged, full(), foreign, "", "belongs to project"},
		"merged, of another project":       {database("registry-dev-7", week, neighbour), merged, full(), foreign, "", "belongs to project"},
		"merged, of another role":          {database("registry-dev-7", week, theirs), merged, full(), foreign, "", "belongs to role dba"},
		"open":                             {database("registry-dev-7", 99*week), open, full(), keep, "", "is NEW"},
		"open, no comment":                 {database("registry-dev-7", 99*week, noComment), open, full(), keep, "", "is NEW"},
		"a state that nobody knows":        {database("registry-dev-7", 99*week), is("DRAFT"), full(), keep, "", "is DRAFT"},
		"not asked":                        {database("registry-dev-7", 99*week), fact{}, full(), undecided, "", "did not say"},
		"half dropped":                     {database("registry-dev-7", 0, half), open, full(), drop, invalid, "interrupted"},
		"half dropped, of another Gerrit":  {database("registry-dev-7", 0, half, elsewhere), merged, full(), foreign, "", ""},
		"404, old":                         {database("registry-dev-7", 25*hour), notFound, full(), drop, absent, "private changes are seen"},
		"404, young":                       {database("registry-dev-7", 24*hour), notFound, full(), wait, "", "older than 24 hours"},
		"404, may be private":              {database("registry-dev-7", week), notFound, blind, wait, "", "it may be private"},
		"404, may be private, very old":    {database("registry-dev-7", 5*week), notFound, blind, drop, absent, "it may be private"},
		"404, private seen elsewhere only": {database("registry-dev-7", week), notFound, see(func(s *sight) { s.private = map[string]bool{"release": true} }), wait, "", "it may be private"},
		"404, no comment":                  {database("registry-dev-7", 99*week, noComment), notFound, full(), undecided, "", "without a readable comment"},
		"404, no attempt in the comment":   {database("registry-dev-7", 99*week, noAttempt), notFound, full(), undecided, "", "without a readable comment"},
		"404, branch not known":            {database("registry-dev-7", week, noBranch), notFound, full(), wait, "", "its branch is not known"},
		"404, branch not readable":         {database("registry-dev-7", 99*week), notFound, see(func(s *sight) { s.branches["master"] = false }), undecided, "", "cannot read its branch"},
		"404, branch not asked for":        {database("registry-dev-7", 99*week), notFound, see(func(s *sight) { s.branches = nil }), undecided, "", "cannot read its branch"},
		"404, label not seen":              {database("registry-dev-7", 99*week), notFound, see(func(s *sight) { s.label = false }), undecided, "", "does not see the label"},
		"404, another change is gone too":  {database("registry-dev-7", 99*week), notFound, see(func(s *sight) { s.lost = true }), undecided, "", "saw before"},
		"404, from the future":             {database("registry-dev-7", -week), notFound, full(), wait, "", ""},
		"attempt":                          {database(attempt(hour), 0), open, full(), keep, "", "under way"},
		"attempt, old":                     {database(attempt(hour+time.Second), 0), open, full(), drop, age, "given up"},
		"attempt, old, nobody was asked":   {database(attempt(2*hour), 0), fact{}, sight{}, drop, age, "given up"},
		"attempt, old, no comment":         {database(attempt(2*hour), 0, noComment), fact{}, sight{}, drop, age, "given up"},
		"attempt, old, of another project": {database(attempt(2*hour), 0, neighbour), open, full(), foreign, "", ""},
		"attempt, change merged":           {database(attempt(0), 0), merged, full(), drop, closed, "MERGED"},
		"attempt, another's change merged": {database(attempt(0), 0, noComment), fact{true, true, "other", "MERGED"}, full(), keep, "", "under way"},
		"attempt, change gone":             {database(attempt(0), 0), notFound, full(), keep, "", "under way"},
		"base attempt":                     {database(baseAttempt(hour), 0), fact{}, full(), keep, "", "under way"},
		"base attempt, old":                {database(baseAttempt(2*hour), 0, noComment), fact{}, full(), drop, age, "given up"},
		"local try":                        {database("registry-dev-0", 24*hour), fact{}, full(), keep, "", "local try"},
		"local try, old":                   {database("registry-dev-0", 25*hour), fact{}, sight{}, drop, age, "local try"},
		"local try, no comment":            {database("registry-dev-0", 99*week, noComment), fact{}, full(), undecided, "", "cannot be read"},
		"local try with a Gerrit":          {database("registry-dev-0", 99*week, elsewhere), fact{}, full(), foreign, "", ""},
		"change 7 without a Gerrit":        {database("registry-dev-7", 99*week, func(d *candidate.Standing) { d.Provenance.Gerrit = "" }), merged, full(), foreign, "", ""},
		"base":                             {database(names.Base("0123456789abcdef"), 0), fact{}, full(), keep, "", ""},
		"base, half dropped":               {database(names.Base("0123456789abcdef"), 0, half), fact{}, full(), drop, invalid, ""},
		"base, of another project":         {database(names.Base("0123456789abcdef"), 0, neighbour, half), fact{}, full(), foreign, "", ""},
		"base, made by a local try":        {database(names.Base("0123456789abcdef"), 0, neighbour, func(d *candidate.Standing) { d.Provenance.Gerrit = "" }), fact{}, full(), keep, "", ""},
		"base, open":                       {database(names.Base("0123456789abcdef"), 0, func(d *candidate.Standing) { d.AllowConnections = true }), fact{}, full(), foreign, "", "open to connections"},
		"template":                         {database("registry-template", 99*week, noComment, half), merged, full(), keep, "", ""},
		"not ours":                         {database("registry-developers", 99*week, noComment, half), merged, full(), keep, "", ""},
	} {
		got := usual().judge(c.database, c.fact, c.sight, both)
		if got.action != c.action || got.proof != c.proof || !strings.Contains(got.reason, c.reason) {
			t.Errorf("%s: got %+v, want %d %q %q", name, got, c.action, c.proof, c.reason)
		}
		protecting := usual()
		protecting.protected[c.database.Name] = true
		if got := protecting.judge(c.database, c.fact, c.sight, both); got.action != keep {
			t.Errorf("%s, protected: got %+v", name, got)
		}
	}
}

func TestSeesPrivateSaysSo(t *testing.T) {
	t.Parallel()
	r, blind := usual(), full()
	blind.private, r.seesPrivate = nil, true
	if got := r.judge(database("registry-dev-7", 25*time.Hour), notFound, blind, both); got.proof != absent {
		t.Errorf("got %+v", got)
	}
	blind.branches["master"] = false
	if got := r.judge(database("registry-dev-7", 9999*time.Hour), notFound, blind, both); got.action != undecided {
		t.Errorf("an unreadable branch: got %+v", got)
	}
}
