package versions

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/message"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// result reads the label on the current patch set: any vote against wins.
func (v *Versions) result(c *gerrit.Version) string {
	result := v.Pending
	for _, vote := range c.Votes[v.Label] {
		switch {
		case vote < 0:
			return api.Failed
		case vote > 0:
			result = api.Success
		}
	}
	return result
}

// reason is what our newest message on the current patch set says, when it is
// about the state that stands there now: a vote that was taken back for a new
// run says nothing any more.
func (v *Versions) reason(c *gerrit.Version) api.Optional[api.Reason] {
	said, found := message.Last(c.Messages, v.trusted, message.Tag(v.Pipeline), c.Revision)
	expected := map[string]int{api.Failed: -1, v.Pending: 0, api.Success: 1}[v.result(c)]
	if !found || said.Vote != expected || said.Vote > 0 {
		return api.Optional[api.Reason]{}
	}
	return api.Some(api.Reason{Message: said.Reason(), File: said.File, Line: said.Line})
}

// trusted: anybody can write a message that looks like ours.
func (v *Versions) trusted(m gerrit.Message) bool {
	return v.Voter != "" && m.Author == v.Voter
}

// Standing is a candidate as it stands. Change is nil when Gerrit could not be
// asked, and Down says why; Known says whether the database is known to be
// there or not, and Origin is absent when it is not.
type Standing struct {
	Number   int
	Change   *gerrit.Version
	Down     error
	Conflict *bool
	Known    bool
	Database *pg.Database
	Origin   Origin
}

// Stale says that the database is of another patch set than the current one.
func (s *Standing) Stale() bool {
	return s.Change != nil && s.Database != nil && s.Origin.Revision != "" && s.Origin.Revision != s.Change.Revision
}

// Standing reads how a candidate stands, Gerrit and the database server at the
// same time. A change that Gerrit does not know is a fault; one that it cannot
// be asked about stands as its database says.
func (v *Versions) Standing(ctx context.Context, number int) (*Standing, error) {
	s := &Standing{Number: number}
	var both sync.WaitGroup
	both.Go(func() { s.Down = v.ask(ctx, func(ctx context.Context) error { return v.readChange(ctx, s) }) })
	both.Go(func() { v.lookUp(ctx, s) })
	both.Wait()
	if errors.Is(s.Down, gerrit.ErrNotFound) {
		return nil, unknownChange(number)
	}
	return s, nil
}

func (v *Versions) readChange(ctx context.Context, s *Standing) (err error) {
	if s.Change, err = v.Gerrit.Version(ctx, v.Project, s.Number); err != nil || !s.Change.Open() {
		return err
	}
	if mergeable, err := v.Gerrit.Mergeable(ctx, v.Project, s.Number); err == nil {
		conflict := !mergeable
		s.Conflict = &conflict
	}
	return nil
}

// lookUp takes a server that does not answer for "not known".
func (v *Versions) lookUp(ctx context.Context, s *Standing) {
	found, err := v.Candidates.Candidate(ctx, v.Names, s.Number)
	if s.Known = err == nil; !s.Known {
		return
	}
	s.Origin = Origin{Absent: true}
	if found == nil {
		return
	}
	if origin, ours := v.origin(found.Comment); ours {
		s.Database, s.Origin = found, origin
	}
}

// origin reads a database's comment. One that names another Gerrit or project
// is not ours; one that says nothing is taken for ours.
func (v *Versions) origin(comment string) (o Origin, ours bool) {
	p := candidate.ParseProvenance(comment)
	if p == nil {
		return Origin{}, true
	}
	return Origin{PatchSet: p.PatchSet.PatchSet, Revision: p.Revision, Attempt: p.Attempt}, !p.Foreign(v.GerritURL, v.Project)
}

