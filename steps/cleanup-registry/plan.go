package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// group is what one lock protects: the databases and logins of a change or a
// base; of the template, what a killed prepare-template has left.
type group struct {
	lock      string
	databases []candidate.Standing
	logins    []string
}

// plan is what a teardown finds to do. Its template is dropped last.
type plan struct {
	groups   []group
	template *candidate.Standing // nil: there is none to drop
	kept     *change.Left        // the template, when it stays
}

// planFor sorts what stands on the server by locks: changes by number, then
// bases, then the template's own. It never looks at a database of another
// kind, since Standing holds only names of the grammar.
func planFor(names pg.Names, all []candidate.Standing, logins map[string]string, anyTemplate bool) plan {
	var p plan
	groups := map[string]*group{}
	of := func(database string) *group {
		lock := names.LockOf(names.Parse(database))
		if groups[lock] == nil {
			groups[lock] = &group{lock: lock}
		}
		return groups[lock]
	}
	for _, s := range all {
		if s.Parsed.Kind == pg.Template {
			p.takeTemplate(s, anyTemplate)
			continue
		}
		g := of(s.Name)
		g.databases = append(g.databases, s)
	}
	for role, database := range logins {
		g := of(database)
		g.logins = append(g.logins, role)
	}
	for _, g := range groups {
		slices.Sort(g.logins)
		p.groups = append(p.groups, *g)
	}
	slices.SortFunc(p.groups, func(a, b group) int { return inOrder(names.Parse(a.lock), names.Parse(b.lock)) })
	return p
}

func inOrder(a, b pg.Name) int {
	rank := []pg.Kind{pg.Candidate, pg.Base, pg.Template}
	return cmp.Or(
		cmp.Compare(slices.Index(rank, a.Kind), slices.Index(rank, b.Kind)),
		cmp.Compare(a.Change, b.Change), cmp.Compare(a.Digest, b.Digest))
}

// takeTemplate keeps what merely has the template's name: a wrong setting of
// it could name anything.
func (p *plan) takeTemplate(s candidate.Standing, any bool) {
	if any || s.Invalid || s.Provenance != nil && s.Provenance.State == candidate.StateTemplate {
		p.template = &s
		return
	}
	p.kept = &change.Left{
		Name: s.Name, Why: "prepare-template did not make this database",
		Hint: "is PATCHBAY_TEMPLATE right? If this is the template, say --any-template",
	}
}

// drops lists all that goes, in order.
func (p plan) drops() []string {
	all := []string{}
	for _, g := range p.groups {
		for _, d := range g.databases {
			all = append(all, d.Name)
		}
		all = append(all, g.logins...)
	}
	if p.template != nil {
		all = append(all, p.template.Name)
	}
	return all
}

// lines show the plan to a person.
func (p plan) lines() (lines []string) {
	for _, g := range p.groups {
		for _, d := range g.databases {
			lines = append(lines, describe(d))
		}
		for _, role := range g.logins {
			lines = append(lines, role+": throw-away login")
		}
	}
	if p.template != nil {
		lines = append(lines, describe(*p.template))
	}
	if p.kept != nil {
		lines = append(lines, p.kept.Name+": stays, "+p.kept.Why)
	}
	return lines
}

func describe(s candidate.Standing) string {
	text := s.Name + ": " + s.Parsed.Kind.String()
	if p := s.Provenance; p != nil && p.Project != "" {
		text += fmt.Sprintf(" of %q", p.Project)
	}
	switch {
	case s.Invalid:
		text += ", half dropped"
	case s.Sessions == 1:
		text += ", 1 session"
	case s.Sessions > 1:
		text += fmt.Sprintf(", %d sessions", s.Sessions)
	}
	return text
}
