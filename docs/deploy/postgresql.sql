-- Roles of least privilege for a team's PostgreSQL (15 or newer). Run it with psql as a superuser:
--
--   psql --set=ON_ERROR_STOP=1 --file=docs/deploy/postgresql.sql
--
-- before the first `tuskwatch init`, and again after every one: it makes what is missing and sets the rights of new
-- tables. It takes nothing away from the data and may be run at any time, while workers are at work too.
-- Another database name: --set=database=NAME. Then give each role its password: \password tuskwatch_worker

\if :{?database}
\else
  \set database tuskwatch
\endif

-- One role for each who logs in. Owner: `tuskwatch init` only. None of them may make databases, roles or replicas.
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name)
  FROM unnest(ARRAY['tuskwatch_owner', 'tuskwatch_worker', 'tuskwatch_web', 'tuskwatch_reader']) AS name
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name)
\gexec
SELECT format('CREATE DATABASE %I OWNER tuskwatch_owner ENCODING ''UTF8'' TEMPLATE template0', :'database')
 WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = :'database')
\gexec

-- Nobody else gets in. Temporary tables are for nobody: one called "tombstone" would stand in front of the real one.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO tuskwatch_owner, tuskwatch_worker, tuskwatch_web, tuskwatch_reader;

\connect :"database"

BEGIN;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tuskwatch_worker, tuskwatch_web, tuskwatch_reader;
-- Temporary tables last: unless it is said, PostgreSQL looks there first.
SELECT format('ALTER ROLE %I IN DATABASE %I SET search_path = public, pg_temp', name, :'database')
  FROM unnest(ARRAY['tuskwatch_owner', 'tuskwatch_worker', 'tuskwatch_web', 'tuskwatch_reader']) AS name
\gexec

-- Begin from nothing, so that running this again takes back what an older edition of it gave too much.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, tuskwatch_worker, tuskwatch_web, tuskwatch_reader;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, tuskwatch_worker, tuskwatch_web, tuskwatch_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;

-- All read everything (a backup by the worker must), but the reader no passwords, logins and sealed cookies.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO tuskwatch_worker, tuskwatch_web, tuskwatch_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO tuskwatch_worker, tuskwatch_web;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tuskwatch_worker, tuskwatch_web;

-- What may change: every table that is a view on what is kept, or is about the work itself.
DO $$
DECLARE
  name text;
  -- Kept for ever, or until a tombstone stands for it.
  kept text[] := ARRAY['audit', 'blob', 'page', 'reading', 'report', 'score', 'tombstone', 'verdict'];
  -- Whose rows say who may come in, and which schema this is.
  doors text[] := ARRAY['user', 'login', 'alembic_version'];
BEGIN
  FOR name IN
    SELECT tablename FROM pg_tables
     WHERE schemaname = 'public' AND tablename <> ALL (kept) AND tablename <> ALL (doors)
  LOOP
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO tuskwatch_worker, tuskwatch_web', name);
  END LOOP;
  IF to_regclass('public.page') IS NOT NULL THEN
    -- The worker adds evidence and readings. It deletes (retention) only what has a tombstone: the triggers see to that.
    GRANT INSERT ON audit, blob, page, reading, report, score, tombstone TO tuskwatch_worker;
    GRANT DELETE ON audit, blob, page, reading, score, verdict TO tuskwatch_worker;
    GRANT UPDATE (kind) ON page TO tuskwatch_worker;
    -- To hold rows so that nobody points at them while they are taken away, a lock is needed, and for that the right to
    -- change a column. The triggers refuse the change itself.
    GRANT UPDATE (created_at) ON blob, reading TO tuskwatch_worker;
    -- People give verdicts, ask for reports and sign in through the screens, which store no evidence.
    GRANT INSERT ON audit, report, verdict TO tuskwatch_web;
    GRANT INSERT, UPDATE, DELETE ON "user", login TO tuskwatch_web;
    REVOKE SELECT ON "user", login, session FROM tuskwatch_reader;
    GRANT SELECT (id, name, role) ON "user" TO tuskwatch_reader;
  END IF;
END $$;

-- The queue's tables are made by `tuskwatch init`, too. Workers and screens put work on it and take it off.
DO $$
BEGIN
  IF to_regnamespace('dbos') IS NOT NULL THEN
    REVOKE ALL ON SCHEMA dbos FROM PUBLIC;
    GRANT USAGE ON SCHEMA dbos TO tuskwatch_worker, tuskwatch_web;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dbos TO tuskwatch_worker, tuskwatch_web;
    REVOKE INSERT, UPDATE, DELETE ON dbos.dbos_migrations FROM tuskwatch_worker, tuskwatch_web;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA dbos TO tuskwatch_worker, tuskwatch_web;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dbos TO tuskwatch_worker, tuskwatch_web;
  END IF;
END $$;
COMMIT;
