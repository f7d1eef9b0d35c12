-- Repetitions that are known and accepted.
\set VERBOSITY terse
SELECT dbperf.reset();
CREATE TABLE purchase (id int PRIMARY KEY, customer_id int, total int);
INSERT INTO purchase SELECT i, i, i FROM generate_series(1, 100) i;
ANALYZE purchase;
CREATE FUNCTION series(statement text, count int, first int DEFAULT 1) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format(statement, i) FROM generate_series(first, first + count - 1) i
$$;
CREATE VIEW judged AS
    SELECT f.run, f.kind, f.severity, f.gate, f.reason FROM dbperf.findings f
     WHERE f.kind IN ('n_plus_one', 'stale_acknowledgement') AND (f.database = current_database() OR f.database IS NULL)
     ORDER BY f.run, f.kind, f.query COLLATE "C";
SET dbperf.scope_gap = '1h';
SELECT dbperf.start_run('twenty') IS NOT NULL AS started;
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 20) \gexec
COMMIT;
\set ECHO all
\o
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM judged;
SELECT fingerprint FROM dbperf.n_plus_one WHERE run = 'twenty' \gset

-- Within the limit it is no gate; over it, it is one.
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, 20, 'a page shows twenty');
SELECT * FROM judged;
SELECT count(*) AS stale FROM dbperf.stale_acknowledgements('twenty');
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, 19, 'a page shows nineteen');
SELECT * FROM judged;
SELECT max_calls, reason, expires, created_by = current_user AS mine FROM dbperf.n_plus_one_acknowledgement;

-- Nor when it has expired; then it is also stale.
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, 20, 'until the rewrite', '2020-02-03 12:00+00');
SELECT * FROM judged;
SELECT query, max_calls, acknowledged, expires < now() AS expired, reason FROM dbperf.stale_acknowledgements('twenty');
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, 20, 'until the rewrite', now() + '1 hour');
SELECT * FROM judged;

-- What matched nothing in a whole run is stale: executed without being repeated, or not executed at all.
SELECT dbperf.start_run('one') IS NOT NULL AS started;
SELECT total FROM purchase WHERE customer_id = 7;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, max_calls, acknowledged, reason FROM dbperf.stale_acknowledgements();
SELECT * FROM judged;
SELECT dbperf.start_run('none') IS NOT NULL AS started;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, reason FROM dbperf.stale_acknowledgements('none');
SELECT query, reason FROM dbperf.stale_acknowledgements('twenty');

-- Of one project: what is acknowledged elsewhere does not matter here.
UPDATE dbperf.n_plus_one_acknowledgement SET project = 'other';
SELECT * FROM judged;
UPDATE dbperf.n_plus_one_acknowledgement SET project = '';

-- Taken back.
SELECT dbperf.withdraw_n_plus_one(:fingerprint) AS withdrawn;
SELECT dbperf.withdraw_n_plus_one(:fingerprint) AS withdrawn;
SELECT * FROM judged;
SELECT count(*) AS stale FROM dbperf.stale_acknowledgements();

-- What is refused.
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, 20, ' ');
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, 20, NULL);
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, NULL, 'without a limit');
SELECT dbperf.acknowledge_n_plus_one(:fingerprint, -1, 'below nothing');
SELECT dbperf.acknowledge_n_plus_one(NULL, 20, 'of nothing');
INSERT INTO dbperf.n_plus_one_acknowledgement (fingerprint, max_calls, reason) VALUES (1, 1, '');
CREATE ROLE regress_dbperf_plain;
SET ROLE regress_dbperf_plain;
SELECT dbperf.acknowledge_n_plus_one(1, 20, 'by anybody');
SELECT dbperf.withdraw_n_plus_one(1);
RESET ROLE;
DROP ROLE regress_dbperf_plain;
SELECT dbperf.stale_acknowledgements('no such run');

RESET dbperf.scope_gap;
DROP VIEW judged;
DROP FUNCTION series;
DROP TABLE purchase;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
SELECT dbperf.reset();
