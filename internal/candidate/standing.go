package candidate

import (
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Standing is a database of ours as it stands on the server.
type Standing struct {
	pg.Database
	Provenance *Provenance // nil when the comment cannot be read
}

// List gives every database whose name the grammar knows, with its
// provenance, by name.
func List(ctx context.Context, server *pg.Server, names pg.Names) ([]Standing, error) {
	databases, err := server.Databases(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	var all []Standing
	for _, d := range databases {
		all = append(all, Standing{Database: d, Provenance: ParseProvenance(d.Comment)})
	}
	return all, nil
}

// Discard drops a database of ours and its throw-away login. The caller holds
// the lock that protects it.
func Discard(ctx context.Context, server *pg.Server, names pg.Names, database string) error {
	if err := server.Drop(ctx, names, database); err != nil {
		return err
	}
	return server.DropRoleAfterDatabase(ctx, names.Login(database))
}
