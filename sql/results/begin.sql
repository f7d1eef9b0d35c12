-- A results database: runs of many servers and projects in a plain PostgreSQL, without the module and without a superuser.
-- Generated from the topic files of the extension; `dbperf push --init` executes it, in a transaction.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA dbperf;

-- Which tables and functions a sender finds here. Raised when a sender of before could not store into them any more.
CREATE FUNCTION dbperf.results_version() RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN 1;
COMMENT ON FUNCTION dbperf.results_version() IS 'version of the tables of this results database; senders need the same';

