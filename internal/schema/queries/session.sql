-- Nothing but pg_catalog is found by name, and definitions are written the
-- same way whatever the settings of role and database are (as pg_dump does).
SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),
       pg_catalog.set_config('quote_all_identifiers', 'off', true),
       pg_catalog.set_config('DateStyle', 'ISO', true),
       pg_catalog.set_config('IntervalStyle', 'postgres', true),
       pg_catalog.set_config('TimeZone', 'UTC', true),
       pg_catalog.set_config('bytea_output', 'hex', true),
       pg_catalog.set_config('extra_float_digits', '3', true),
       pg_catalog.set_config('jit', 'off', true)
