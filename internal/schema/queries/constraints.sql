-- $1: schemas. NOT NULL is a property of the column, also on 18, where it is
-- a constraint as well. A foreign key to a partitioned table has a copy for
-- each partition of the target on its own table: only the first is listed.
SELECT con.oid,
       con.conrelid AS relation,
       con.contypid AS domain,
       con.conindid AS index,
       con.contype::text AS kind,
       con.conname AS name,
       pg_catalog.pg_get_constraintdef(con.oid) AS definition,
       con.conparentid <> 0 OR con.coninhcount > 0 AS inherited,
       con.conkey AS numbers,
       COALESCE(tn.nspname, '') AS target_schema,
       COALESCE(tc.relname, '') AS target_table,
       CASE WHEN con.contype = 'f' THEN
           ARRAY(SELECT a.attname
                 FROM pg_catalog.unnest(con.confkey) WITH ORDINALITY k (number, position)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.number
                 ORDER BY k.position)
       END AS target_columns,
       CASE con.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
           WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE '' END AS on_delete,
       CASE con.confupdtype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
           WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE '' END AS on_update
FROM pg_catalog.pg_constraint con
LEFT JOIN pg_catalog.pg_class tc ON tc.oid = con.confrelid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
WHERE con.connamespace = ANY ($1::oid[])
  AND con.contype IN ('p', 'u', 'f', 'c', 'x')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p
                  WHERE p.oid = con.conparentid AND p.conrelid = con.conrelid)
