package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// observer looks at both servers.
type observer struct {
	server *pg.Server
	client *gerrit.Client
	rules  rules
	label  string
	warn   func(message string)
}

// observe looks at the databases first, then at Gerrit: a database that is
// made in between is not in the list, one of a change that is closed in
// between is found out as such. Any answer that is missing ends it.
func (o *observer) observe(ctx context.Context) (s state, err error) {
	if s.databases, s.logins, err = o.list(ctx); err != nil {
		return s, err
	}
	s.sizes = o.sizes(ctx, s.databases)
	if s.server, err = o.server.Now(ctx); err != nil {
		return s, err
	}
	if s.facts, err = o.lookUp(ctx, s.databases); err != nil {
		return s, err
	}
	if o.rules.change == 0 {
		if s.open, err = o.client.Open(ctx, o.rules.project, o.label); err != nil {
			return s, err
		}
	}
	s.gerrit, s.sight, err = o.look(ctx, s)
	return s, err
}

// list asks for the logins first: one that is made in between has its database.
func (o *observer) list(ctx context.Context) ([]candidate.Standing, map[string]string, error) {
	logins, err := o.server.Logins(ctx, o.rules.names)
	if err != nil {
		return nil, nil, err
	}
	databases, err := candidate.List(ctx, o.server, o.rules.names)
	return databases, logins, err
}

// sizes are for people: without them all goes on.
func (o *observer) sizes(ctx context.Context, databases []candidate.Standing) map[string]int64 {
	var names []string
	for _, d := range databases {
		names = append(names, d.Name)
	}
	sizes, err := o.server.Sizes(ctx, names)
	if err != nil {
		o.warn("what the databases take on disk is not known: " + change.AsFailure(err).Message)
	}
	return sizes
}

// lookUp asks for the changes that databases are named after. One that Gerrit
// does not list counts as a 404 for the plan; it is asked for by its name
// before anything is dropped.
func (o *observer) lookUp(ctx context.Context, databases []candidate.Standing) (map[int]fact, error) {
	facts := map[int]fact{}
	for _, d := range databases {
		if n := d.Parsed; (n.Kind == pg.Candidate || n.Kind == pg.Attempt) && n.Change > 0 {
			facts[n.Change] = notFound
		}
	}
	found, err := o.client.Numbered(ctx, slices.Sorted(maps.Keys(facts)))
	if err != nil {
		return nil, err
	}
	for number, listed := range found {
		facts[number] = factOf(listed)
	}
	return facts, nil
}

// look finds out what the account sees: who it is, the project, its label,
// the branches of databases whose change is gone.
func (o *observer) look(ctx context.Context, s state) (now time.Time, see sight, err error) {
	if now, err = o.client.Self(ctx); err != nil {
		return now, see, err
	}
	labels, err := o.client.ProjectLabels(ctx, o.rules.project)
	if errors.Is(err, gerrit.ErrNotFound) {
		err = change.Failf(change.KindConfiguration, "the account does not see project %q: %w", o.rules.project, err).
			WithHint("check GERRIT_PROJECT and the account's right to read it; nothing was dropped")
	}
	if err != nil {
		return now, see, err
	}
	see.label, see.branches = labels[o.label], map[string]bool{}
	for branch := range o.goneBranches(s) {
		if see.branches[branch], err = o.client.ReadsBranch(ctx, o.rules.project, branch); err != nil {
			return now, see, err
		}
	}
	if len(see.branches) > 0 {
		see.private, err = o.client.SeesPrivate(ctx, o.rules.project)
	}
	return now, see, err
}

// goneBranches are those of candidates whose change is gone.
func (o *observer) goneBranches(s state) map[string]bool {
	branches := map[string]bool{}
	for _, d := range s.databases {
		p, f := d.Provenance, s.facts[d.Parsed.Change]
		if d.Parsed.Kind == pg.Candidate && f.asked && !f.found && p != nil && p.Branch != "" && o.rules.covers(d.Parsed) && !o.rules.foreign(d.Parsed, p) {
			branches[p.Branch] = true
		}
	}
	return branches
}

// canary is a change of the project that the account sees, other than one: 0
// when there is none.
func (r rules) canary(s state, other int) int {
	for _, c := range s.open {
		if c.Number != other {
			return c.Number
		}
	}
	for _, number := range slices.Sorted(maps.Keys(s.facts)) {
		if f := s.facts[number]; f.found && f.project == r.project && number != other {
			return number
		}
	}
	return 0
}

// look again at one database right before its drop, under the lock that
// protects it: nil when it is not the one any more.
func (o *observer) again(ctx context.Context, i item) (*candidate.Standing, error) {
	d, err := o.server.Database(ctx, i.Name)
	if err != nil || d == nil || d.OID != i.oid {
		return nil, err
	}
	d.Parsed = o.rules.names.Parse(d.Name)
	return &candidate.Standing{Database: *d, Provenance: candidate.ParseProvenance(d.Comment)}, nil
}

// ask looks at a change and, when it is gone, at what the account sees. A
// change that the account saw must still be there then: what it lost may have
// been more than this one.
func (o *observer) ask(ctx context.Context, d *candidate.Standing, s state) (f fact, see sight, now clocks, err error) {
	now = s.clocks
	number := d.Parsed.Change
	listed, err := o.client.Status(ctx, o.rules.project, number)
	if err == nil {
		return factOf(*listed), see, now, nil
	}
	if !errors.Is(err, gerrit.ErrNotFound) {
		return f, see, now, err
	}
	only := state{databases: []candidate.Standing{*d}, facts: map[int]fact{number: notFound}}
	if now.gerrit, see, err = o.look(ctx, only); err != nil {
		return f, see, now, err
	}
	if canary := o.rules.canary(s, number); canary != 0 {
		_, err := o.client.Status(ctx, o.rules.project, canary)
		if see.lost = errors.Is(err, gerrit.ErrNotFound); err != nil && !see.lost {
			return f, see, now, err
		}
	}
	return notFound, see, now, nil
}
