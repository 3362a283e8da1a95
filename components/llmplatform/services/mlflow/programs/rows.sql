-- Writes a line for each table: its name, its rows, and a digest of them that no order of rows changes. And the revision
-- of each set of migrations.
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'iso_8601';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SELECT format(
  'SELECT %L, count(*), coalesce(sum((''x'' || left(encode(sha256(convert_to(t::text, ''UTF8'')), ''hex''), 16))::bit(64)::bigint::numeric), 0) FROM %I.%I AS t',
  tablename, schemaname, tablename
) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY schemaname, tablename COLLATE "C" \gexec
SELECT format('SELECT %L, version_num FROM %I.%I', 'revision of ' || tablename, schemaname, tablename)
FROM pg_tables WHERE tablename LIKE 'alembic\_version%' ORDER BY tablename COLLATE "C" \gexec
