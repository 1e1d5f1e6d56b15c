-- Runs once, on the first leader, as the superuser: the application's role and database, and the pooler's way to look
-- up passwords. What follows holds passwords, so nothing of it goes into the server's log, not even if it fails.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

CREATE ROLE "app" LOGIN PASSWORD 'patroniXappXpassword';
CREATE ROLE pgbouncer LOGIN PASSWORD 'pgbouncerXauthXpassword';

-- PgBouncer asks in the database that the client wants, so the function must be in each: new ones copy template1.
\connect -reuse-previous=on dbname=postgres
CREATE SCHEMA pgbouncer;
REVOKE ALL ON SCHEMA pgbouncer FROM PUBLIC;
GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer;
CREATE FUNCTION pgbouncer.get_auth(name) RETURNS TABLE (usename name, passwd text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT rolname, rolpassword FROM pg_catalog.pg_authid
        WHERE rolname = $1 AND rolcanlogin AND NOT rolsuper AND NOT rolreplication
          AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
    $$;
REVOKE ALL ON FUNCTION pgbouncer.get_auth(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(name) TO pgbouncer;
\connect -reuse-previous=on dbname=template1
CREATE SCHEMA pgbouncer;
REVOKE ALL ON SCHEMA pgbouncer FROM PUBLIC;
GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer;
CREATE FUNCTION pgbouncer.get_auth(name) RETURNS TABLE (usename name, passwd text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT rolname, rolpassword FROM pg_catalog.pg_authid
        WHERE rolname = $1 AND rolcanlogin AND NOT rolsuper AND NOT rolreplication
          AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
    $$;
REVOKE ALL ON FUNCTION pgbouncer.get_auth(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(name) TO pgbouncer;
\connect -reuse-previous=on dbname=postgres

CREATE DATABASE "app" OWNER "app";
