package changelog

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// versions is the state of goose's table: which versions it calls applied.
type versions struct {
	schema  string
	applied map[int64]bool
}

// version is a row of the table.
type version struct {
	Number  int64
	Applied bool
}

// readVersions reads the table as the throw-away login, as readTracking does.
func (e *gooseEngine) readVersions(ctx context.Context, job Job, schema string) (*versions, error) {
	v := &versions{schema: schema, applied: map[int64]bool{}}
	err := asLogin(ctx, job, func(ctx context.Context, conn *pgx.Conn) error { return v.read(ctx, conn, e.settings.gooseTable()) })
	return v, err
}

func (v *versions) read(ctx context.Context, conn *pgx.Conn, table string) (err error) {
	if v.schema == "" {
		if v.schema, err = currentSchema(ctx, conn); err != nil {
			return err
		}
	}
	if there, err := plainTable(ctx, conn, v.schema, table); err != nil || !there {
		return err
	}
	rows, err := conn.Query(ctx, `SELECT version_id, is_applied FROM ONLY `+pgx.Identifier{v.schema, table}.Sanitize()+` ORDER BY id`+atMost)
	if err != nil {
		return err
	}
	all, err := collect(rows, pgx.RowToStructByPos[version])
	for _, one := range all {
		v.applied[one.Number] = one.Applied // the last row of a version counts
	}
	return err
}

// guardVersions refuses files whose versions the table holds before they ran,
// as happens when the template was made by goose with the same table: goose
// would leave them out without a word.
func (e *gooseEngine) guardVersions(v *versions, now, previous *migrations) error {
	for _, version := range now.versions() {
		if previous.files[version].name != "" || !v.applied[version] {
			continue
		}
		f := change.Failf(change.KindConfiguration, "version %d is in the table %s before its migration ran, so goose would leave it out", version, e.settings.gooseTable()).
			WithHint("the template has versions of its own there: set PATCHBAY_CHANGELOG_TABLE to another name")
		f.File = now.files[version].name
		return f
	}
	return nil
}

// compare refuses a run after which the table does not say what the files say.
func (v *versions) compare(after *versions, now *migrations) error {
	for _, version := range now.versions() {
		if !after.applied[version] {
			return tamperedVersion(now, version, "is not in the table although its migration ran")
		}
	}
	for _, version := range sorted(v.applied) {
		if v.applied[version] && !after.applied[version] {
			return tamperedVersion(now, version, "was removed from the table by a migration")
		}
	}
	for _, version := range sorted(after.applied) {
		if after.applied[version] && !v.applied[version] && version != 0 && now.files[version].name == "" {
			return tamperedVersion(now, version, "was written into the table by a migration")
		}
	}
	return nil
}

func sorted(applied map[int64]bool) []int64 {
	var all []int64
	for version := range applied {
		all = append(all, version)
	}
	slices.Sort(all)
	return all
}

func tamperedVersion(now *migrations, version int64, what string) error {
	f := change.Failf(change.KindCandidate, "version %d %s", version, what).
		WithHint("a migration must not write to goose's table")
	f.File = now.files[version].name
	return f
}
