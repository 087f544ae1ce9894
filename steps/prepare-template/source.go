package main

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// escapesQuery lists what a candidate, working as the owner role ($1), could
// reach out of its database by: functions that work with another role's
// rights or in a language without bounds, and ways to other servers. Members
// of extensions are what a DBA has installed on purpose. From 16384 on object
// ids are not PostgreSQL's own.
const escapesQuery = `
SELECT 'function ' || p.oid::pg_catalog.regprocedure || CASE WHEN l.lanpltrusted
           THEN ' that runs with the rights of ' || pg_catalog.pg_get_userbyid(p.proowner)
           ELSE ' in the untrusted language ' || l.lanname END
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384
AND (NOT l.lanpltrusted OR p.prosecdef AND pg_catalog.pg_get_userbyid(p.proowner) <> $1)
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT 'foreign server ' || srvname FROM pg_catalog.pg_foreign_server
UNION ALL SELECT 'user mapping for ' || usename || ' on ' || srvname FROM pg_catalog.pg_user_mappings
ORDER BY 1`

// checkSource refuses content of --extensions-from that every candidate would
// inherit and could break out by. It is asked of the clone, which nobody
// changes any more.
func (b *builder) checkSource(ctx context.Context, name string) error {
	conn, err := b.server.Catalog(ctx, name)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	found, err := pg.Texts(ctx, conn, escapesQuery, b.cfg.Database.OwnerRole)
	if err != nil {
		return pg.Classify(err)
	}
	if len(found) == 0 {
		return nil
	}
	return change.Failf(change.KindConfiguration, "database %q holds what a candidate could break out by: %s", b.cfg.ExtensionsFrom, some(found)).
		WithHint("drop that there: --extensions-from is for extensions and plain objects")
}
