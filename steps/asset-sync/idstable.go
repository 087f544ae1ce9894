package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed resource_mappings.sql
var resourceMappings string

// writeTable writes the ids as an SQLite file. It is made beside its place and
// renamed: whoever reads it has the old one or the new one.
func (f idFile) writeTable(ctx context.Context, path string) error {
	made, err := os.CreateTemp(filepath.Dir(path), ".ids-*")
	if err != nil {
		return err
	}
	defer os.Remove(made.Name())
	if err := errors.Join(made.Close(), f.fillTable(ctx, made.Name())); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Chmod(made.Name(), 0o644); err != nil { //nolint:gosec // no secret is in it
		return err
	}
	return os.Rename(made.Name(), path)
}

func (f idFile) fillTable(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	if _, err := tx.ExecContext(ctx, resourceMappings); err != nil {
		return err
	}
	for _, k := range f.Assets {
		changed := sql.NullString{String: k.ChangedOn, Valid: k.ChangedOn != ""}
		if _, err := tx.ExecContext(ctx, "INSERT INTO resource_mappings VALUES (?, ?, ?, ?, ?, ?)", f.Environment, k.Kind, k.UUID, k.ID, k.Title, changed); err != nil {
			return err
		}
	}
	return tx.Commit()
}
