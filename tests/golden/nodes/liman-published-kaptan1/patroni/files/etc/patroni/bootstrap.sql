-- Runs once, on the first leader, as the superuser: the application's role and database, and the pooler's way to look
-- up passwords. What follows holds passwords, so nothing of it goes into the server's log, not even if it fails.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

CREATE ROLE "app" LOGIN PASSWORD 'patroniXappXpassword';

CREATE DATABASE "app" OWNER "app";
