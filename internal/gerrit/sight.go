package gerrit

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Self asks who Gerrit takes us for, and what time it is there. It fails when
// that is nobody, or somebody else: answers to such a session mean nothing.
func (c *Client) Self(ctx context.Context) (now time.Time, err error) {
	const doing = "ask who we are"
	var account wireAccount
	header, err := c.call(ctx, http.MethodGet, "accounts/self", nil, &account)
	if err != nil {
		return now, c.failure(err, doing)
	}
	if account.Username == "" {
		return now, notGerrit(doing)
	}
	if !c.own(account) {
		return now, change.Failf(change.KindConfiguration, "Gerrit takes us for %q, not for %q", account.Username, c.username).
			WithHint("a proxy in front of Gerrit puts another login into our requests; check GERRIT_USERNAME")
	}
	if now, err = http.ParseTime(header.Get("Date")); err != nil {
		return now, notGerrit(doing)
	}
	return now, nil
}

// ProjectLabels names the labels of a project, as its readers see them.
// ErrNotFound means that there is no such project, or that we cannot see it.
func (c *Client) ProjectLabels(ctx context.Context, project string) (labels map[string]bool, err error) {
	doing := "look at project " + project
	var answer struct {
		Name   string
		Labels map[string]struct{}
	}
	if _, err := c.call(ctx, http.MethodGet, "projects/"+url.PathEscape(project), nil, &answer); err != nil {
		return nil, c.failure(err, doing)
	}
	if answer.Name != project {
		return nil, notGerrit(doing)
	}
	labels = map[string]bool{}
	for label := range answer.Labels {
		labels[label] = true
	}
	return labels, nil
}

// ReadsBranch says whether the account can read a branch, which is what lets
// it see the branch's changes that are not private.
func (c *Client) ReadsBranch(ctx context.Context, project, branch string) (bool, error) {
	doing := "look at branch " + branch + " of " + project
	var answer struct{ Ref string }
	path := "projects/" + url.PathEscape(project) + "/branches/" + url.PathEscape(branch)
	if _, err := c.call(ctx, http.MethodGet, path, nil, &answer); err != nil {
		if err = c.failure(err, doing); errors.Is(err, ErrNotFound) {
			return false, nil
		}
		return false, err
	}
	if answer.Ref != "refs/heads/"+branch {
		return false, notGerrit(doing)
	}
	return true, nil
}

// SeesPrivate names the branches on which the account sees private changes
// that it has no part in: there the right to view private changes lets it.
// Owners, reviewers and those in CC see theirs without that right, and who
// votes becomes a reviewer.
func (c *Client) SeesPrivate(ctx context.Context, project string) (map[string]bool, error) {
	doing := "look for private changes of " + project
	found, err := c.query(ctx, doing, "is:private project:"+quoted(project)+" -owner:self -reviewer:self -cc:self")
	if err != nil {
		return nil, err
	}
	branches := map[string]bool{}
	for i := range found {
		if w := &found[i]; w.Private && w.Project == project {
			branches[w.Branch] = true
		}
	}
	return branches, nil
}
