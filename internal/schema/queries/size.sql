-- Relations and columns, and bytes of text that anyone can make long. Counting
-- a stored text's bytes does not unpack it.
SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute WHERE attrelid >= 16384)
           + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE oid >= 16384) AS objects,
       (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(description)), 0)
        FROM pg_catalog.pg_description WHERE objoid >= 16384 OR classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
           + (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(prosrc)
                      + COALESCE(pg_catalog.octet_length(prosqlbody::text), 0)
                      + COALESCE(pg_catalog.octet_length(proargdefaults::text), 0)), 0)
              FROM pg_catalog.pg_proc WHERE oid >= 16384)
           + (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(adbin::text)), 0) FROM pg_catalog.pg_attrdef)
           + (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(conbin::text)), 0)
              FROM pg_catalog.pg_constraint WHERE oid >= 16384)
           + (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(ev_action::text)) / 10, 0)
              FROM pg_catalog.pg_rewrite WHERE oid >= 16384)
           + (SELECT COALESCE(pg_catalog.sum(COALESCE(pg_catalog.octet_length(indexprs::text), 0)
                      + COALESCE(pg_catalog.octet_length(indpred::text), 0)), 0) FROM pg_catalog.pg_index)
           + (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(tgargs)
                      + COALESCE(pg_catalog.octet_length(tgqual::text), 0)), 0) FROM pg_catalog.pg_trigger)
           + (SELECT COALESCE(pg_catalog.sum(COALESCE(pg_catalog.octet_length(polqual::text), 0)
                      + COALESCE(pg_catalog.octet_length(polwithcheck::text), 0)), 0) FROM pg_catalog.pg_policy) AS bytes
