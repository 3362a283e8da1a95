-- Makes the roles and databases of one service, as a role that may create both. psql runs it; a second run changes nothing.
--
-- The owner has the databases and cannot log in. Two logins act as the owner and take turns: a rotation gives the one that
-- is not in use a new password. The owner's comment has the version in use.
\set ON_ERROR_STOP on
\o /dev/null
\getenv owner OWNER
\getenv rights OWNER_RIGHTS
\getenv login LOGIN
\getenv verifier VERIFIER
\getenv version PASSWORD_VERSION
\getenv databases DATABASES
SET client_min_messages = warning;

-- Of two Jobs at once, the second waits.
SELECT pg_advisory_lock(hashtextextended('llmplatform/' || :'owner', 0));

SELECT coalesce(max(substring(shobj_description(oid, 'pg_authid') FROM 'password_version (\d+)')::int), 0) AS used
FROM pg_roles WHERE rolname = :'owner' \gset
SELECT format('DO $do$ BEGIN RAISE EXCEPTION %L; END $do$',
  format('password_version is %s in the database and %s in the settings: it rises by one, because two logins take turns; write %s',
    :used, :version, :used + 1))
WHERE :used > 0 AND :version NOT IN (:used, :used + 1) \gexec

-- Clients that are still connected by the login whose turn it is have its password of two versions ago: they could not
-- connect again.
SELECT format('DO $do$ BEGIN RAISE EXCEPTION %L; END $do$',
  format('password_version %s gives %s a new password, and %s connections have its old one: restart their clients, which then use the other login, and run the update again',
    :version, :'login', count(*)))
FROM pg_stat_activity WHERE usename = :'login' AND :version = :used + 1
HAVING count(*) > 0 \gexec

BEGIN;
SELECT format('CREATE ROLE %I NOLOGIN', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('CREATE ROLE %I LOGIN', :'login')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
ALTER ROLE :"owner" :rights;
-- Who creates a role may grant it since Postgres 16, but has none of its rights.
GRANT :"owner" TO CURRENT_USER;
GRANT :"owner" TO :"login";
ALTER ROLE :"login" SET role TO :'owner';
ALTER ROLE :"login" PASSWORD :'verifier';
SELECT format('COMMENT ON ROLE %I IS %L', :'owner', 'password_version ' || :'version') \gexec
COMMIT;

SELECT format('CREATE DATABASE %I OWNER %I', name, :'owner') FROM unnest(string_to_array(:'databases', ' ')) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
SET ROLE :"owner";
SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', name)
FROM unnest(string_to_array(:'databases', ' ')) AS name \gexec
