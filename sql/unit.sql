-- Units of work: what each named one did in a run, and budgets for them.

CREATE TABLE dbperf.unit (
    project text NOT NULL,
    run_id uuid NOT NULL,
    unit_key bigint NOT NULL, -- hash of the name, 0: all that found no room
    unit text,
    occurrences bigint NOT NULL,
    statements bigint NOT NULL,
    statements_min bigint NOT NULL,
    statements_median bigint NOT NULL,
    statements_max bigint NOT NULL,
    distinct_statements_min bigint NOT NULL,
    distinct_statements_median bigint NOT NULL,
    distinct_statements_max bigint NOT NULL,
    rows bigint NOT NULL,
    rows_min bigint NOT NULL,
    rows_median bigint NOT NULL,
    rows_max bigint NOT NULL,
    exec_ms float8 NOT NULL,
    exec_ms_min float8 NOT NULL,
    exec_ms_median float8 NOT NULL,
    exec_ms_max float8 NOT NULL,
    wait_ms float8 NOT NULL,
    wait_ms_min float8 NOT NULL,
    wait_ms_median float8 NOT NULL,
    wait_ms_max float8 NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (project, run_id, unit_key)
);
COMMENT ON TABLE dbperf.unit IS 'internal: units of work of finished runs; read dbperf.units';

