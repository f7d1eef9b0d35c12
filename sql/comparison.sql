-- The evidence of a comparison: times judged by statistics, plans by their differences.

CREATE FUNCTION dbperf.compare_times(
    before float8[], after float8[], paired boolean DEFAULT false, minimum_ratio float8 DEFAULT 1.2,
    proven_ratio float8 DEFAULT NULL, minimum_difference float8 DEFAULT NULL, confidence float8 DEFAULT 0.99,
    minimum_samples integer DEFAULT 10,
    OUT samples integer, OUT median_before float8, OUT median_after float8, OUT ratio float8, OUT low float8, OUT high float8,
    OUT p float8, OUT change text)
RETURNS record
AS 'MODULE_PATHNAME', 'dbperf_compare_times' LANGUAGE C CALLED ON NULL INPUT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.compare_times(float8[], float8[], boolean, float8, float8, float8, float8, integer) IS
'did times change? before, after: times of single executions, positive, in any unit (ms for the default of minimum_difference), in any order, at most 100000 a side; paired: before[i] and after[i] were measured in turns with the same parameters, as many of each.
ratio: after / before by Hodges and Lehmann (1963) on logarithms, 2 is twice as slow; low, high: its interval of the given confidence, null when there are too few samples for one; p: two-sided, that the ratio is not beyond proven_ratio, by Mann and Whitney (1947) or, paired, Wilcoxon (1945), null below minimum_samples; samples: of the smaller side; median_before, median_after: in the unit of the times.
change: worse or better when the interval excludes proven_ratio (or its inverse), p is at most 1 - confidence, ratio reaches minimum_ratio (or its inverse) and the medians differ by minimum_difference; equal when that is excluded; unclear when neither is proven; not_enough_samples below minimum_samples a side.
Null takes what suits the measurement: for separate runs a proven_ratio of 1.2 and a minimum_difference of 1, for pairs 1 and 0. A null array gives null. Errors: null or not positive elements, pairs of unequal number, thresholds out of range. Many queries: pass their p through dbperf.adjust_holm(), then ask dbperf.judge_time()';

CREATE FUNCTION dbperf.judge_time(
    samples integer, median_before float8, median_after float8, ratio float8, low float8, high float8, p float8,
    paired boolean DEFAULT false, minimum_ratio float8 DEFAULT 1.2, proven_ratio float8 DEFAULT NULL,
    minimum_difference float8 DEFAULT NULL, confidence float8 DEFAULT 0.99, minimum_samples integer DEFAULT 10) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_judge_time' LANGUAGE C CALLED ON NULL INPUT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.judge_time(integer, float8, float8, float8, float8, float8, float8, boolean, float8, float8, float8, float8, integer) IS
'the change of dbperf.compare_times() from its figures and an adjusted p: worse, better, equal, unclear or not_enough_samples; the rules as there';

CREATE FUNCTION dbperf.adjust_holm(p_values float8[]) RETURNS float8[]
AS 'MODULE_PATHNAME', 'dbperf_adjust_holm' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.adjust_holm(float8[]) IS
'p-values of many queries, each raised so that calling all below alpha changed is wrong about any of them with a probability of at most alpha, however they depend on each other (Holm 1979); same shape and order; nulls and what is no probability stay as they are and do not count';

CREATE FUNCTION dbperf.plan_changes(
    before jsonb, after jsonb, ratio float8 DEFAULT 1.2, blocks float8 DEFAULT 64, rows float8 DEFAULT 1000,
    executions float8 DEFAULT 100,
    OUT "position" integer, OUT kind text, OUT direction text, OUT relation text, OUT alias text, OUT node_before text,
    OUT node_after text, OUT sentence text, OUT unit text, OUT figure_before float8, OUT figure_after float8,
    OUT ms_before float8, OUT ms_after float8)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_plan_changes' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.plan_changes(jsonb, jsonb, float8, float8, float8, float8) IS
'what differs between two plans of one statement, the worst first; both as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints them, or one of them under its key Plan, of any supported server; nodes are matched by alias and relation, others by what they read.
kind: access, join_method, join_order, strategy, appeared, gone, spill_started, spill_ended, removed_rows, rechecked_rows, blocks, executions; direction: worse, better or neutral. relation, alias: in the later plan, else the earlier; null above one relation. node_before, node_after: node types as in EXPLAIN, null in the plan that has none. sentence: for people, without a period.
figure_before, figure_after: in the unit (blocks, kB on disk, rows, executions), what the node did itself in all its loops; ms_before, ms_after: its own time, null with TIMING off.
A figure changed when it did so by more than the ratio and by more than the difference: blocks, rows (also those that make a sequential scan in place of an index scan worse), executions. At most 256 nodes of a plan are compared. Errors: what is no plan, a ratio below 1, a negative threshold. No row: no change';

CREATE FUNCTION dbperf.plan_shape(plan json) RETURNS bigint
AS 'MODULE_PATHNAME', 'dbperf_plan_shape' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.plan_shape(json) IS
'identity of a plan by names, as in dbperf.plans: equal for plans that do the same in the same way, on any server, whatever they cost; null for what is no plan; takes EXPLAIN (FORMAT JSON) as it is printed';
