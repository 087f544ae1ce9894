-- Which table refers to which. The listing puts them together: the planner
-- does not know how many there are, and would compare each with each.
SELECT f.conrelid AS oid, n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class c ON c.oid = f.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE f.contype = 'f'
