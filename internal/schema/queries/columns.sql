-- $1: schemas. Tables, views and composite types.
SELECT a.attrelid AS relation,
       a.attnum AS number,
       a.attname AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       t.typname AS internal_type,
       CASE tn.nspname WHEN 'pg_catalog' THEN '' ELSE tn.nspname END AS type_schema,
       a.attnotnull AS not_null,
       CASE a.attgenerated WHEN '' THEN COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END AS default,
       CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' ELSE '' END AS identity,
       CASE a.attgenerated
           WHEN 's' THEN '(' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ') STORED'
           WHEN 'v' THEN '(' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ') VIRTUAL'
           ELSE ''
       END AS generated,
       CASE WHEN a.attcollation <> t.typcollation
           THEN pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) ELSE ''
       END AS collation,
       a.attinhcount > 0 AS inherited
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE c.relnamespace = ANY ($1::oid[])
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
