package gerrit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The states of a change.
const (
	StatusNew       = "NEW"
	StatusMerged    = "MERGED"
	StatusAbandoned = "ABANDONED"
)

// Change is a change as it is now; Revision and PatchSet name the current
// patch set, which labels describe.
type Change struct {
	Project    string
	Number     int
	Branch     string // without refs/heads/
	Subject    string
	Status     string // StatusNew, StatusMerged, StatusAbandoned
	PatchSet   int
	Revision   string // 40 hex digits
	Parents    []Parent
	Labels     map[string]Label
	Permitted  map[string][]int // what the own account may vote now; a label is missing when it may not
	Own        map[string]int   // the own votes on the current patch set; a label is missing when there is none or 0
	Messages   []Message        // oldest first
	ServerTime time.Time        // Gerrit's clock when it answered; seconds
}

// Parent is a parent of the current patch set.
type Parent struct {
	Commit   string // 40 hex digits
	Merged   bool   // is in the target branch
	Change   int    // the change that it is a patch set of; 0 when it is none
	PatchSet int
}

// Label is a label that applies to the change.
type Label struct{ Values []int }

// Message is one message of a change: a review, a push, what Gerrit notes.
type Message struct {
	ID       string
	Own      bool   // written by the own account
	Author   string // its user name; "" when it has none
	Tag      string
	PatchSet int
	Date     time.Time
	Text     string // starts with Gerrit's own "Patch Set 1: Verified+1"
}

// Open says that the change is neither merged nor abandoned.
func (c *Change) Open() bool { return c.Status != StatusMerged && c.Status != StatusAbandoned }

var options = "?o=" + strings.Join([]string{
	"CURRENT_REVISION", "CURRENT_COMMIT", "PARENTS", "DETAILED_LABELS", "DETAILED_ACCOUNTS", "MESSAGES",
}, "&o=")

// Change reads a change in one request. ErrNotFound means a 404, whatever its
// reason; see there.
func (c *Client) Change(ctx context.Context, project string, number int) (*Change, error) {
	doing := fmt.Sprintf("read change %d of %s", number, project)
	var answer wireChange
	header, err := c.call(ctx, http.MethodGet, changeID(project, number)+options, nil, &answer)
	if err != nil {
		return nil, c.failure(err, doing)
	}
	if answer.Number != number || answer.Revisions[answer.Current].Number == 0 {
		return nil, notGerrit(doing)
	}
	read := c.read(&answer)
	if read.ServerTime, err = http.ParseTime(header.Get("Date")); err != nil {
		return nil, errors.Join(notGerrit(doing), err)
	}
	return read, nil
}

func (c *Client) read(w *wireChange) *Change {
	revision := w.Revisions[w.Current]
	read := &Change{
		Project: w.Project, Number: w.Number, Branch: w.Branch, Subject: w.Subject, Status: w.Status,
		PatchSet: revision.Number, Revision: w.Current, Parents: parents(&revision),
		Labels: map[string]Label{}, Permitted: map[string][]int{}, Own: map[string]int{},
	}
	for name, label := range w.Labels {
		read.Labels[name] = Label{Values: values(slices.Collect(maps.Keys(label.Values)))}
		for _, vote := range label.All {
			if c.own(vote.wireAccount) && vote.Value != 0 {
				read.Own[name] = vote.Value
			}
		}
	}
	for name, texts := range w.Permitted {
		read.Permitted[name] = values(texts)
	}
	read.Messages = c.messages(w.Messages)
	return read
}

func (c *Client) messages(wire []wireMessage) (all []Message) {
	for _, m := range wire {
		all = append(all, Message{m.ID, c.own(m.Author), m.Author.Username, m.Tag, m.PatchSet, m.Date.Time, m.Message})
	}
	return all
}

// own compares user names, which saves asking for the own account's number.
// Sites may let people log in with any case.
func (c *Client) own(a wireAccount) bool {
	return c.username != "" && strings.EqualFold(a.Username, c.username)
}

// parents prefers parents_data, which says what the parents are. It is there
// from Gerrit 3.9 on; the plain list has the same order.
func parents(r *wireRevision) []Parent {
	var all []Parent
	for i, parent := range r.Commit.Parents {
		all = append(all, Parent{Commit: parent.Commit})
		if i < len(r.Parents) && r.Parents[i].Commit == parent.Commit {
			data := r.Parents[i]
			all[i] = Parent(data)
		}
	}
	return all
}
