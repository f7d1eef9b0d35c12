-- What got worse with migration.sql, and what dbperf found in queries.sql: nothing.
\getenv here PG_ABS_SRCDIR
\set setup :here '/setup.sql'
\set queries :here '/queries.sql'
\set migration :here '/migration.sql'
\set ECHO none
\o /dev/null
SET client_min_messages = warning;
\i :setup
SELECT dbperf.start_run('before');
\i :queries
SELECT dbperf.finish_run();
\i :migration
SELECT dbperf.start_run('after');
\i :queries
SELECT dbperf.finish_run();
\o
\set ECHO all
SELECT query, verdict, cause FROM dbperf.regressions('before', 'after');
SELECT kind, severity, query FROM dbperf.findings WHERE run = 'after' AND gate ORDER BY kind, query COLLATE "C";
