-- Tears an environment down as cleanup-registry does, with psql alone:
--
--   psql "$DATABASE_URL" -X -v environment=dev -v yes=registry-dev- -f CleanupRegistry.sql
--
-- It drops every candidate, attempt and base database of the prefix, their
-- throw-away logins, then the template. It shows first what that is; without
-- "yes", which repeats the prefix, that is all it does. What cannot be dropped
-- does not keep it from the rest. It exits with 3 when something is left or
-- nothing was confirmed; it may be run again at any time.
--
-- Run it as the service role, in the database where the steps take their
-- locks (that of DATABASE_URL, or PATCHBAY_ADMIN_DATABASE): what a run is at
-- work on is left, and told.
--
-- More settings:
--   -v prefix=registry-dev-          what the names begin with
--   -v template=registry-template    the reference database
--   -v any_template=yes              drop it also when prepare-template did not make it

\set QUIET on
\set ON_ERROR_STOP on
\pset pager off
\pset footer off
SET client_min_messages = warning;
SET search_path = pg_catalog;
\if :{?prefix}
\else
  \set prefix registry-dev-
\endif
\if :{?template}
\else
  \set template registry-template
\endif
\if :{?environment}
\else
  \set environment ''
\endif
\if :{?yes}
\else
  \set yes ''
\endif
\if :{?any_template}
\else
  \set any_template ''
\endif
\set home :DBNAME

SELECT set_config('patchbay.fault', CASE
  WHEN lower(:'environment') <> 'dev' THEN 'this is for a development environment only: say so with -v environment=dev'
  WHEN :'prefix' !~ '^[a-z][a-z0-9_-]{0,25}[-_]$' THEN 'prefix: want lower-case letters, digits, - and _, a letter first, - or _ last, at most 27 in all'
  WHEN :'template' IN ('', 'postgres', 'template0', 'template1') OR starts_with(:'template', :'prefix') THEN 'template: it cannot have this name'
  WHEN :'yes' NOT IN ('', :'prefix') THEN 'yes: that is not the prefix; to tear it down, repeat it'
  ELSE '' END, false) AS fault \gset
DO $$ BEGIN
  IF current_setting('patchbay.fault') <> '' THEN RAISE EXCEPTION '%', current_setting('patchbay.fault'); END IF;
END $$;

-- The grammar of the names, to the letter: <change>, <change>-<patch set>-<stamp>,
-- base-<digest>, base-<digest>-<stamp>, base-<digest>-spare; the separator is the last of the prefix,
-- which holds nothing that a regular expression takes for more than itself.
SELECT format('^%1$s((0|[1-9][0-9]{0,9})(%2$s[1-9][0-9]{0,9}%2$s[0-9a-f]{8})?|base%2$s[0-9a-f]{16}(%2$s([0-9a-f]{8}|spare))?)', :'prefix', right(:'prefix', 1)) AS own,
  format('%slogin', right(:'prefix', 1)) AS login,
  format('^(%1$s([0-9]+|base%2$s[0-9a-f]{16})).*', :'prefix', right(:'prefix', 1)) AS public,
  format('%sbase%s%s', :'prefix', right(:'prefix', 1), left(encode(sha256(convert_to('template ' || :'template', 'UTF8')), 'hex'), 16)) AS making \gset

-- The lock that protects a name is that of its change or base; a template that
-- is being made has the name of a base attempt. Its number is the first 8
-- bytes of a SHA-256.
CREATE FUNCTION pg_temp.locked(name text) RETURNS boolean RETURN pg_try_advisory_lock(('x' || left(encode(sha256(convert_to(
  CASE WHEN name = :'template' OR starts_with(name, :'making') THEN :'template' ELSE regexp_replace(name, :'public', '\1') END,
  'UTF8')), 'hex'), 16))::bit(64)::bigint);

CREATE TEMPORARY VIEW databases AS SELECT d.datname::text AS name, d.datname = :'template' AS template, d.datconnlimit = -2 AS invalid, d.datistemplate,
  (SELECT count(*) FROM pg_stat_activity s WHERE s.datid = d.oid) AS sessions,
  d.datname = :'template' AND d.datconnlimit <> -2 AND :'any_template' = ''
  AND coalesce(shobj_description(d.oid, 'pg_database'), '') NOT LIKE '{"formatVersion":1,"state":"template",%' AS stays
  FROM pg_database d WHERE d.datname ~ (:'own' || '$') OR d.datname = :'template';
CREATE TEMPORARY VIEW logins AS SELECT r.oid, r.rolname::text AS name, r.rolcanlogin
  FROM pg_roles r WHERE r.rolname ~ (:'own' || :'login' || '$');

