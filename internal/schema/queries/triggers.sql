-- $1: schemas
SELECT t.oid,
       t.tgrelid AS relation,
       t.tgname AS name,
       pg_catalog.pg_get_triggerdef(t.oid) AS definition,
       CASE t.tgenabled WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'REPLICA' WHEN 'A' THEN 'ALWAYS' ELSE '' END AS state,
       t.tgparentid <> 0 AS inherited
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = ANY ($1::oid[])
  AND NOT t.tgisinternal
