-- Who may see and do what. Texts and plans can hold data of any user, so what is stored is for those who may read all
-- statistics; live statistics show every role its own texts, as pg_stat_statements does.

GRANT USAGE ON SCHEMA dbperf TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA dbperf TO pg_read_all_stats;
REVOKE EXECUTE ON FUNCTION dbperf.start_run(text, jsonb), dbperf.finish_run(text), dbperf.reset(), dbperf.collect_test_databases(boolean),
    dbperf.store_interleaved_times(text, text, text, float8[], float8[], text),
    dbperf.store_query_outcome(text, text, text, text, text),
    dbperf.store_cycle_outcome(text, text, bigint, text, text), dbperf.import_run(jsonb, text),
    dbperf.prune(interval, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dbperf.start_run(text, jsonb), dbperf.finish_run(text), dbperf.reset(), dbperf.collect_test_databases(boolean),
    dbperf.store_interleaved_times(text, text, text, float8[], float8[], text),
    dbperf.store_query_outcome(text, text, text, text, text),
    dbperf.store_cycle_outcome(text, text, bigint, text, text), dbperf.import_run(jsonb, text),
    dbperf.prune(interval, text[]) TO pg_monitor;

SELECT pg_catalog.pg_extension_config_dump('dbperf.run', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.query_text', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.statement', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.plan', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.plan_node', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.interleaved_times', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.parameter_set', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.query_outcome', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.n_plus_one_finding', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.lock_cycle', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.budgets', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.n_plus_one_acknowledgement', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_member', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_step', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_bystander', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.ddl', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.schema_snapshot', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.acceptance', '');
-- Numbers go on where they were: rows of the same number would be refused, or two deadlocks be one.
SELECT pg_catalog.pg_extension_config_dump('dbperf.ddl_ddl_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.plan_plan_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_deadlock_id_seq', '');
