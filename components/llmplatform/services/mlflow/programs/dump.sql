-- Dumps a database to "$DUMP.dump", and writes what is in it to "$DUMP.rows": both of one snapshot, so that what is
-- written meanwhile makes no difference. Source: PostgreSQL documentation, pg_dump --snapshot, pg_export_snapshot, psql.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --format=custom --snapshot="$SNAPSHOT" --file="$DUMP.dump" --dbname="$DATABASE"
\if :SHELL_ERROR
DO $$ BEGIN RAISE 'pg_dump failed'; END $$;
\endif
\getenv dump DUMP
\set rows :dump '.rows'
\o :rows
\ir rows.sql
\o
COMMIT;
