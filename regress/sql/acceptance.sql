-- Regressions that somebody wants.
\set VERBOSITY terse
SELECT dbperf.reset();
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
CREATE TABLE item (id int, kind int, filler text) WITH (fillfactor = 10);
INSERT INTO item SELECT i, i % 1000, repeat('x', 100) FROM generate_series(1, 5000) i;
CREATE INDEX item_kind ON item (kind);
VACUUM ANALYZE item;
SELECT dbperf.start_run('before') IS NOT NULL AS started;
SET dbperf.query_name = by_kind;
SELECT count(filler) FROM item WHERE kind = 7;
SET dbperf.query_name = whole;
SELECT count(filler) FROM item;
RESET dbperf.query_name;
SELECT count(filler) AS nameless FROM item WHERE kind = 8;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
DROP INDEX item_kind;
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SET dbperf.query_name = by_kind;
SELECT count(filler) FROM item WHERE kind = 7;
SET dbperf.query_name = whole;
SELECT count(filler) FROM item;
RESET dbperf.query_name;
SELECT count(filler) AS nameless FROM item WHERE kind = 8;
SELECT dbperf.finish_run() IS NOT NULL AS finished;

-- In force.
SELECT dbperf.accept('by_kind', 'the index costs more than it brings');
SELECT reason, expires, created_by = current_user AS mine FROM dbperf.acceptance;
SELECT (dbperf.acceptance_of('by_kind')).reason, dbperf.acceptance_of('whole') IS NULL AS none;
SELECT * FROM dbperf.stale_acceptances();
CREATE VIEW compared AS
    SELECT c.query, c.verdict, c.accepted, regexp_replace(c.reason, ': [0-9,]+ -> .*|; per call.*', '') AS reason, c.cause
      FROM dbperf.comparison('before', 'after', milliseconds => 1000) c;
SELECT * FROM compared;
SELECT query FROM dbperf.regressions('before', 'after', milliseconds => 1000);
-- By its fingerprint.
SELECT dbperf.accept(fingerprint::text, 'nobody asks for it') FROM dbperf.statements WHERE run = 'after' AND query ~ 'nameless';
SELECT query, accepted FROM compared;
SELECT query FROM dbperf.regressions('before', 'after', milliseconds => 1000);
SELECT * FROM dbperf.stale_acceptances('after', 'before');
SELECT * FROM compared WHERE accepted IS NOT NULL AND verdict <> 'regressed';
SELECT verdict, accepted, reason ~ 'accepted' AS told FROM dbperf.comparison('after', 'before', milliseconds => 1000);
DELETE FROM dbperf.acceptance WHERE query <> 'by_kind';

-- Of a query that did not regress, or was not executed: stale.
SELECT dbperf.accept('whole', 'wanted, too'), dbperf.accept('never', 'of a query that is gone');
SELECT * FROM dbperf.stale_acceptances('after');
SELECT * FROM dbperf.stale_acceptances('after', 'before');
SELECT query, accepted, reason FROM dbperf.stale_acceptances('before');
SELECT run, kind, severity, gate, query, reason FROM dbperf.findings WHERE kind = 'stale_acceptance' ORDER BY run, query;

-- Expired, and then renewed.
SELECT dbperf.accept('by_kind', 'until the rewrite', '2020-02-03 12:00+00');
SELECT dbperf.acceptance_of('by_kind') IS NULL AS none;
SELECT query, accepted, expires < now() AS expired, reason FROM dbperf.stale_acceptances('after');
SELECT query FROM dbperf.regressions('before', 'after', milliseconds => 1000) ORDER BY query;
SELECT dbperf.accept('by_kind', 'until the rewrite', now() + '1 hour');
SELECT (dbperf.acceptance_of('by_kind')).reason;

-- Of one project.
UPDATE dbperf.acceptance SET project = 'other' WHERE query = 'by_kind';
SELECT dbperf.acceptance_of('by_kind') IS NULL AS none;
SELECT dbperf.withdraw_acceptance('by_kind') AS withdrawn;
UPDATE dbperf.acceptance SET project = '' WHERE query = 'by_kind';
SELECT dbperf.withdraw_acceptance('by_kind') AS withdrawn;
SELECT dbperf.withdraw_acceptance('by_kind') AS withdrawn;

-- What is refused.
SELECT dbperf.accept('by_kind', ' ');
SELECT dbperf.accept('by_kind', NULL);
SELECT dbperf.accept(NULL, 'of nothing');
SELECT dbperf.accept('', 'of nothing');
INSERT INTO dbperf.acceptance (query, reason) VALUES ('x', '');
CREATE ROLE regress_dbperf_plain;
SET ROLE regress_dbperf_plain;
SELECT dbperf.accept('by_kind', 'by anybody');
SELECT dbperf.withdraw_acceptance('whole');
SELECT count(*) FROM dbperf.ddl_log;
SELECT count(*) FROM dbperf.schema_snapshot;
SELECT dbperf.cause_of('before', 'after', '{}');
RESET ROLE;
DROP ROLE regress_dbperf_plain;
SELECT dbperf.stale_acceptances('no such run');

DROP VIEW compared;
DROP TABLE item;
DELETE FROM dbperf.acceptance;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
