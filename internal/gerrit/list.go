package gerrit

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Listed is a change as a query lists it: enough to decide about its database.
type Listed struct {
	Project  string
	Number   int
	Branch   string // without refs/heads/
	Status   string // StatusNew, StatusMerged, StatusAbandoned
	Subject  string
	PatchSet int
	Revision string   // of the current patch set; of Open only
	Parents  []string // commits; of Open only
	Rejected bool     // the label asked for stands at its lowest value; of Open only
}

// Open lists the open changes of a project that the account can see, with
// what the label says of them, in no order.
func (c *Client) Open(ctx context.Context, project, label string) ([]Listed, error) {
	doing := "list the open changes of " + project
	found, err := c.query(ctx, doing, "status:open project:"+quoted(project), "CURRENT_REVISION", "CURRENT_COMMIT", "LABELS")
	if err != nil {
		return nil, err
	}
	var open []Listed
	for i := range found {
		w := &found[i]
		if w.Project != project || w.Status != StatusNew || w.Current == "" {
			return nil, notGerrit(doing)
		}
		open = append(open, w.listed(label))
	}
	return open, nil
}

// batch is how many changes one query names: the longest numbers keep the
// request below 8 kB, and an index takes 1024 terms.
const batch = 300

// Numbered looks changes up by their numbers, whatever their project. One
// that is missing from the answer is deleted, hidden, or not in the index:
// only Status can tell.
func (c *Client) Numbered(ctx context.Context, numbers []int) (map[int]Listed, error) {
	found := map[int]Listed{}
	numbers = slices.DeleteFunc(slices.Clone(numbers), func(n int) bool { return n < 1 || n > math.MaxInt32 }) // a query that names one is refused
	for some := range slices.Chunk(numbers, batch) {
		terms := make([]string, len(some))
		for i, number := range some {
			terms[i] = "change:" + strconv.Itoa(number)
		}
		changes, err := c.query(ctx, fmt.Sprintf("look up %d changes", len(some)), strings.Join(terms, " OR "))
		if err != nil {
			return nil, err
		}
		for i := range changes {
			found[changes[i].Number] = changes[i].listed("")
		}
	}
	return found, nil
}

// Status reads what a change is now from Gerrit's storage, not from its
// index. ErrNotFound means a 404, whatever its reason; see there.
func (c *Client) Status(ctx context.Context, project string, number int) (*Listed, error) {
	doing := fmt.Sprintf("look at change %d of %s", number, project)
	var answer wireChange
	if _, err := c.call(ctx, http.MethodGet, changeID(project, number), nil, &answer); err != nil {
		return nil, c.failure(err, doing)
	}
	if answer.Number != number || answer.Project != project || answer.Status == "" {
		return nil, notGerrit(doing)
	}
	found := answer.listed("")
	return &found, nil
}

func (w *wireChange) listed(label string) Listed {
	l := Listed{
		Project: w.Project, Number: w.Number, Branch: w.Branch, Status: w.Status, Subject: w.Subject,
		PatchSet: w.CurrentNo, Revision: w.Current, Rejected: w.Labels[label].Rejected != nil,
	}
	if revision, ok := w.Revisions[w.Current]; ok {
		l.PatchSet = revision.Number
		for _, parent := range revision.Commit.Parents {
			l.Parents = append(l.Parents, parent.Commit)
		}
	}
	return l
}

// quoted makes one term of a text: {} and "" are the two ways to quote, and
// neither has an escape.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, ``) + `"` }

const (
	pageSize = 500 // the default limit of an account; a lower one shortens the pages
	overlap  = 10  // changes that a page repeats from the one before
	restarts = 20  // how often a list may slip away while it is read
)

// query reads all pages of a query. Gerrit sorts by the last update, so
// changes move between the pages while they are read: pages overlap, and what
// moved to the front meanwhile is read at the end.
func (c *Client) query(ctx context.Context, doing, query string, options ...string) ([]wireChange, error) {
	l := c.list(doing, query, pageSize, options)
	if err := l.read(ctx, time.Time{}); err != nil {
		return nil, err
	}
	if l.pages > 1 {
		if err := l.read(ctx, l.began); err != nil {
			return nil, err
		}
	}
	return l.found, nil
}

func (c *Client) list(doing, query string, size int, options []string) *list {
	return &list{client: c, doing: doing, values: url.Values{"q": {query}, "n": {strconv.Itoa(size)}, "o": options}, numbers: map[int]bool{}}
}

// list is a query being read.
type list struct {
	client  *Client
	doing   string
	values  url.Values
	pages   int
	began   time.Time // by Gerrit's clock
	found   []wireChange
	numbers map[int]bool // of found
}

// read reads from the front to the end, or to what was not touched since a
// time.
func (l *list) read(ctx context.Context, since time.Time) error {
	for start, slipped := 0, 0; ; {
		page, err := l.page(ctx, start)
		if err != nil {
			return err
		}
		if start > 0 && (len(page) == 0 || !l.numbers[page[0].Number]) { // more went from the list than pages overlap
			if slipped++; slipped > restarts {
				return change.Failf(change.KindInfrastructure, "%s: the list changes faster than it can be read", l.doing)
			}
			start = max(0, start-5*overlap)
			continue
		}
		if len(page) == 0 {
			return nil
		}
		l.add(page)
		last := page[len(page)-1]
		if !last.More || last.Updated.Before(since) {
			return nil
		}
		start += max(1, len(page)-overlap)
	}
}

func (l *list) page(ctx context.Context, start int) ([]wireChange, error) {
	l.values.Set("S", strconv.Itoa(start))
	var page []wireChange
	header, err := l.client.call(ctx, http.MethodGet, "changes/?"+l.values.Encode(), nil, &page)
	if err != nil {
		return nil, l.client.failure(err, l.doing)
	}
	for i := range page {
		if page[i].Number < 1 || page[i].Status == "" || page[i].Project == "" {
			return nil, notGerrit(l.doing)
		}
	}
	if l.pages++; l.pages == 1 {
		if l.began, err = http.ParseTime(header.Get("Date")); err != nil {
			return nil, notGerrit(l.doing)
		}
	}
	return page, nil
}

func (l *list) add(page []wireChange) {
	for _, w := range page {
		if !l.numbers[w.Number] {
			l.numbers[w.Number] = true
			l.found = append(l.found, w)
		}
	}
}
