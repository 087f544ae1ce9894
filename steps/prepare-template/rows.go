package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// errRows marks the refusal of a template that holds rows.
var errRows = errors.New("a template holds structure only")

// checkRows looks for rows, as the throw-away login, in a clone that is
// dropped afterwards: whatever runs when a table is read (policies, for
// instance) changes nothing of the template.
func (b *builder) checkRows(ctx context.Context, name, scratch string) error {
	if err := b.clone(ctx, name, scratch); err != nil {
		return err
	}
	return b.withLogin(ctx, scratch, func(login pg.Login) error {
		filled, err := b.filled(ctx, login)
		if err != nil {
			return err
		}
		filled = slices.DeleteFunc(filled, func(table string) bool { return slices.Contains(b.cfg.RowsAllowed, table) })
		if len(filled) == 0 {
			return nil
		}
		failure := change.Failf(change.KindConfiguration, "the template would hold rows, in %s: %w", some(filled), errRows)
		return failure.WithHint("leave the rows out, or allow them with --rows-allowed %s", strings.Join(filled[:min(3, len(filled))], ","))
	})
}

// filled lists the tables that hold rows, spelt as SQL spells them.
func (b *builder) filled(ctx context.Context, login pg.Login) ([]string, error) {
	conn, err := b.server.ConnectAs(ctx, login)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	filled, err := pg.FilledTables(ctx, conn)
	if err != nil {
		failure := contentFailure(err)
		failure.Message = "look for rows as the owner role: " + failure.Message
		return nil, failure
	}
	return filled, nil
}

// some names at most ten.
func some(names []string) string {
	if len(names) <= 10 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:10], ", ") + fmt.Sprintf(" and %d more", len(names)-10)
}
