-- A role that reads what dbperf knows and can change nothing, for Grafana and `dbperf export`. With psql, as a superuser:
--   DBPERF_READER_PASSWORD=SECRET psql -d RESULTS_DATABASE [-v role=dbperf_reader] -f reader_role.sql
-- On a command line the password could be seen by others, but -v password=SECRET works as well.
-- pg_read_all_stats is all it needs: tables and views of schema dbperf may be read by its members, and nothing else of the database.
\set ON_ERROR_STOP on
\if :{?role}
\else
    \set role dbperf_reader
\endif
\if :{?password}
\else
    \getenv password DBPERF_READER_PASSWORD
\endif
BEGIN;
CREATE ROLE :"role" LOGIN PASSWORD :'password' CONNECTION LIMIT 30 IN ROLE pg_read_all_stats;
-- Grafana sends what its users write.
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '30s';
ALTER ROLE :"role" SET idle_in_transaction_session_timeout = '1min';
COMMIT;
