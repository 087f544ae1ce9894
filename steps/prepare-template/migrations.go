package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/sql"
)

// trackingTable is goose's table while the template is made. It is dropped
// before the template is frozen: a model that uses goose too would otherwise
// find its first versions applied.
const trackingTable = "public.patchbay_template_version"

// migrate applies the goose migrations as the throw-away login.
func (b *builder) migrate(ctx context.Context, login pg.Login) error {
	files := sql.Template()
	if b.cfg.Migrations != "" {
		files = os.DirFS(b.cfg.Migrations)
	}
	if err := refuseSubstitution(files); err != nil {
		return err
	}
	db := stdlib.OpenDB(*b.server.ConfigFor(login))
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(trackingTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return change.Failf(change.KindConfiguration, "read %s: %w", b.cfg.source(), err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return migrationFailure(err)
	}
	if _, err := db.ExecContext(ctx, "DROP TABLE "+trackingTable); err != nil {
		return pg.Classify(err).InPhase("template")
	}
	return nil
}

// refuseSubstitution: goose would put variables of this process, secrets
// among them, into the template.
func refuseSubstitution(files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return change.Failf(change.KindConfiguration, "read the migrations: %w", err)
		}
		if line := changelog.EnvsubLine(text); line > 0 {
			failure := change.Failf(change.KindConfiguration, "ENVSUB puts variables of this process into the template")
			failure.File, failure.Line = name, line
			return failure
		}
	}
	return nil
}

// migrationFailure names the migration; its content is the input at fault,
// unless the server is.
func migrationFailure(err error) error {
	failure := contentFailure(err)
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil && partial.Failed.Source != nil {
		failure.File = path.Base(partial.Failed.Source.Path)
	}
	return failure
}

// contentFailure is a failure of what the template shall contain.
func contentFailure(err error) *change.Failure {
	failure := pg.Classify(err).InPhase("template")
	if failure.SQLState != "" && change.KindOfSQLState(failure.SQLState) == change.KindCandidate {
		failure.Kind = change.KindConfiguration
		failure.Hint = ""
	}
	return failure
}
