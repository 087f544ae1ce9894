package changelog

import (
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/tree"
)

const keepHistory = "a changeset that ran before stays as it is, where it is: add a new one that changes what it made"

// guardBefore compares the trees before the engine runs. Where a file is
// missing, the engine goes first: it names the true error.
func (s *scanned) guardBefore(ran *tracking) error {
	if s.previous == nil || len(s.index.Missing) > 0 {
		return nil
	}
	return guardHistory(s.previous, s.index, ran)
}

// guardAfter makes up for what guardBefore left out.
func (s *scanned) guardAfter(ran *tracking) error {
	if s.previous == nil || len(s.index.Missing) == 0 {
		return nil
	}
	return guardHistory(s.previous, s.index, ran)
}

// guardHistory refuses a tree in which changesets of the previous tree that
// ran are gone or stand in another order: Liquibase says nothing about that.
func guardHistory(previous, now *tree.Index, ran *tracking) error {
	at := map[string]int{}
	for i, c := range now.Changesets {
		if _, twice := at[c.Key()]; !twice {
			at[c.Key()] = i
		}
	}
	applied, highest, before := ran.identities(), -1, tree.Changeset{}
	for _, c := range previous.Changesets {
		if !applied[identity{c.ID, c.Author}] {
			continue // a context or precondition kept it from running
		}
		position, there := at[c.Key()]
		switch {
		case !there:
			return gone(c, now)
		case position < highest && !c.Reruns:
			return moved(now.Changesets[position], before)
		case position > highest:
			highest, before = position, c
		}
	}
	return nil
}

// identity leaves the path out, which the tracking table may spell otherwise.
type identity struct{ id, author string }

func (t *tracking) identities() map[identity]bool {
	known := map[identity]bool{}
	for _, r := range t.rows {
		known[identity{r.ID, r.Author}] = true
	}
	return known
}

func gone(c tree.Changeset, now *tree.Index) error {
	f := change.Failf(change.KindCandidate, "the changeset ran before and is gone").WithHint(keepHistory)
	f.Changeset, f.Author = c.ID, c.Author
	if now.Has(c.File) {
		f.File = c.File
	}
	for _, other := range now.Changesets {
		if other.ID == c.ID && other.Author == c.Author {
			f.Message = change.OneLine("the changeset ran before as part of " + c.Path + " and would run again as part of " + other.Path)
			f.File, f.Line = other.File, other.Line
			return f.WithHint("keep the file's name, or set logicalFilePath=%q", c.Path)
		}
	}
	return f
}

func moved(c, before tree.Changeset) error {
	f := change.Failf(change.KindCandidate, "the changeset ran after %s and now stands before it", before.Key()).WithHint(keepHistory)
	f.File, f.Line, f.Changeset, f.Author = c.File, c.Line, c.ID, c.Author
	return f
}
