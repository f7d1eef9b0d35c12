-- What monitoring systems ask for.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
-- Cumulative counts: 4 observations of about 1 ms, 2 of about 50 ms.
SELECT dbperf.histogram_counts('{349,4,527,2}', '{0.5,0.9,1.1,45,55,1000}');
SELECT dbperf.histogram_counts('{}', '{1,2}'), dbperf.histogram_counts('{349,4}', '{}'), dbperf.histogram_counts(NULL, '{1}') IS NULL AS none;

-- Live, outside runs: of this session's own statements.
SET dbperf.query_name = 'by_name';
SELECT 1 AS one;
SELECT 2 AS two;
RESET dbperf.query_name;
SELECT 'unnamed' AS text WHERE false;
SELECT query, calls, rows, aborted, seconds > 0 AS timed, buckets[cardinality(buckets)] = calls AS all_in_the_last, cardinality(buckets) AS buckets
  FROM dbperf.query_metrics() WHERE database = current_database() AND query = 'by_name';
SELECT count(*) AS by_fingerprint FROM dbperf.query_metrics() m
 WHERE m.query = (SELECT s.fingerprint::text FROM dbperf.statements s WHERE s.query = 'SELECT $1 AS text WHERE false');
-- No label is SQL.
SELECT count(*) FROM dbperf.query_metrics() WHERE query !~ '^(by_name|-?[0-9]+)$';
-- Of statements without a name only so many, those with one in any case.
SELECT count(*) AS of_one, count(*) FILTER (WHERE query = 'by_name') AS named FROM dbperf.query_metrics(most => 1);
SELECT query FROM dbperf.query_metrics(most => 0);

-- Of a finished run.
SELECT dbperf.start_run('measured') IS NOT NULL AS started;
SET dbperf.query_name = 'in_run';
SELECT generate_series(1, 3) AS value;
RESET dbperf.query_name;
SELECT count(*) FROM dbperf.query_metrics() WHERE query = 'in_run';
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, calls, rows, buckets FROM dbperf.query_metrics('measured', bounds_ms => '{0,100000}') WHERE query = 'in_run';
SELECT count(*) FROM dbperf.query_metrics() WHERE query = 'in_run';
SELECT * FROM dbperf.query_metrics('no such run');

DELETE FROM dbperf.plan;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
