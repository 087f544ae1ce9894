// Package versions shows the model of master and of every candidate, and how
// their deployment stands, as they are at this moment: as a read-only REST API
// and as web pages. Nothing is cached beyond a connection.
package versions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// Versions reads what is shown. The zero value of a setting is not its
// default.
type Versions struct {
	Gerrit     *gerrit.Client
	GerritURL  string // as provenance names it
	GerritLink string // where people reach Gerrit
	Project    string
	Branch     string // master's
	Label      string
	Pipeline   string // of whose messages the reason is read
	Voter      string // the account that writes them
	Pending    string // what a state without a verdict is called

	Candidates     *pg.Readers // the candidates' server
	Master         *pg.Readers // master's server, which may be the same
	MasterDatabase string
	Names          pg.Names

	Schemas   []string // that are shown; none: Preferred if there is one, else all
	Preferred string
	Filters   Filters
	Subject   string // the table of subjects, also as schema.table

	askers   turns         // who asks Gerrit
	patience time.Duration // with it
}

// Version names what is looked at: master, or the candidate of a change.
type Version struct{ Change int }

// Master is the version that was merged.
var Master = Version{Change: -1}

// Origin says which patch set a candidate's database was made of. It is empty
// for master and for a database that does not say.
type Origin struct {
	Absent   bool
	PatchSet int
	Revision string
	Attempt  string // tells two databases of one patch set
}

// errAbsent says that the candidate has no database of ours.
var errAbsent = errors.New("the candidate has no database")

// unreachable is a database that cannot be read.
type unreachable struct {
	version Version
	err     error
}

func (u *unreachable) Error() string { return u.err.Error() }
func (u *unreachable) Unwrap() error { return u.err }

// where a version's model lies.
func (v *Versions) where(version Version) (*pg.Readers, string) {
	if version == Master {
		return v.Master, v.MasterDatabase
	}
	return v.Candidates, v.Names.Candidate(version.Change)
}

func (v *Versions) options(schemas []string, preferred string) schema.Options {
	return schema.Options{Hide: v.Filters.HiddenTables, Schemas: schemas, Preferred: preferred}
}

// absent tells a candidate that has no database yet from a change that nobody
// knows. While Gerrit cannot say, it counts as known.
func (v *Versions) absent(ctx context.Context, version Version) error {
	err := v.ask(ctx, func(ctx context.Context) error {
		_, err := v.Gerrit.Version(ctx, v.Project, version.Change)
		return err
	})
	if errors.Is(err, gerrit.ErrNotFound) {
		return unknownChange(version.Change)
	}
	return errAbsent
}

// Link leads to a change in Gerrit.
func (v *Versions) Link(number int) string {
	return fmt.Sprintf("%s/c/%s/+/%d", v.GerritLink, escapePath(v.Project), number)
}

// LinkTo leads to a line of a file in a patch set; line 0 is the file.
func (v *Versions) LinkTo(number, patchSet int, file string, line int) string {
	link := fmt.Sprintf("%s/%d/%s", v.Link(number), patchSet, escapePath(file))
	if line > 0 {
		link += fmt.Sprintf("#%d", line)
	}
	return link
}
