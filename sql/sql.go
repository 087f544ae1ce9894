// Package sql holds the SQL that is part of patchbay itself.
package sql

import (
	"embed"
	"io/fs"
)

//go:embed template/*.sql
var files embed.FS

// CleanupRegistry tears an environment down with psql, as the step
// cleanup-registry does.
//
//go:embed CleanupRegistry.sql
var CleanupRegistry string

// Template is the content of the reference database where nobody gives
// another: goose migrations.
func Template() fs.FS {
	sub, err := fs.Sub(files, "template")
	if err != nil {
		panic(err) // a constant, valid path: cannot fail
	}
	return sub
}