CREATE FUNCTION dbperf.live_units(
    OUT run_id uuid, OUT run text, OUT unit_key bigint, OUT unit text, OUT occurrences bigint, OUT statements bigint,
    OUT statements_min bigint, OUT statements_median bigint, OUT statements_max bigint, OUT distinct_statements_min bigint,
    OUT distinct_statements_median bigint, OUT distinct_statements_max bigint, OUT rows bigint, OUT rows_min bigint,
    OUT rows_median bigint, OUT rows_max bigint, OUT exec_ms float8, OUT exec_ms_min float8, OUT exec_ms_median float8,
    OUT exec_ms_max float8, OUT wait_ms float8, OUT wait_ms_min float8, OUT wait_ms_median float8, OUT wait_ms_max float8,
    OUT first_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_units' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.live_units() IS 'internal: units of work in shared memory; read dbperf.units';

CREATE TABLE dbperf.unit_budgets (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    pattern text NOT NULL CHECK (pattern <> ''),
    metric text NOT NULL
        CHECK (metric IN ('statements', 'distinct_statements', 'rows', 'exec_ms', 'wait_ms', 'exec_max_ms', 'wait_max_ms')),
    budget float8 NOT NULL CHECK (budget >= 0 AND budget < 'Infinity'),
    PRIMARY KEY (project, pattern, metric)
);
COMMENT ON TABLE dbperf.unit_budgets IS
'limits of units of work: of counts the most of one occurrence, of exec_ms and wait_ms the median, of exec_max_ms and wait_max_ms the most';
COMMENT ON COLUMN dbperf.unit_budgets.project IS 'value of dbperf.project that the budget is for';
COMMENT ON COLUMN dbperf.unit_budgets.pattern IS 'name of the unit; * stands for any characters, ? for one';
COMMENT ON COLUMN dbperf.unit_budgets.metric IS 'statements, distinct_statements, rows, exec_ms, wait_ms, exec_max_ms or wait_max_ms';
COMMENT ON COLUMN dbperf.unit_budgets.budget IS 'the limit: a count, or ms';

-- The column of dbperf.units that a metric is about.
CREATE FUNCTION dbperf.unit_metric_column(metric text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name CONSTANT text := CASE metric WHEN 'statements' THEN 'statements_max' WHEN 'distinct_statements' THEN 'distinct_statements_max'
                                      WHEN 'rows' THEN 'rows_max' WHEN 'exec_ms' THEN 'exec_ms_median' WHEN 'wait_ms' THEN 'wait_ms_median'
                                      WHEN 'exec_max_ms' THEN 'exec_ms_max' WHEN 'wait_max_ms' THEN 'wait_ms_max' END;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'a unit of work has no metric "%"', metric
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Choose statements, distinct_statements, rows, exec_ms, wait_ms, exec_max_ms or wait_max_ms.';
    END IF;
    RETURN name;
END
$$;
COMMENT ON FUNCTION dbperf.unit_metric_column(text) IS 'internal: the column of dbperf.units that a metric of a budget is about';

CREATE FUNCTION dbperf.set_unit_budget(pattern text, metric text, budget float8) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(set_unit_budget.pattern, '') = '' OR set_unit_budget.metric IS NULL THEN
        RAISE EXCEPTION 'a budget needs the name of a unit of work and a metric'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT dbperf.set_unit_budget(''GET /orders'', ''statements'', 12) sets one.';
    END IF;
    PERFORM dbperf.unit_metric_column(set_unit_budget.metric);
    IF set_unit_budget.budget IS NULL OR NOT (set_unit_budget.budget >= 0 AND set_unit_budget.budget < 'Infinity') THEN
        RAISE EXCEPTION 'a budget is a number from 0 on'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'dbperf.drop_unit_budget() removes one.';
    END IF;
    INSERT INTO dbperf.unit_budgets AS b (pattern, metric, budget)
    VALUES (set_unit_budget.pattern, set_unit_budget.metric, set_unit_budget.budget)
    ON CONFLICT ON CONSTRAINT unit_budgets_pkey DO UPDATE SET budget = excluded.budget;
END
$$;
COMMENT ON FUNCTION dbperf.set_unit_budget(text, text, float8) IS
'sets or changes one budget of units of work. pattern: a name, * stands for any characters and ? for one; of several that match, the name itself holds, else the longest. metric: statements, distinct_statements, rows (the most of one occurrence), exec_ms, wait_ms (the median), exec_max_ms, wait_max_ms (the most). Errors: an unknown metric, a negative budget or none';

CREATE FUNCTION dbperf.drop_unit_budget(pattern text, metric text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dbperf.unit_budgets b
     WHERE b.project = coalesce(current_setting('dbperf.project', true), '') AND b.pattern = drop_unit_budget.pattern
       AND (drop_unit_budget.metric IS NULL OR b.metric = drop_unit_budget.metric);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION dbperf.drop_unit_budget(text, text) IS
    'removes a budget of units of work; metric null: all with this pattern; false when there was none';

CREATE FUNCTION dbperf.unit_matches(unit text, pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN unit = pattern
    OR unit LIKE pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
           pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_');
COMMENT ON FUNCTION dbperf.unit_matches(text, text) IS
    'whether a budget with this pattern is for a unit of work with this name: * stands for any characters, ? for one';

-- As findings name the unit: requests that differ in a number are alike, and names are cut.
CREATE FUNCTION dbperf.unit_scope(unit text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN pg_catalog.octet_length(p.name) <= 63 THEN p.name
                ELSE (SELECT pg_catalog.max(pg_catalog."left"(p.name, n) COLLATE "C") FROM pg_catalog.generate_series(1, 63) n
                       WHERE pg_catalog.octet_length(pg_catalog."left"(p.name, n)) <= 63) END
      FROM (SELECT pg_catalog.regexp_replace(unit_scope.unit, '#?[0-9]+', '#', 'g')) p(name);
END;
COMMENT ON FUNCTION dbperf.unit_scope(text) IS 'internal: what dbperf.n_plus_one calls the scope of a unit of work';

-- Budgets that hold: those of the table, and an object of objects, which stands above it.
CREATE FUNCTION dbperf.unit_budgets_with(budgets jsonb, OUT pattern text, OUT metric text, OUT budget float8) RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH given AS (
        SELECT p.pattern, m.metric, m.budget::float8 AS budget
          FROM pg_catalog.jsonb_each(COALESCE(unit_budgets_with.budgets, '{}')) p(pattern, metrics)
         CROSS JOIN LATERAL pg_catalog.jsonb_each_text(p.metrics) m(metric, budget)
    )
    SELECT g.pattern, g.metric, g.budget FROM given g
    UNION ALL
    SELECT b.pattern, b.metric, b.budget
      FROM dbperf.unit_budgets b
     WHERE b.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND NOT EXISTS (SELECT FROM given g WHERE g.pattern = b.pattern AND g.metric = b.metric);
END;
COMMENT ON FUNCTION dbperf.unit_budgets_with(jsonb) IS 'internal: budgets of units of work, stored and given';

CREATE FUNCTION dbperf.unit_breaches(run_id uuid, unit text, measures jsonb) RETURNS bigint
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    SELECT pg_catalog.count(*)
      FROM (SELECT DISTINCT ON (b.metric) b.budget,
                   (unit_breaches.measures ->> dbperf.unit_metric_column(b.metric))::float8 AS measured
              FROM dbperf.unit_budgets b
             WHERE b.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
               AND dbperf.unit_matches(unit_breaches.unit, b.pattern)
             ORDER BY b.metric, b.pattern = unit_breaches.unit DESC, pg_catalog.length(b.pattern) DESC, b.pattern) h
     WHERE h.measured > h.budget;
END;
COMMENT ON FUNCTION dbperf.unit_breaches(uuid, text, jsonb) IS 'internal: how many stored budgets a unit of work is over';

-- Judges budgets against the units of one finished run.
CREATE FUNCTION dbperf.unit_budget_violations(
    run text DEFAULT NULL, budgets jsonb DEFAULT NULL, OUT unit text, OUT metric text, OUT pattern text, OUT budget float8,
    OUT measured float8, OUT occurrences bigint, OUT verdict text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH done AS MATERIALIZED (
        SELECT u.* FROM dbperf.unit u WHERE u.run_id = dbperf.find_run(unit_budget_violations.run) AND u.unit IS NOT NULL
    ), held AS MATERIALIZED (
        SELECT b.* FROM dbperf.unit_budgets_with(unit_budget_violations.budgets) b
    ), chosen AS (
        SELECT DISTINCT ON (d.unit_key, h.metric) d.unit, h.metric, h.pattern, h.budget, d.occurrences,
               (pg_catalog.to_jsonb(d) ->> dbperf.unit_metric_column(h.metric))::float8 AS measured,
               (pg_catalog.to_jsonb(d) ->> pg_catalog.replace(dbperf.unit_metric_column(h.metric), '_max', '_min'))::float8 AS least
          FROM done d JOIN held h ON dbperf.unit_matches(d.unit, h.pattern)
         ORDER BY d.unit_key, h.metric, h.pattern = d.unit DESC, pg_catalog.length(h.pattern) DESC, h.pattern
    )
    SELECT v.unit, v.metric, v.pattern, v.budget, v.measured, v.occurrences, v.verdict, v.reason
      FROM (SELECT c.*, CASE WHEN c.measured > c.budget THEN 'violated' ELSE 'ok' END AS verdict,
                   pg_catalog.format(CASE WHEN c.occurrences = 1 THEN '%s: %s in its one occurrence, the budget %4$s%5$s'
                                          WHEN c.metric IN ('exec_ms', 'wait_ms') THEN '%s: median %s of %s occurrences, the budget %s%s'
                                          WHEN c.least = c.measured THEN '%s: %s in each of %s occurrences, the budget %s%s'
                                          ELSE '%s: up to %s in one of %s occurrences, the budget %s%s' END,
                                     c.metric, pg_catalog.trim_scale(pg_catalog.round(c.measured::numeric, 3)), c.occurrences, c.budget,
                                     CASE WHEN c.pattern <> c.unit THEN ' of ' || c.pattern END) AS reason
              FROM chosen c
            UNION ALL
            SELECT NULL, h.metric, h.pattern, h.budget, 0, NULL, NULL, 'not_seen', 'no unit of work of this run has such a name'
              FROM held h
             WHERE NOT EXISTS (SELECT FROM done d WHERE dbperf.unit_matches(d.unit, h.pattern))) v
     ORDER BY v.unit, v.metric, v.pattern;
END;
COMMENT ON FUNCTION dbperf.unit_budget_violations(text, jsonb) IS
'budgets of units of work against one finished run (default: the latest): one row for each unit and metric with the budget that holds, and one for each budget whose pattern no unit has. budgets: more of them as an object, such as {"GET /orders": {"statements": 12}}, which stand above the stored ones. measured: in the unit of the metric; verdict: violated, ok or not_seen. Errors: no finished run has the label, an unknown metric';

CREATE VIEW dbperf.units AS
WITH live AS (
    SELECT l.* FROM dbperf.live_units() l
), every AS (
    SELECT l.run, l.unit, l.unit_key, l.occurrences, l.statements, l.statements_min, l.statements_median, l.statements_max,
           l.distinct_statements_min, l.distinct_statements_median, l.distinct_statements_max, l.rows, l.rows_min, l.rows_median,
           l.rows_max, l.exec_ms, l.exec_ms_min, l.exec_ms_median, l.exec_ms_max, l.wait_ms, l.wait_ms_min, l.wait_ms_median,
           l.wait_ms_max, l.first_at, l.run_id
      FROM live l
    UNION ALL
    SELECT r.label, u.unit, u.unit_key, u.occurrences, u.statements, u.statements_min, u.statements_median, u.statements_max,
           u.distinct_statements_min, u.distinct_statements_median, u.distinct_statements_max, u.rows, u.rows_min, u.rows_median,
           u.rows_max, u.exec_ms, u.exec_ms_min, u.exec_ms_median, u.exec_ms_max, u.wait_ms, u.wait_ms_min, u.wait_ms_median,
           u.wait_ms_max, u.first_at, u.run_id
      FROM dbperf.unit u
      JOIN dbperf.run r USING (project, run_id)
     WHERE NOT EXISTS (SELECT FROM live l WHERE l.run_id = u.run_id)
), repeated AS (
    SELECT n.run_id, n.scope, pg_catalog.count(*) AS findings
      FROM dbperf.n_plus_one n WHERE n.run_id IS NOT NULL AND n.scope IS NOT NULL
     GROUP BY n.run_id, n.scope
)
SELECT e.run, e.unit, e.occurrences, e.statements, e.statements_min, e.statements_median, e.statements_max,
       e.distinct_statements_min, e.distinct_statements_median, e.distinct_statements_max, e.rows, e.rows_min, e.rows_median,
       e.rows_max, e.exec_ms, e.exec_ms_min, e.exec_ms_median, e.exec_ms_max, e.wait_ms, e.wait_ms_min, e.wait_ms_median,
       e.wait_ms_max,
       COALESCE((SELECT p.findings FROM repeated p WHERE p.run_id = e.run_id AND p.scope = dbperf.unit_scope(e.unit)), 0)
           + dbperf.unit_breaches(e.run_id, e.unit, pg_catalog.to_jsonb(e)) AS findings,
       COALESCE(e.unit_key = 0, false) AS overflow, e.first_at, e.run_id
  FROM every e;
COMMENT ON VIEW dbperf.units IS
'one row a run and unit of work that sessions named with dbperf.scope, live and of finished runs. An occurrence begins with the first statement after SET dbperf.scope and ends with the next SET of it, the session or the run. Counted are statements that the client sent, failed ones included, without commands that only steer session or transaction. Medians are exact where all occurrences are alike, within 1.6 % while their values are at most 1.5 times apart, within 13 % up to 50 times, within 25 % up to 2,500 times';
COMMENT ON COLUMN dbperf.units.run IS 'label of the run';
COMMENT ON COLUMN dbperf.units.unit IS 'name of the unit of work; null: all that found no room in dbperf.max_unit_names, together';
COMMENT ON COLUMN dbperf.units.occurrences IS 'how often it was done, by all sessions';
COMMENT ON COLUMN dbperf.units.statements IS 'statements in all occurrences';
COMMENT ON COLUMN dbperf.units.statements_min IS 'fewest statements in one occurrence';
COMMENT ON COLUMN dbperf.units.statements_median IS 'median of the statements in an occurrence';
COMMENT ON COLUMN dbperf.units.statements_max IS 'most statements in one occurrence';
COMMENT ON COLUMN dbperf.units.distinct_statements_min IS 'fewest different statements in one occurrence';
COMMENT ON COLUMN dbperf.units.distinct_statements_median IS 'median of the different statements in an occurrence';
COMMENT ON COLUMN dbperf.units.distinct_statements_max IS 'most different statements in one occurrence; exact while a session has seen no more than some thousands of them';
COMMENT ON COLUMN dbperf.units.rows IS 'rows returned or changed in all occurrences';
COMMENT ON COLUMN dbperf.units.rows_min IS 'fewest rows in one occurrence';
COMMENT ON COLUMN dbperf.units.rows_median IS 'median of the rows in an occurrence';
COMMENT ON COLUMN dbperf.units.rows_max IS 'most rows in one occurrence';
COMMENT ON COLUMN dbperf.units.exec_ms IS 'execution time of all occurrences, ms';
COMMENT ON COLUMN dbperf.units.exec_ms_min IS 'least execution time of one occurrence, ms';
COMMENT ON COLUMN dbperf.units.exec_ms_median IS 'median execution time of an occurrence, ms';
COMMENT ON COLUMN dbperf.units.exec_ms_max IS 'most execution time of one occurrence, ms';
COMMENT ON COLUMN dbperf.units.wait_ms IS 'time the connection waited between statements of one occurrence, ms, of all occurrences';
COMMENT ON COLUMN dbperf.units.wait_ms_min IS 'least waiting time in one occurrence, ms';
COMMENT ON COLUMN dbperf.units.wait_ms_median IS 'median waiting time in an occurrence, ms';
COMMENT ON COLUMN dbperf.units.wait_ms_max IS 'most waiting time in one occurrence, ms';
COMMENT ON COLUMN dbperf.units.findings IS 'findings that name it: repeated statements in it (names that differ in a number count together there), and breaches of its budgets';
COMMENT ON COLUMN dbperf.units.overflow IS 'it is all that found no room';
COMMENT ON COLUMN dbperf.units.first_at IS 'when it was first seen';
COMMENT ON COLUMN dbperf.units.run_id IS 'id of the run';
