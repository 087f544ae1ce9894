package change

import (
	"fmt"
	"time"
)

// FormatVersion is the version of all result documents. It changes when a
// field changes its meaning or goes, not when one is added.
const FormatVersion = 1

// Outcome is a step's answer in one word.
type Outcome string

// The outcomes of the steps of the pipeline.
const (
	Changed    Outcome = "changed"
	Unchanged  Outcome = "unchanged"
	Superseded Outcome = "superseded" // a later patch set or attempt has taken over
	Closed     Outcome = "closed"     // merged or abandoned
	Invisible  Outcome = "invisible"  // 404: deleted, private or hidden
	Created    Outcome = "created"
	Reused     Outcome = "reused"
	Limited    Outcome = "limited" // no place for another candidate database
	BaseFailed Outcome = "base-failed"
	Applied    Outcome = "applied"
	Failed     Outcome = "failed"
	Skipped    Outcome = "skipped" // an earlier step ended the way
	Voted      Outcome = "voted"
	Done       Outcome = "done"
	Nothing    Outcome = "nothing-to-do"
	Refused    Outcome = "refused"
)

// EndsTheWay says that the steps after this outcome have nothing to do.
func (o Outcome) EndsTheWay() bool {
	switch o {
	case Superseded, Closed, Invisible, Limited, Skipped:
		return true
	}
	return false
}

// Header stands at the top of every result.
type Header struct {
	FormatVersion int    `json:"formatVersion"`
	Step          string `json:"step"`
	Version       string `json:"version"`
	PatchSet
	Base      string    `json:"base,omitempty"`    // 40 hex digits; empty for a root commit
	Attempt   string    `json:"attempt,omitempty"` // 8 hex digits: when the run began, by Gerrit's clock
	Outcome   Outcome   `json:"outcome,omitempty"`
	StartedAt time.Time `json:"startedAt"`
	Seconds   float64   `json:"seconds"`
	Failure   *Failure  `json:"failure,omitempty"`
}

// Head gives the header of any result that embeds it.
func (h *Header) Head() *Header { return h }

// EndedTheWay says that the steps after this one have nothing to do, and why:
// by its outcome, or because it failed. Then it is this failure that is
// reported, so they do not fail themselves.
func (h *Header) EndedTheWay() (reason string, ended bool) {
	switch {
	case h.Failure != nil:
		return fmt.Sprintf("%s failed (%s)", h.Step, h.Failure.Kind), true
	case h.Outcome.EndsTheWay() || h.Outcome == BaseFailed || h.Outcome == Failed:
		return fmt.Sprintf("%s ended with outcome %s", h.Step, h.Outcome), true
	}
	return "", false
}

// Result is one step's result document.
type Result interface{ Head() *Header }

// GetChanges is get-changes.json.
type GetChanges struct {
	Header
	Branch      string            `json:"branch,omitempty"`
	Subject     string            `json:"subject,omitempty"`
	ModelTrees  map[string]string `json:"modelTrees"` // path → git object id of the revision; "" where absent
	BaseTrees   map[string]string `json:"baseTrees"`  // the same for the base
	Files       []File            `json:"files"`      // what differs between base and revision, the model's paths only
	Current     int               `json:"currentPatchSet,omitempty"`
	StackedOn   int               `json:"stackedOn,omitempty"` // the open change that is the parent
	ModelPaths  []string          `json:"modelPaths"`
	ChangeState string            `json:"changeState,omitempty"` // NEW, MERGED, ABANDONED
	Repository  string            `json:"repository"`            // where base and revision are: workspace or bare cache
}

// File is one file that differs between base and revision.
type File struct {
	Path    string `json:"path"`
	OldPath string `json:"oldPath,omitempty"` // of a rename
	Status  string `json:"status"`            // A, M, D, R, T as git says
}

