-- A history long enough that reading all of it shows: the latest run of the sample shop again, as 1,500 runs of the last 400 days
-- with 40 statements each, as many plans, and texts of 5,000 other queries; 300 deadlocks.
SET client_min_messages = warning;
CREATE TEMPORARY TABLE old_run AS
SELECT md5('run ' || i)::uuid AS run_id, now() - interval '2 days' - i * interval '6 hours' AS started_at, 'old ' || i AS label FROM generate_series(1, 1500) i;

INSERT INTO dbperf.run
SELECT n.* FROM old_run o,
       LATERAL (SELECT r FROM dbperf.run r WHERE r.label = 'evening' ORDER BY started_at DESC LIMIT 1) l(r),
       LATERAL jsonb_populate_record(l.r, jsonb_build_object('run_id', o.run_id, 'label', o.label, 'started_at', o.started_at,
                                                            'finished_at', o.started_at + interval '1 minute')) n;
INSERT INTO dbperf.query_text SELECT '', 1000 + i, 'SELECT ' || md5(i::text) || ' FROM somewhere WHERE id = $1' FROM generate_series(1, 5000) i;

CREATE TEMPORARY TABLE a_statement AS SELECT * FROM dbperf.statement WHERE query_name = 'order_history' LIMIT 1;
INSERT INTO dbperf.statement
SELECT n.* FROM old_run o, generate_series(1, 40) i, a_statement s,
       LATERAL jsonb_populate_record(s, jsonb_build_object('run_id', o.run_id, 'query_name', '', 'fingerprint', 1000 + i)) n;

CREATE TEMPORARY TABLE a_plan AS
SELECT p.*, row_number() OVER (ORDER BY p.plan_id) AS place FROM dbperf.plan p WHERE query_name = 'order_history' LIMIT 1;
ALTER TABLE a_plan DROP COLUMN place;
INSERT INTO dbperf.plan OVERRIDING SYSTEM VALUE
SELECT n.* FROM old_run o, generate_series(1, 10) i, a_plan s,
       LATERAL jsonb_populate_record(NULL::dbperf.plan, to_jsonb(s) || jsonb_build_object('run_id', o.run_id, 'query_name', NULL, 'fingerprint', 1000 + i,
                                                         'captured_at', o.started_at, 'plan_id', 1000000 + i)) n;
INSERT INTO dbperf.plan_node
SELECT n.* FROM old_run o, generate_series(1, 10) i, (SELECT DISTINCT ON (node_id) d FROM dbperf.plan_node d ORDER BY node_id LIMIT 3) s(node),
       LATERAL jsonb_populate_record(s.node, jsonb_build_object('run_id', o.run_id, 'plan_id', 1000000 + i)) n;

-- Of each old deadlock what belongs to the real one.
DO $$
DECLARE
    stored record;
BEGIN
    FOR stored IN SELECT c.oid::regclass AS relation, c.oid::regclass::text || '_row' AS name
                    FROM pg_class c
                   WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'p')
                     AND c.relname IN ('deadlock', 'deadlock_member', 'deadlock_step') LOOP
        EXECUTE format($sql$
            INSERT INTO %1$s OVERRIDING SYSTEM VALUE
            SELECT n.* FROM generate_series(1, 300) i JOIN old_run o ON o.label = 'old ' || i,
                   (SELECT d FROM %1$s d WHERE deadlock_id = (SELECT max(deadlock_id) FROM dbperf.deadlock WHERE deadlock_id < 1000)) s(one),
                   LATERAL jsonb_populate_record(s.one, CASE WHEN to_jsonb(s.one) ? 'happened_at'
                                                             THEN jsonb_build_object('happened_at', o.started_at) ELSE '{}' END
                                                        || jsonb_build_object('run_id', o.run_id, 'deadlock_id', 1000 + i)) n$sql$, stored.relation);
    END LOOP;
END
$$;
ANALYZE;
