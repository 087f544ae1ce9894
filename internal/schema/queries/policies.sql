-- $1: schemas
SELECT p.oid,
       p.polrelid AS relation,
       p.polname AS name,
       NOT p.polpermissive AS restrictive,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
           WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(r)::text END
             FROM pg_catalog.unnest(p.polroles) r ORDER BY 1) AS roles,
       COALESCE(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '') AS using,
       COALESCE(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '') AS check
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = ANY ($1::oid[])
