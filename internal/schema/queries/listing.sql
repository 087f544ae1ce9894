-- $1: schemas, none for the preferred one; $2: the preferred schema, when it
-- is there, else all. Tables with their comments (a changelog can make one of
-- a gigabyte: the first 10,000 characters) and what they refer to.
WITH chosen AS (
    SELECT n.oid, n.nspname
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), read AS (
    SELECT oid, nspname
    FROM chosen
    WHERE CASE
        WHEN pg_catalog.cardinality($1::text[]) > 0 THEN nspname = ANY ($1::text[])
        WHEN EXISTS (SELECT FROM chosen p WHERE p.nspname = $2) THEN nspname = $2
        ELSE true
    END
)
SELECT n.nspname AS schema,
       c.relname AS name,
       COALESCE(pg_catalog."left"(pg_catalog.obj_description(c.oid, 'pg_class'), 10000), '') AS comment,
       ARRAY(SELECT tn.nspname
             FROM pg_catalog.pg_constraint f
             JOIN pg_catalog.pg_class tc ON tc.oid = f.confrelid
             JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
             WHERE f.conrelid = c.oid AND f.contype = 'f'
             ORDER BY f.oid) AS target_schemas,
       ARRAY(SELECT tc.relname
             FROM pg_catalog.pg_constraint f
             JOIN pg_catalog.pg_class tc ON tc.oid = f.confrelid
             WHERE f.conrelid = c.oid AND f.contype = 'f'
             ORDER BY f.oid) AS targets
FROM read n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
WHERE c.relkind IN ('r', 'p', 'f')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
