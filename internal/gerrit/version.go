package gerrit

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Version is a change as somebody looks at it: what it is called, who made it,
// how its current patch set stands.
type Version struct {
	Project     string
	Number      int
	Branch      string // without refs/heads/
	Subject     string
	Topic       string
	Description string // the commit message without subject and footers; only of Client.Version
	Owner       string // user name, else the name
	Status      string // StatusNew, StatusMerged, StatusAbandoned
	Created     time.Time
	Updated     time.Time
	Submitted   time.Time // zero unless merged
	Rebased     time.Time // of the newest patch set whose parents changed; zero when none did; only of Client.Version
	PatchSet    int       // the current one
	Revision    string    // 40 hex digits
	Votes       map[string][]int
	Messages    []Message // oldest first; only of Client.Version
}

// Open says that the change is neither merged nor abandoned.
func (v *Version) Open() bool { return v.Status != StatusMerged && v.Status != StatusAbandoned }

var listOptions = []string{"CURRENT_REVISION", "DETAILED_LABELS", "DETAILED_ACCOUNTS"}

// OpenChanges lists the open changes of a project, the last updated first.
func (c *Client) OpenChanges(ctx context.Context, project string) ([]Version, error) {
	found, err := c.query(ctx, "list the open changes of "+project, "project:"+quoted(project)+" status:open", listOptions...)
	if err != nil {
		return nil, err
	}
	var all []Version
	for i := range found {
		all = append(all, c.version(&found[i]))
	}
	slices.SortStableFunc(all, func(a, b Version) int { return b.Updated.Compare(a.Updated) })
	return all, nil
}

// amongLast is how many of the last updated merged changes are looked at.
const amongLast = 25

// LastMerged gives the change that was merged into a branch last; nil when
// there is none. The query orders by update, and a remark on an old change is
// one: the latest submit among those updated last is taken.
func (c *Client) LastMerged(ctx context.Context, project, branch string) (*Version, error) {
	doing := fmt.Sprintf("find the last change merged into %s of %s", branch, project)
	terms := "project:" + quoted(project) + " branch:" + quoted(branch) + " status:merged"
	answer, err := c.list(doing, terms, amongLast, listOptions).page(ctx, 0)
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	last := slices.MaxFunc(answer, func(a, b wireChange) int { return a.submitted().Compare(b.submitted()) })
	v := c.version(&last)
	return &v, nil
}

const versionOptions = "?o=ALL_REVISIONS&o=ALL_COMMITS&o=DETAILED_LABELS&o=DETAILED_ACCOUNTS&o=MESSAGES"

// Version reads a change with its messages and patch sets in one request.
// ErrNotFound means a 404, whatever its reason; see there.
func (c *Client) Version(ctx context.Context, project string, number int) (*Version, error) {
	doing := fmt.Sprintf("read change %d of %s", number, project)
	var answer wireChange
	if _, err := c.call(ctx, http.MethodGet, changeID(project, number)+versionOptions, nil, &answer); err != nil {
		return nil, c.failure(err, doing)
	}
	if answer.Number != number || answer.Revisions[answer.Current].Number == 0 {
		return nil, notGerrit(doing)
	}
	v := c.version(&answer)
	v.Messages = c.messages(answer.Messages)
	v.Description = body(answer.Revisions[answer.Current].Commit.Message)
	v.Rebased = answer.rebased()
	return &v, nil
}

// Mergeable says whether the current patch set can be merged into its branch
// as it is now, by the project's way of submitting.
func (c *Client) Mergeable(ctx context.Context, project string, number int) (bool, error) {
	var answer struct {
		Mergeable bool `json:"mergeable"`
	}
	doing := fmt.Sprintf("ask whether change %d of %s can be merged", number, project)
	if _, err := c.call(ctx, http.MethodGet, changeID(project, number)+"/revisions/current/mergeable", nil, &answer); err != nil {
		return false, c.failure(err, doing)
	}
	return answer.Mergeable, nil
}

func (c *Client) version(w *wireChange) Version {
	v := Version{
		Project: w.Project, Number: w.Number, Branch: w.Branch, Subject: w.Subject, Topic: w.Topic, Status: w.Status,
		Owner: w.Owner.Username, Created: w.Created.Time, Updated: w.Updated.Time, Submitted: w.submitted(),
		PatchSet: w.Revisions[w.Current].Number, Revision: w.Current, Votes: map[string][]int{},
	}
	if v.Owner == "" {
		v.Owner = w.Owner.Name
	}
	for name, label := range w.Labels {
		for _, vote := range label.All {
			if vote.Value != 0 {
				v.Votes[name] = append(v.Votes[name], vote.Value)
			}
		}
	}
	return v
}

func (w *wireChange) submitted() time.Time {
	if w.Submitted == nil {
		return time.Time{}
	}
	return w.Submitted.Time
}

// rebased is when the newest patch set came whose parents are not those of
// the one before.
func (w *wireChange) rebased() (at time.Time) {
	var before *wireRevision
	for _, r := range slices.SortedFunc(revisionsOf(w), func(a, b wireRevision) int { return a.Number - b.Number }) {
		if before != nil && !slices.Equal(before.Commit.Parents, r.Commit.Parents) {
			at = r.Created.Time
		}
		before = &r
	}
	return at
}

func revisionsOf(w *wireChange) func(func(wireRevision) bool) {
	return func(yield func(wireRevision) bool) {
		for _, r := range w.Revisions {
			if !yield(r) {
				return
			}
		}
	}
}

// body is a commit message without its subject and its footers, the last
// paragraph when each of its lines is one.
func body(message string) string {
	_, rest, _ := strings.Cut(strings.ReplaceAll(message, "\r\n", "\n"), "\n")
	paragraphs := strings.Split(strings.TrimSpace(rest), "\n\n")
	if last := paragraphs[len(paragraphs)-1]; footers(last) {
		paragraphs = paragraphs[:len(paragraphs)-1]
	}
	return strings.TrimSpace(strings.Join(paragraphs, "\n\n"))
}

func footers(paragraph string) bool {
	for line := range strings.Lines(paragraph) {
		key, _, found := strings.Cut(line, ": ")
		if !found || strings.ContainsAny(key, " \t") {
			return false
		}
	}
	return true
}
