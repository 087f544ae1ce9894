-- $1: schemas, none for the preferred one; $2: the preferred schema, when it
-- is there, else all. Tables with their comments: a changelog can make one of
-- a gigabyte, so the first 10,000 characters.
WITH chosen AS (
    SELECT n.oid, n.nspname
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT c.oid,
       n.nspname AS schema,
       c.relname AS name,
       COALESCE((SELECT pg_catalog."left"(d.description, 10000)
                 FROM pg_catalog.pg_description d
                 WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   AND d.objoid = c.oid AND d.objsubid = 0), '') AS comment
FROM chosen n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
WHERE c.relkind IN ('r', 'p', 'f')
  AND CASE
      WHEN pg_catalog.cardinality($1::text[]) > 0 THEN n.nspname = ANY ($1::text[])
      WHEN EXISTS (SELECT FROM chosen p WHERE p.nspname = $2) THEN n.nspname = $2
      ELSE true
  END
  AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                          WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.deptype = 'e'))
