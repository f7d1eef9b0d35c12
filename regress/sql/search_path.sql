-- The functions of the extension mean the same whatever the caller's search_path: nobody can slip an operator under them.
\set SHOW_CONTEXT never
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring(bigint, float8) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE OPERATOR trap./ (LEFTARG = bigint, RIGHTARG = float8, FUNCTION = trap.spring);
CREATE OPERATOR trap.* (LEFTARG = bigint, RIGHTARG = float8, FUNCTION = trap.spring);
SET search_path = trap, public;
SELECT 1::bigint / 1::float8 AS trapped;
SELECT dbperf.bucket_low_ms(40), dbperf.bucket_width_ms(40);
SELECT dbperf.quantile('{40,3,50,1}', 0.5);
SELECT dbperf.binomial_tail(20, 3, 0.05) BETWEEN 0 AND 1 AS probability;
SELECT count(p50_ms) > 0 AS readable FROM dbperf.statements;
SET search_path = trap, pg_catalog, public;
SELECT dbperf.bucket_low_ms(40), dbperf.binomial_tail(20, 3, 0.05) BETWEEN 0 AND 1 AS probability;
RESET search_path;

-- Bound when created, or with a path of their own.
SELECT p.oid::regprocedure AS offender
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'dbperf'
 WHERE l.lanname NOT IN ('c', 'internal') AND NOT (l.lanname = 'sql' AND p.prosqlbody IS NOT NULL)
   AND COALESCE(p.proconfig::text, '') NOT LIKE '%search_path=pg_catalog, pg_temp%'
 ORDER BY p.proname COLLATE "C";

-- Nor when the extension is created under such a path: the script looks up what it uses in pg_catalog alone.
SET client_min_messages = warning;
SET search_path = trap, pg_catalog, public;
DROP EXTENSION dbperf;
CREATE EXTENSION dbperf;
SELECT dbperf.bucket_low_ms(40), dbperf.bucket_width_ms(40), dbperf.binomial_tail(20, 3, 0.05) BETWEEN 0 AND 1 AS probability;
SHOW search_path;
RESET search_path;
RESET client_min_messages;

DROP OPERATOR trap./ (bigint, float8);
DROP OPERATOR trap.* (bigint, float8);
DROP FUNCTION trap.spring;
DROP SCHEMA trap;
