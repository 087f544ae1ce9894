package main

import (
	"cmp"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// unneeded are the base databases that no open change's base needs, but for
// the newest. A base database is a cache: one that goes too early costs its
// next user a run of the engine, nothing else.
func (r rules) unneeded(s state, kept []candidate.Standing) []candidate.Standing {
	var bases []candidate.Standing
	for _, d := range kept {
		if _, ends := r.ours(d); !ends && d.Parsed.Kind == pg.Base {
			bases = append(bases, d)
		}
	}
	// The server counts OIDs up: the newest has the greatest.
	slices.SortFunc(bases, func(a, b candidate.Standing) int { return cmp.Compare(b.OID, a.OID) })
	bases = bases[min(r.keepBase, len(bases)):]
	digests, commits := digestsOf(kept), basesOf(s)
	return slices.DeleteFunc(bases, func(d candidate.Standing) bool {
		p := d.Provenance
		return digests[d.Parsed.Digest] || p != nil && commits[p.Base]
	})
}

// orphans are the spares of ours whose base database, whoever's, does not stay.
func (r rules) orphans(s state, drops []item) []candidate.Standing {
	bases := map[string]bool{}
	for _, d := range s.databases {
		goes := slices.ContainsFunc(drops, func(i item) bool { return i.Name == d.Name })
		if d.Parsed.Kind == pg.Base && !goes {
			bases[d.Parsed.Digest] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(s.databases), func(d candidate.Standing) bool {
		_, ends := r.ours(d)
		return ends || d.Invalid || d.Parsed.Kind != pg.Spare || bases[d.Parsed.Digest]
	})
}

// digestsOf are the bases that the databases which stay were made from.
func digestsOf(kept []candidate.Standing) map[string]bool {
	digests := map[string]bool{}
	for _, d := range kept {
		if d.Provenance != nil && (d.Parsed.Kind == pg.Candidate || d.Parsed.Kind == pg.Attempt) {
			digests[d.Provenance.BaseDigest] = true
		}
	}
	return digests
}

// basesOf are the commits that open changes are based on. A stacked change's
// lies below the whole stack. What an outdated stack is based on cannot be told
// from the changes alone.
func basesOf(s state) map[string]bool {
	parents := map[string][]string{}
	for _, c := range s.open {
		parents[c.Revision] = c.Parents
	}
	bases := map[string]bool{}
	for _, c := range s.open {
		for _, parent := range c.Parents {
			if _, stacked := parents[parent]; !stacked {
				bases[parent] = true
			}
		}
	}
	return bases
}
