-- $1: schemas. pg_get_functiondef refuses aggregates.
SELECT p.oid,
       n.nspname AS schema,
       p.proname AS name,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
           WHEN 'w' THEN 'window function' ELSE 'function' END AS kind,
       pg_catalog.pg_get_userbyid(p.proowner) AS owner,
       COALESCE(pg_catalog.pg_get_function_result(p.oid), '') AS result,
       l.lanname AS language,
       p.prosecdef AS security_definer,
       CASE p.prokind
           WHEN 'a' THEN pg_catalog.format(
               'SFUNC = %s, STYPE = %s, FINALFUNC = %s, COMBINEFUNC = %s, SORTOP = %s, INITCOND = %L, PARALLEL = %s',
               g.aggtransfn, pg_catalog.format_type(g.aggtranstype, NULL), g.aggfinalfn, g.aggcombinefn,
               g.aggsortop::pg_catalog.regoperator, g.agginitval, p.proparallel)
           ELSE pg_catalog.pg_get_functiondef(p.oid)
       END AS definition
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_aggregate g ON g.aggfnoid = p.oid
WHERE p.pronamespace = ANY ($1::oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
