-- Where results are stored while dbperf.database is empty: chosen here, by the first superuser who creates the extension.

CREATE FUNCTION dbperf.choose_results_database(only_if_none boolean DEFAULT false) RETURNS name
AS 'MODULE_PATHNAME', 'dbperf_choose_results_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
REVOKE EXECUTE ON FUNCTION dbperf.choose_results_database(boolean) FROM PUBLIC;
COMMENT ON FUNCTION dbperf.choose_results_database(boolean) IS
'makes this database the one that keeps the results of the server while dbperf.database is empty, and gives its name; only_if_none: not when there is one already, whose name it gives then. It is remembered over restarts, on standbys and when the database is renamed; what is stored elsewhere stays there. For superusers. Not a template, nor a test database';

SELECT dbperf.choose_results_database(only_if_none => true);
