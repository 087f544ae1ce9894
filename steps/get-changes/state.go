package main

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
)

// judge says whether the patch set is still worth a run: "" when it is.
func judge(p change.PatchSet, c *gerrit.Change) (change.Outcome, error) {
	switch {
	case !c.Open():
		return change.Closed, nil
	case c.PatchSet > p.PatchSet:
		return change.Superseded, nil
	case c.PatchSet < p.PatchSet:
		return "", change.Failf(change.KindInfrastructure, "%s: Gerrit does not know it yet, its current patch set is %d", p, c.PatchSet).
			WithHint("does a replica of Gerrit lag behind?")
	case c.Revision != p.Revision:
		return "", change.Failf(change.KindConfiguration, "%s is commit %s, not %s", p, c.Revision, p.Revision).
			WithHint("GERRIT_PATCHSET_NUMBER and GERRIT_PATCHSET_REVISION belong to the same patch set")
	}
	return "", nil
}

// secondAsk is when Gerrit is asked again for what an event has announced and
// its answer does not show: servers behind one address may differ for a moment.
const secondAsk = 2 * time.Second

// ask reads the change, at most twice.
func (g *getter) ask(ctx context.Context) (*gerrit.Change, error) {
	current, err := g.client.Change(ctx, g.patchSet.Project, g.patchSet.Change)
	behind := err == nil && current.PatchSet < g.patchSet.PatchSet
	if !behind && !errors.Is(err, gerrit.ErrNotFound) {
		return current, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(secondAsk):
	}
	return g.client.Change(ctx, g.patchSet.Project, g.patchSet.Change)
}
