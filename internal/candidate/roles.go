package candidate

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// checkRoles refuses roles that a run could not end well with, before it
// begins: a missing reader would else show only when the result is published.
func (b *Builder) checkRoles(ctx context.Context) error {
	if err := b.Server.CheckOwnerRole(ctx, b.Owner); err != nil {
		return err
	}
	if b.Reader == "" {
		return nil
	}
	reader, err := b.Server.Role(ctx, b.Reader)
	if err != nil || reader != nil {
		return err
	}
	return change.Failf(change.KindConfiguration, "reader role %q does not exist", b.Reader).
		WithHint("run prepare-template, or: CREATE ROLE %s NOLOGIN;", pg.Ident(b.Reader))
}