// CreateTempDB is create-temp-db.json.
type CreateTempDB struct {
	Header
	Database       string `json:"database,omitempty"`       // the attempt, or what is reused
	BaseDatabase   string `json:"baseDatabase,omitempty"`   // what it was cloned from
	BaseDigest     string `json:"baseDigest,omitempty"`     // 16 hex digits
	InputDigest    string `json:"inputDigest,omitempty"`    // 16 hex digits
	TemplateDigest string `json:"templateDigest,omitempty"` // what the template held
	BaseMade       bool   `json:"baseMade,omitempty"`       // this run made the base database
	Engine         string `json:"engine,omitempty"`         // "liquibase 4.33.0", "goose v3.29.0"
	Holders        []int  `json:"holders,omitempty"`        // of outcome limited: the changes that hold the places
	Reason         string `json:"reason,omitempty"`         // of outcomes superseded, limited and skipped
}

// ApplyChangelog is apply-changelog.json.
type ApplyChangelog struct {
	Header
	Database    string   `json:"database,omitempty"` // the public name
	BaseDigest  string   `json:"baseDigest,omitempty"`
	InputDigest string   `json:"inputDigest,omitempty"`
	Engine      string   `json:"engine,omitempty"`
	EngineRan   bool     `json:"engineRan"`          // false when the model is unchanged or the database was reused
	Changesets  []string `json:"changesets"`         // what the candidate's run applied, in order
	Summary     []string `json:"summary"`            // the difference, a line each, short
	Counts      string   `json:"counts,omitempty"`   // "2 tables added, 1 column changed"
	Hazards     int      `json:"hazards"`            // how many differences destroy or endanger data
	Warnings    []string `json:"warnings,omitempty"` // what a person should know, a line each
	Kept        string   `json:"kept,omitempty"`     // the attempt left for inspection
	Reason      string   `json:"reason,omitempty"`   // of outcomes superseded and skipped
}

// ReportVerified is report-verified.json.
type ReportVerified struct {
	Header
	Label   string `json:"label,omitempty"`
	Vote    *int   `json:"vote,omitempty"` // nil: no vote was cast
	Message string `json:"message,omitempty"`
	Comment string `json:"comment,omitempty"` // "file:line" of the inline comment
	Verdict string `json:"verdict,omitempty"` // one word for the title of a build: +1, -1, 0, superseded, skipped
}

// PrepareTemplate is prepare-template.json.
type PrepareTemplate struct {
	Header
	Template string   `json:"template"`
	Replaced bool     `json:"replaced"`
	Roles    []string `json:"roles"`            // what was created
	Grants   []string `json:"grants,omitempty"` // what a DBA must run first
	Advice   []string `json:"advice,omitempty"` // what a DBA should run: settings of a reader that the service role may not alter
	Source   string   `json:"source,omitempty"` // built in, a folder of migrations, a database
}

// The outcomes of asset-sync, beside Nothing, Refused and Failed.
const (
	Synced  Outcome = "synced"
	Partial Outcome = "partial" // some of it; the result says what not
)

// AssetSync is asset-sync.json.
type AssetSync struct {
	Header
	Command  string         `json:"command"`        // the sub-command: "sync"
	From     string         `json:"from,omitempty"` // the place that was read
	To       string         `json:"to,omitempty"`   // the place that was written, or compared with
	Counts   map[string]int `json:"counts"`         // by action: "create", "update", "unchanged", …
	Assets   []AssetChange  `json:"assets"`         // all but the unchanged
	Notes    []string       `json:"notes,omitempty"`
	Snapshot string         `json:"snapshot,omitempty"` // what rollback takes
	Requests int            `json:"requests"`           // sent to all servers
	Writes   int            `json:"writes"`             // of them, those that wrote
}

// AssetChange is what is to be done, or was done, with one asset.
type AssetChange struct {
	Kind   string   `json:"kind"` // database, dataset, chart, dashboard
	UUID   string   `json:"uuid"`
	Title  string   `json:"title"`
	Action string   `json:"action"`           // create, update, delete, conflict, extra, broken, repair, restore
	Done   string   `json:"done,omitempty"`   // done, failed, skipped; empty in a plan
	What   []string `json:"what,omitempty"`   // what changes, in words
	Reason string   `json:"reason,omitempty"` // of a conflict or a failure
	URL    string   `json:"url,omitempty"`    // its page, of a dashboard
}
