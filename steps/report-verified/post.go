package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/message"
)

const (
	tries    = 3
	longWait = 20 * time.Second // whatever Retry-After asks for
)

// report reads the change, decides and posts. Whether a post whose answer was
// lost was stored is found out by reading and deciding again: what was stored
// is not posted a second time. Usually that is one read and one post.
func (r *report) report(ctx context.Context) (ending, error) {
	for try := 1; ; try++ {
		now, err := r.client.Change(ctx, r.patchSet.Project, r.patchSet.Change)
		if errors.Is(err, gerrit.ErrNotFound) {
			return ending{change.Skipped, "the change is deleted, or not visible to this account"}, nil
		}
		if err != nil {
			return ending{}, err
		}
		want := r.intent(now)
		p, err := decide(now, want)
		if err != nil {
			return ending{}, err
		}
		if p.nothing() || r.cfg.DryRun {
			return r.settle(ctx, now, p, try)
		}
		end, err := r.post(ctx, want, p)
		if err == nil || !unsure(err) || try == tries {
			return end, err
		}
		if err := wait(ctx, try, err); err != nil {
			return ending{}, err
		}
	}
}

// intent completes the marker: a run without get-changes is as old as now.
func (r *report) intent(now *gerrit.Change) intent {
	want := intent{
		patchSet: r.patchSet, label: r.cfg.Label, tag: message.Tag(r.cfg.Pipeline), username: r.cfg.Gerrit.Username,
	}
	if !r.cfg.Pending {
		if r.marker.Attempt == "" {
			r.marker.Attempt = fmt.Sprintf("%08x", now.ServerTime.Unix())
			r.result.Attempt = r.marker.Attempt
		}
		want.headline = r.headline()
		r.result.Message = r.message()
	}
	want.marker = r.marker
	return want
}

// settle ends without a post, at the first try or because the last one was
// stored though its answer was lost.
func (r *report) settle(ctx context.Context, now *gerrit.Change, p plan, try int) (ending, error) {
	switch {
	case r.cfg.DryRun && !p.nothing():
		return ending{change.Skipped, "dry run: nothing is posted"}, nil
	case p.outcome == change.Superseded && try > 1 && now.PatchSet > r.patchSet.PatchSet:
		return r.takeBack(ctx, now.PatchSet)
	case p.fault != nil:
		return ending{}, p.fault
	case p.outcome == change.Unchanged && try > 1:
		r.result.Vote = r.verdict.Vote
		return ending{change.Voted, "the vote was stored though its answer was lost"}, nil
	}
	return p.ending, nil
}

// unsure says that the state of the change must be looked at again: the post
// may have been stored, or the change does not take it any more.
func unsure(err error) bool {
	return errors.Is(err, gerrit.ErrConflict) || errors.Is(err, gerrit.ErrNotFound) ||
		change.AsFailure(err).Kind == change.KindInfrastructure
}

func wait(ctx context.Context, try int, err error) error {
	pause := min(max(gerrit.RetryAfter(err), time.Duration(try)*time.Second), longWait)
	if errors.Is(err, gerrit.ErrConflict) || errors.Is(err, gerrit.ErrNotFound) {
		pause = 0
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for Gerrit: %w", ctx.Err())
	case <-time.After(pause):
		return nil
	}
}

// post posts message, vote and comment at once and reads back what was taken.
func (r *report) post(ctx context.Context, want intent, p plan) (ending, error) {
	review := r.review(want, p)
	reviewed, err := r.client.Review(ctx, r.patchSet.Project, r.patchSet.Change, r.patchSet.Revision, review)
	if errors.Is(err, gerrit.ErrComment) { // the file is not one that this patch set touches
		review.Comments, r.result.Comment = nil, ""
		reviewed, err = r.client.Review(ctx, r.patchSet.Project, r.patchSet.Change, r.patchSet.Revision, review)
	}
	if err != nil {
		return ending{}, err
	}
	if reviewed.PatchSet > r.patchSet.PatchSet {
		return r.takeBack(ctx, reviewed.PatchSet)
	}
	if p.fault != nil {
		return ending{}, p.fault
	}
	if vote, taken := reviewed.Labels[want.label]; p.vote && (!taken || vote != want.marker.Vote) {
		return ending{}, change.Failf(change.KindConfiguration, "Gerrit dropped the vote %q %s without an error", want.label, message.Verdicts[want.marker.Vote]).
			WithHint("see that the label, the value and the right to vote exist: docs/gerrit-setup.md")
	}
	r.result.Vote = r.verdict.Vote
	return p.ending, nil
}

func (r *report) review(want intent, p plan) gerrit.Review {
	review := gerrit.Review{Label: want.label, Tag: want.tag, Notify: "NONE"}
	if p.vote {
		review.Vote = &want.marker.Vote
	}
	switch {
	case p.say:
		review.Message, review.Comments = r.result.Message, r.comments()
		if want.marker.Vote <= 0 {
			review.Notify = "OWNER"
		}
	case want.headline != "": // Gerrit notes the vote in any case: so that an older attempt sees whose it is
		review.Message = want.marker.String()
	}
	return review
}

// takeBack removes the vote from a patch set that was overtaken while it was
// voted on. Gerrit accepts such a vote, and its copy condition may let it
// count for the newer one. A 0 may be posted any number of times.
func (r *report) takeBack(ctx context.Context, current int) (ending, error) {
	zero := 0
	review := gerrit.Review{Label: r.cfg.Label, Vote: &zero, Tag: message.Tag(r.cfg.Pipeline), Notify: "NONE"}
	for try := 1; ; try++ {
		_, err := r.client.Review(ctx, r.patchSet.Project, r.patchSet.Change, r.patchSet.Revision, review)
		if err == nil || errors.Is(err, gerrit.ErrConflict) || errors.Is(err, gerrit.ErrNotFound) {
			return ending{change.Superseded, fmt.Sprintf("patch set %d came while this one was voted on; the vote was taken back", current)}, nil
		}
		if !unsure(err) || try == tries {
			return ending{}, err
		}
		if err := wait(ctx, try, err); err != nil {
			return ending{}, err
		}
	}
}
