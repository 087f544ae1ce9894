-- $1: schemas. Row types of tables, array types and multiranges come with
-- what they belong to.
SELECT t.oid,
       t.typrelid AS relation,
       n.nspname AS schema,
       t.typname AS name,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain'
           WHEN 'r' THEN 'range' ELSE 'base' END AS kind,
       pg_catalog.pg_get_userbyid(t.typowner) AS owner,
       CASE WHEN t.typtype = 'e' THEN
           ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
       END AS labels,
       CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
           WHEN 'r' THEN pg_catalog.format_type(r.rngsubtype, NULL) ELSE '' END AS base,
       CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation
           THEN pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) ELSE ''
       END AS collation,
       t.typnotnull AS not_null,
       COALESCE(pg_catalog.pg_get_expr(t.typdefaultbin, 0), '') AS default
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_catalog.pg_collation co ON co.oid = t.typcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE t.typnamespace = ANY ($1::oid[])
  AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'
       OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND d.objid = t.oid AND d.deptype = 'e')