SELECT name AS "database", sessions, CASE WHEN stays THEN 'stays: prepare-template did not make it; -v any_template=yes drops it too' ELSE 'goes' END AS "what becomes of it"
FROM databases ORDER BY template, name;
SELECT name AS "throw-away login" FROM logins ORDER BY name;

SELECT set_config('patchbay.fault', CASE WHEN :'yes' = '' AND (EXISTS (SELECT FROM databases) OR EXISTS (SELECT FROM logins))
  THEN 'not confirmed: nothing was dropped; confirm with -v yes=' || :'prefix' ELSE '' END, false) AS fault \gset
DO $$ BEGIN
  IF current_setting('patchbay.fault') <> '' THEN RAISE EXCEPTION '%', current_setting('patchbay.fault'); END IF;
END $$;

\set ON_ERROR_STOP off

SELECT name AS "left: a run is at work on it" FROM databases WHERE NOT pg_temp.locked(name);
SELECT format('ALTER DATABASE %I IS_TEMPLATE false', name) FROM databases
WHERE datistemplate AND NOT invalid AND NOT stays AND pg_temp.locked(name) \gexec
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', name) FROM databases
WHERE NOT template AND pg_temp.locked(name) ORDER BY name \gexec

-- Logins: no new sessions, then no old ones, then nothing that pins them.
SELECT format('ALTER ROLE %I NOLOGIN', name), format('GRANT %I TO %I', name, current_user) FROM logins
WHERE pg_temp.locked(name) \gexec
SELECT count(pg_terminate_backend(s.pid)) AS ended FROM pg_stat_activity s JOIN logins l ON l.oid = s.usesysid WHERE NOT l.rolcanlogin \gset
SELECT format('REVOKE ALL ON DATABASE %I FROM %I', d.datname, l.name)
FROM pg_shdepend s JOIN pg_database d ON d.oid = s.objid JOIN logins l ON l.oid = s.refobjid
WHERE s.refclassid = 'pg_authid'::regclass AND s.classid = 'pg_database'::regclass AND NOT l.rolcanlogin AND d.datconnlimit <> -2 \gexec

-- One can pin itself by a default privilege in any database that PUBLIC may
-- enter. Each turn clears one of these; more than four are for the next run.
-- A view of the role's name is of no use here: it stays behind in :home.
\set pinned 'FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.refobjid WHERE s.refclassid = ''pg_authid''::regclass AND r.rolname ~ (:''own'' || :''login'' || ''$'') AND NOT r.rolcanlogin AND d.datallowconn AND d.datconnlimit <> -2'
SELECT coalesce(min(d.datname), :'home') AS next :pinned \gset
\connect :"next"
SELECT DISTINCT format('DROP OWNED BY %I', r.rolname) :pinned AND d.datname = current_database() \gexec
SELECT coalesce(min(d.datname), :'home') AS next :pinned \gset
\connect :"next"
SELECT DISTINCT format('DROP OWNED BY %I', r.rolname) :pinned AND d.datname = current_database() \gexec
SELECT coalesce(min(d.datname), :'home') AS next :pinned \gset
\connect :"next"
SELECT DISTINCT format('DROP OWNED BY %I', r.rolname) :pinned AND d.datname = current_database() \gexec
SELECT coalesce(min(d.datname), :'home') AS next :pinned \gset
\connect :"next"
SELECT DISTINCT format('DROP OWNED BY %I', r.rolname) :pinned AND d.datname = current_database() \gexec
\connect :"home"
SET search_path = pg_catalog;
SELECT format('DROP ROLE IF EXISTS %I', rolname) FROM pg_roles WHERE rolname ~ (:'own' || :'login' || '$') AND NOT rolcanlogin \gexec

SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', d.datname) FROM pg_database d WHERE d.datname = :'template'
AND (d.datconnlimit = -2 OR :'any_template' <> '' OR coalesce(shobj_description(d.oid, 'pg_database'), '') LIKE '{"formatVersion":1,"state":"template",%')
AND pg_try_advisory_lock(('x' || left(encode(sha256(convert_to(d.datname, 'UTF8')), 'hex'), 16))::bit(64)::bigint) \gexec

\set ON_ERROR_STOP on
SELECT set_config('patchbay.fault', coalesce(string_agg(name, ', ' ORDER BY name), ''), false) AS fault FROM (
  SELECT datname FROM pg_database WHERE datname ~ (:'own' || '$') OR datname = :'template'
  UNION ALL SELECT rolname FROM pg_roles WHERE rolname ~ (:'own' || :'login' || '$')) AS still (name) \gset
DO $$ BEGIN
  IF current_setting('patchbay.fault') <> '' THEN
    RAISE EXCEPTION 'left: %', current_setting('patchbay.fault') USING HINT = 'See the errors above, then run this again.';
  END IF;
END $$;
