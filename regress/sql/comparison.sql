-- Statistics of times and differences of plans, as functions.
\set VERBOSITY default
-- Runs at different times: twice the time, and more than 1.2 times by all of the interval.
SELECT samples, median_before, median_after, round(ratio::numeric, 6) AS ratio, low <= ratio AND ratio <= high AS inside,
       low > 1.2 AS above, round(p::numeric, 6) AS p, change
  FROM dbperf.compare_times('{5,6,7,8,9,10,11,12,13,14}', '{10,12,14,16,18,20,22,24,26,28}');
-- Twice the time in pairs of very different work: only pairs show it.
CREATE TABLE measured AS
    SELECT array_agg(x ORDER BY i) AS a, array_agg(x * 2 * (1 + 0.01 * (i % 3)) ORDER BY i) AS b
      FROM (SELECT i, (10 ^ (i % 5))::float8 * (1 + 0.001 * i) AS x FROM generate_series(1, 15) i) s;
SELECT 'separate' AS how, c.change, c.samples FROM measured, dbperf.compare_times(a, b) c
UNION ALL SELECT 'pairs', c.change, c.samples FROM measured, dbperf.compare_times(a, b, true) c
UNION ALL SELECT 'pairs, back', c.change, c.samples FROM measured, dbperf.compare_times(b, a, true) c
UNION ALL SELECT 'pairs, with themselves', c.change, c.samples FROM measured, dbperf.compare_times(a, a, true) c;
-- The absolute difference: 0.2 ms is no reason to fail between runs, though it is a factor of 3.
SELECT d AS minimum_difference, (dbperf.compare_times(ARRAY(SELECT 0.1 + i * 0.001 FROM generate_series(1, 20) i),
                                                      ARRAY(SELECT 0.3 + i * 0.001 FROM generate_series(1, 20) i), minimum_difference => d)).change
  FROM unnest(ARRAY[NULL, 0, 0.1, 0.3]) d;
-- Too few, none, not known.
SELECT n, c.samples, c.ratio, c.low, c.p, c.change
  FROM generate_series(0, 9, 3) n, LATERAL (SELECT ARRAY(SELECT 2.0 FROM generate_series(1, n))::float8[] AS t) s,
       dbperf.compare_times(t, t, minimum_samples => 6) c;
SELECT dbperf.compare_times(NULL, '{1}');
-- Bad input.
SELECT dbperf.compare_times('{1,NULL}', '{1,2}');
SELECT dbperf.compare_times('{1,0}', '{1,2}');
SELECT dbperf.compare_times('{1,-1}', '{1,2}');
SELECT dbperf.compare_times('{1,NaN}', '{1,2}');
SELECT dbperf.compare_times('{1,Infinity}', '{1,2}');
SELECT dbperf.compare_times('{1,2,3}', '{1,2}', true);
SELECT dbperf.compare_times('{1}', '{1}', minimum_ratio => 0.9);
SELECT dbperf.compare_times('{1}', '{1}', proven_ratio => 1.3);
SELECT dbperf.compare_times('{1}', '{1}', confidence => 1);
SELECT dbperf.compare_times('{1}', '{1}', confidence => 'NaN');
SELECT dbperf.compare_times(ARRAY(SELECT 1.0 FROM generate_series(1, 100001)), '{1}');

-- Holm: R's p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm").
SELECT dbperf.adjust_holm('{0.01,0.02,0.03,0.04}'), dbperf.adjust_holm('{0.04,NULL,0.01,NaN,0.03}'), dbperf.adjust_holm('{}'),
       dbperf.adjust_holm(NULL);
-- A p that does not survive it leaves the change unproven.
SELECT c.change, dbperf.judge_time(samples, median_before, median_after, ratio, low, high, p) AS again,
       dbperf.judge_time(samples, median_before, median_after, ratio, low, high, 0.02) AS adjusted,
       dbperf.judge_time(3, median_before, median_after, ratio, low, high, p) AS few
  FROM dbperf.compare_times('{5,6,7,8,9,10,11,12,13,14}', '{50,60,70,80,90,100,110,120,130,140}') c;
SELECT dbperf.judge_time(NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- Plans, of this server.
CREATE TABLE item (id int, kind int, filler text) WITH (fillfactor = 10);
INSERT INTO item SELECT i, i % 500, repeat('x', 100) FROM generate_series(1, 5000) i;
VACUUM ANALYZE item;
CREATE FUNCTION plan_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || query INTO plan;
    RETURN plan;
END $$;
CREATE TABLE seen AS SELECT plan_of('SELECT filler FROM item WHERE id = 7') AS one, plan_of('SELECT * FROM item ORDER BY filler') AS sorted;
CREATE UNIQUE INDEX item_id ON item (id);
ALTER TABLE seen ADD two jsonb;
UPDATE seen SET two = plan_of('SELECT filler FROM item WHERE id = 7');
SELECT position, kind, direction, relation, alias, node_before, node_after, regexp_replace(sentence, '[\d,]+ -> [\d,]+', 'N -> M') AS sentence,
       unit, figure_before > figure_after AS fewer, ms_before, ms_after
  FROM seen, dbperf.plan_changes(one, two);
SELECT direction, regexp_replace(sentence, '[\d,]+ -> [\d,]+', 'N -> M') AS sentence FROM seen, dbperf.plan_changes(two, one);
SELECT count(*) FROM seen, dbperf.plan_changes(one, one);
-- With the thresholds above the figures nothing is worse.
SELECT direction FROM seen, dbperf.plan_changes(two, one, blocks => 1e6, rows => 1e6);
SELECT kind, direction, sentence FROM seen, dbperf.plan_changes(one, sorted) WHERE kind = 'appeared';
-- Names are given as they are.
CREATE TABLE "a ""b"" \ c" (i int);
SELECT relation, alias, sentence FROM seen, dbperf.plan_changes(one, plan_of('SELECT * FROM "a ""b"" \ c"')) WHERE relation <> 'item';
SELECT count(DISTINCT dbperf.plan_shape(p)) FROM seen, unnest(ARRAY[one, one, two]) AS j(plan), LATERAL (SELECT plan::json) AS s(p);
SELECT dbperf.plan_shape('{}'), dbperf.plan_shape('[1]');
SELECT dbperf.plan_changes('{}', '{}');
SELECT dbperf.plan_changes(one, '[{"Plan": 3}]') FROM seen;
SELECT dbperf.plan_changes(one, two, ratio => 0.5) FROM seen;
SELECT dbperf.plan_changes(one, two, rows => 'NaN') FROM seen;
SELECT count(*) FROM dbperf.plan_changes(NULL, '{}');

DROP TABLE measured, seen, item, "a ""b"" \ c";
DROP FUNCTION plan_of;
