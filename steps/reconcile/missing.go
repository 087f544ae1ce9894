package main

import (
	"cmp"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// missing are the open changes without a database, and those whose database
// is not of their current patch set.
func missing(open []gerrit.Listed, kept []candidate.Standing) (missing, outdated []change.Missing) {
	for _, c := range open {
		m := change.Missing{
			Change: c.Number, PatchSet: c.PatchSet, Revision: c.Revision, Branch: c.Branch, Subject: c.Subject, Rejected: c.Rejected,
			UnderWay: slices.ContainsFunc(kept, func(d candidate.Standing) bool { return underWay(d, c) }),
		}
		at := slices.IndexFunc(kept, func(d candidate.Standing) bool {
			return d.Parsed == pg.Name{Kind: pg.Candidate, Change: c.Number}
		})
		switch {
		case at < 0:
			missing = append(missing, m)
		case kept[at].Provenance == nil:
			outdated = append(outdated, m)
		case kept[at].Provenance.Revision != c.Revision:
			m.Has = kept[at].Provenance.PatchSet.PatchSet
			outdated = append(outdated, m)
		}
	}
	for _, some := range [][]change.Missing{missing, outdated} {
		slices.SortFunc(some, func(a, b change.Missing) int { return cmp.Compare(a.Change, b.Change) })
	}
	return missing, outdated
}

func underWay(d candidate.Standing, c gerrit.Listed) bool {
	return d.Parsed.Kind == pg.Attempt && d.Parsed.Change == c.Number && d.Parsed.PatchSet == c.PatchSet
}

// rebuild are the patch sets that the pipeline has something to do for: not
// those that it is at, nor those that were found not to deploy.
func rebuild(missing, outdated []change.Missing) []change.Missing {
	return slices.DeleteFunc(slices.Concat(missing, outdated), func(m change.Missing) bool { return m.Rejected || m.UnderWay })
}
