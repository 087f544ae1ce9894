-- All comments on what people made, and that on schema public (made by initdb).
SELECT d.classoid AS class, d.objoid AS object, d.objsubid::int2 AS number, d.description AS text
FROM pg_catalog.pg_description d
WHERE d.objoid >= 16384
   OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
