// Package changelog applies a changelog to a database, by the engine that
// production uses: the user's own Liquibase as a child process, or goose as a
// library. It never re-implements an engine: what it reads of a changelog by
// itself serves to refuse what must not run, to guard the history and to name
// the line of a failure.
//
// A changelog is untrusted input. It runs as a throw-away login that owns
// nothing, on a checkout without links, in a sandbox; its tracking rows are
// read as that login only.
package changelog

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Engine applies changelogs with one set of settings.
type Engine interface {
	// Name is engine and version for people and results: "liquibase 4.33.0".
	Name() string
	// Digest is a hexadecimal digest of everything but the tree, the values of
	// the parameters and the template that could change what Apply makes:
	// engine, version, jars, settings.
	Digest() string
	// Apply brings a database to the state of a tree. Its error is a
	// *change.Failure; nothing is undone, the caller drops the database.
	Apply(ctx context.Context, job Job) (*Report, error)
}

// Job is one run of an engine on one database. Directories are there from the
// beginning, so that an engine that takes long to start can be started; what
// lies in them, and the login in the server, only after Ready.
type Job struct {
	// Ready is called once, before anything is read or connected to: it lays
	// the trees out and makes the login. nil: all is there already. Its error
	// ends the run and is given back as it is.
	Ready func(ctx context.Context) error

	Dir        string               // the checkout of the tree to apply; the engine never writes there
	Previous   string               // the checkout that was applied to this database before; "" for the first run
	Server     *pg.Server           // whose sessions are ended when a limit is hit
	Login      pg.Login             // the throw-away login that everything runs as
	Parameters map[string]string    // of the changelog, as Resolve gave them for this tree
	Scratch    string               // an empty directory of the engine's own; the caller removes it
	Progress   func(message string) // told about every changeset as it starts; may be nil
}

func (j Job) ready(ctx context.Context) error {
	if j.Ready == nil {
		return nil
	}
	return j.Ready(ctx)
}

func (j Job) progress(message string) {
	if j.Progress != nil {
		j.Progress(message)
	}
}

// Report is what a good run did.
type Report struct {
	Changesets []string // applied in this run, in order: "file::id::author", for goose the files
	Warnings   []string // what a person should know, a line each
}
