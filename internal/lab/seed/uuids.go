package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// tables are where Superset keeps the kinds.
var tables = map[assets.Kind]string{assets.Database: "dbs", assets.Dataset: "tables", assets.Chart: "slices", assets.Dashboard: "dashboards"}

// UUIDs are those of a site's assets by id, from its own tables: not every
// server tells them, and whoever compares with them trusts no client.
func UUIDs(ctx context.Context, s *lab.SupersetSite) (all map[assets.Kind]map[int]string, err error) {
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(filepath.Join(s.Home, "superset.db"))+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	all = map[assets.Kind]map[int]string{}
	for kind, table := range tables {
		if all[kind], err = uuidsOf(ctx, db, table); err != nil {
			return nil, fmt.Errorf("read the UUIDs of %s: %w", table, err)
		}
	}
	return all, nil
}

func uuidsOf(ctx context.Context, db *sql.DB, table string) (map[int]string, error) {
	rows, err := db.QueryContext(ctx, "SELECT id, lower(hex(uuid)) FROM "+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	uuids := map[int]string{}
	for rows.Next() {
		var id int
		var u string
		if err := rows.Scan(&id, &u); err != nil {
			return nil, err
		}
		uuids[id] = fmt.Sprintf("%s-%s-%s-%s-%s", u[:8], u[8:12], u[12:16], u[16:20], u[20:])
	}
	return uuids, rows.Err()
}
