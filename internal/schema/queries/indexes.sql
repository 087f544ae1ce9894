-- $1: schemas. Expressions are listed where a number is 0. An index that backs
-- a constraint needs no definition of its own.
SELECT i.indexrelid AS oid,
       i.indrelid AS relation,
       c.relname AS name,
       i.indisunique AS unique,
       am.amname AS method,
       pg_catalog.pg_indexam_has_property(am.oid, 'can_order') AS sorted,
       i.indnkeyatts AS width,
       i.indkey::int2[] AS numbers,
       i.indoption::int2[] AS sortings,
       CASE WHEN i.indexprs IS NOT NULL THEN
           ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, false)
                 FROM pg_catalog.generate_series(1, i.indnkeyatts::int4) k
                 ORDER BY k)
       END AS expressions,
       COALESCE(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
       k.oid IS NOT NULL AS backs,
       CASE WHEN k.oid IS NULL THEN pg_catalog.pg_get_indexdef(i.indexrelid) ELSE '' END AS definition,
       NOT i.indisvalid AS invalid,
       c.relispartition AS inherited
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE c.relnamespace = ANY ($1::oid[])
