-- $1: schemas. Access lists as PostgreSQL applies them: where none is stored,
-- functions and types have one by default. The owner always has a row, and it
-- is left out when it has all that an owner has.
WITH listed (class, object, number, kind, owner, acl) AS (
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid, oid, 0::int2, 'n'::"char", nspowner, nspacl
    FROM pg_catalog.pg_namespace WHERE oid = ANY ($1::oid[]) AND nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, oid, 0,
           CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, relowner, relacl
    FROM pg_catalog.pg_class WHERE relnamespace = ANY ($1::oid[]) AND relacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, a.attrelid, a.attnum, 'c'::"char", c.relowner, a.attacl
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = ANY ($1::oid[]) AND a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, oid, 0, 'f'::"char", proowner,
           COALESCE(proacl, pg_catalog.acldefault('f', proowner))
    FROM pg_catalog.pg_proc WHERE pronamespace = ANY ($1::oid[])
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, 0, 'T'::"char", t.typowner,
           COALESCE(t.typacl, pg_catalog.acldefault('T', t.typowner))
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = ANY ($1::oid[]) AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'b' AND t.typelem = 0 OR c.relkind = 'c')
)
SELECT l.class, l.object, l.number,
       CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END AS role,
       g.privileges
FROM listed l
CROSS JOIN LATERAL (
    SELECT x.grantee,
           COALESCE(pg_catalog.array_agg(DISTINCT x.privilege ORDER BY x.privilege)
               FILTER (WHERE x.privilege IS NOT NULL), '{}') AS privileges
    FROM (
        SELECT e.grantee, e.privilege_type || CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS privilege
        FROM pg_catalog.aclexplode(l.acl) e
        UNION ALL
        SELECT l.owner, NULL
    ) x
    GROUP BY x.grantee
) g
WHERE g.grantee <> l.owner
   OR NOT g.privileges @> ARRAY(SELECT o.privilege_type
                                FROM pg_catalog.aclexplode(pg_catalog.acldefault(l.kind, l.owner)) o
                                WHERE o.grantee = l.owner)
