-- $1: schemas. Rarer kinds, each with one text. The casts of a range type come
-- with it (deptype i).
SELECT o.class, o.oid, o.kind, o.name, o.definition, o.owner
FROM (
    SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid AS class, r.oid, 'rule' AS kind,
           pg_catalog.format('%I.%I.%I', n.nspname, c.relname, r.rulename) AS name,
           pg_catalog.pg_get_ruledef(r.oid) AS definition, '' AS owner
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::oid[]) AND r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::oid, s.oid, 'statistics',
           pg_catalog.format('%I.%I', n.nspname, s.stxname),
           pg_catalog.pg_get_statisticsobjdef(s.oid), pg_catalog.pg_get_userbyid(s.stxowner)
    FROM pg_catalog.pg_statistic_ext s
    JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE s.stxnamespace = ANY ($1::oid[])
    UNION ALL
    SELECT 'pg_catalog.pg_default_acl'::pg_catalog.regclass::oid, d.oid, 'default privileges',
           pg_catalog.format('%s of %I', CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
               WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END,
               pg_catalog.pg_get_userbyid(d.defaclrole))
               || COALESCE(' in ' || pg_catalog.quote_ident(n.nspname), ''),
           COALESCE((SELECT pg_catalog.string_agg(
                         x.privilege_type || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END || ' to '
                         || CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
                         ', ' ORDER BY x.grantee = 0, pg_catalog.pg_get_userbyid(x.grantee), x.privilege_type)
                     FROM pg_catalog.aclexplode(d.defaclacl) x), 'none'), ''
    FROM pg_catalog.pg_default_acl d
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
    WHERE d.defaclnamespace = 0 OR d.defaclnamespace = ANY ($1::oid[])
    UNION ALL
    SELECT 'pg_catalog.pg_publication'::pg_catalog.regclass::oid, p.oid, 'publication', pg_catalog.quote_ident(p.pubname),
           pg_catalog.format('for %s', CASE WHEN p.puballtables THEN 'all tables' ELSE COALESCE(
               (SELECT pg_catalog.string_agg(r.prrelid::pg_catalog.regclass::text
                           || COALESCE(' where ' || pg_catalog.pg_get_expr(r.prqual, r.prrelid), ''),
                           ', ' ORDER BY r.prrelid::pg_catalog.regclass::text)
                FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), 'no table') END),
           pg_catalog.pg_get_userbyid(p.pubowner)
    FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass::oid, s.oid, 'foreign server', pg_catalog.quote_ident(s.srvname),
           pg_catalog.format('wrapper %I', w.fdwname), pg_catalog.pg_get_userbyid(s.srvowner)
    FROM pg_catalog.pg_foreign_server s
    JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    UNION ALL
    SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass::oid, e.oid, 'event trigger', pg_catalog.quote_ident(e.evtname),
           pg_catalog.format('on %s execute %s state %s', e.evtevent, e.evtfoid::pg_catalog.regprocedure, e.evtenabled),
           pg_catalog.pg_get_userbyid(e.evtowner)
    FROM pg_catalog.pg_event_trigger e
    UNION ALL
    SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass::oid, c.oid, 'cast',
           pg_catalog.format('(%s AS %s)', pg_catalog.format_type(c.castsource, NULL), pg_catalog.format_type(c.casttarget, NULL)),
           pg_catalog.format('method %s function %s context %s', c.castmethod,
               c.castfunc::pg_catalog.regprocedure, c.castcontext), ''
    FROM pg_catalog.pg_cast c
    WHERE c.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass::oid, o.oid, 'operator', o.oid::pg_catalog.regoperator::text,
           pg_catalog.format('function %s', o.oprcode), pg_catalog.pg_get_userbyid(o.oprowner)
    FROM pg_catalog.pg_operator o
    WHERE o.oprnamespace = ANY ($1::oid[])
    UNION ALL
    SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass::oid, c.oid, 'collation',
           pg_catalog.format('%I.%I', n.nspname, c.collname),
           pg_catalog.format('provider %s collate %s deterministic %s', c.collprovider, c.collcollate, c.collisdeterministic),
           pg_catalog.pg_get_userbyid(c.collowner)
    FROM pg_catalog.pg_collation c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE c.collnamespace = ANY ($1::oid[])
) o
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype IN ('e', 'i'))