// List reads the open changes and which of them have a database.
func (v *Versions) List(ctx context.Context) ([]Standing, error) {
	var changes []gerrit.Version
	var databases []pg.Database
	var down, unknown error
	var both sync.WaitGroup
	both.Go(func() {
		down = v.ask(ctx, func(ctx context.Context) (err error) {
			changes, err = v.Gerrit.OpenChanges(ctx, v.Project)
			return err
		})
	})
	both.Go(func() { databases, unknown = v.Candidates.Candidates(ctx, v.Names) })
	both.Wait()
	if down != nil {
		return nil, down
	}
	byNumber := map[int]*pg.Database{}
	for i := range databases {
		byNumber[databases[i].Parsed.Change] = &databases[i]
	}
	list := make([]Standing, len(changes))
	for i := range changes {
		list[i] = Standing{Number: changes[i].Number, Change: &changes[i], Known: unknown == nil}
		if d := byNumber[changes[i].Number]; d != nil {
			if origin, ours := v.origin(d.Comment); ours {
				list[i].Database, list[i].Origin = d, origin
			}
		}
	}
	return list, nil
}

// Merged is the version that master is; Change is nil when nothing was merged.
type Merged struct {
	Change *gerrit.Version
	Down   error
}

// Merged reads it. A Gerrit that cannot be asked is no error.
func (v *Versions) Merged(ctx context.Context) (m Merged) {
	m.Down = v.ask(ctx, func(ctx context.Context) (err error) {
		m.Change, err = v.Gerrit.LastMerged(ctx, v.Project, v.Branch)
		return err
	})
	return m
}

// hasDatabase is nil when it is not known.
func (s *Standing) hasDatabase() *bool {
	if !s.Known {
		return nil
	}
	has := s.Database != nil
	return &has
}

// Short is a candidate as an element of the list.
func (v *Versions) Short(s *Standing) api.VersionInfo {
	c := s.Change
	return api.VersionInfo{
		ID: strconv.Itoa(c.Number), Name: c.Subject, Description: textOrNull(c.Topic), Author: c.Owner,
		LatestUpdate: api.At(c.Updated), Result: v.result(c), PatchSet: c.PatchSet, Revision: c.Revision, Database: s.hasDatabase(),
	}
}

// Detailed is a candidate by itself.
func (v *Versions) Detailed(s *Standing) api.VersionInfoDetailed {
	link := v.Link(s.Number)
	validation := api.Validation{Name: api.DeploymentName, Type: api.DeploymentStatus, Result: v.Pending, ResultDetails: &link}
	d := api.VersionInfoDetailed{ID: strconv.Itoa(s.Number), HasConflicts: s.Conflict, Database: s.hasDatabase()}
	if c := s.Change; c != nil {
		d.Name, d.Description, d.Author = textOrNull(c.Subject), descriptionOf(c), textOrNull(c.Owner)
		d.CreationDate, d.LatestUpdate, d.LatestRebase = api.At(c.Created), api.At(c.Updated), api.At(c.Rebased)
		d.Status, d.PatchSet, d.Revision = textOrNull(c.Status), &c.PatchSet, textOrNull(c.Revision)
		validation.Result, validation.Reason = v.result(c), v.reason(c)
	} else {
		validation.Reason = api.Some(api.Reason{Message: gerritDown(s.Down)})
	}
	d.Validations = []api.Validation{validation}
	return d
}

// MasterInfo is master as it is answered.
func (v *Versions) MasterInfo(m Merged) (d api.MasterVersionInfoDetailed) {
	switch c := m.Change; {
	case m.Down != nil:
		d.Status, d.Reason = &v.Pending, api.Some(api.Reason{Message: gerritDown(m.Down)})
	case c != nil:
		number, result := strconv.Itoa(c.Number), v.result(c)
		d.ID, d.Name, d.Description, d.Author = &number, textOrNull(c.Subject), textOrNull(c.Topic), textOrNull(c.Owner)
		d.LatestUpdate, d.Status = api.At(c.Submitted), &result
	}
	return d
}

func descriptionOf(c *gerrit.Version) *string {
	if c.Description != "" {
		return &c.Description
	}
	return textOrNull(c.Topic)
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
