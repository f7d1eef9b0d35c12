-- Test databases: copies of a template, one session's at a time, clean each time.

CREATE FUNCTION dbperf.acquire_database(template text) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_acquire_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.acquire_database(text) IS
'name of a database that is a copy of this one and nobody else''s until this session ends or releases it; the first call copies the template, to which nobody may be connected then (55006), later ones take a copy from the pool; waits up to dbperf.acquire_timeout; for superusers, and roles with CREATEDB that own the template';

CREATE FUNCTION dbperf.release_database(name text, keep boolean DEFAULT false) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_release_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.release_database(text, boolean) IS
'gives a database back, from a session that is not connected to it: ''clean'' (nothing was written), ''reset'' (put back), ''replaced: reason'' (dropped, a new copy is made), or ''ending'' (others are still connected to it; the rest is done when they leave); keep leaves it as a failed test left it, ''kept'', to be looked at: nobody is handed it any more, it survives restarts, and it goes when more than dbperf.max_kept_databases newer ones are kept, when its room is needed, or when it is released once more (''dropped'')';

CREATE FUNCTION dbperf.reset_database(session boolean DEFAULT true) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_reset_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.reset_database(boolean) IS
'makes the leased database of this connection equal to its template: rows, their order, sequences; returns the name of the database that is clean now: this one, or, with a warning, that of a new copy to connect to, when more than rows was changed; session also does what DISCARD ALL does, but leaves statements that the driver prepared; for the role that holds the lease, its members and the owner of the database; not in a transaction block (25001) nor in a read-only transaction (25006)';

CREATE FUNCTION dbperf.written_relations(OUT schema text, OUT relation text, OUT pages integer) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_written_relations' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.written_relations() IS
'relations of this leased database that were written to since it was clean, indexes and sequences included, with the number of pages; by the write-ahead log, which names no unlogged ones';

CREATE FUNCTION dbperf.collect_test_databases(kept boolean DEFAULT false) RETURNS integer
AS 'MODULE_PATHNAME', 'dbperf_collect_test_databases' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.collect_test_databases(boolean) IS
'drops all test databases that nobody holds, those that an earlier start of the server left included, and with kept those that are kept; never one that somebody is connected to; returns how many remain';

CREATE FUNCTION dbperf.live_test_databases(
    OUT name text, OUT template text, OUT state text, OUT holder_pid integer, OUT since timestamptz, OUT resets integer,
    OUT reason text, OUT error text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_test_databases' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.live_test_databases() IS 'internal: copies in shared memory; read dbperf.test_databases';

CREATE VIEW dbperf.test_databases AS
SELECT name, template, state, holder_pid, since, resets, reason, error FROM dbperf.live_test_databases();
COMMENT ON VIEW dbperf.test_databases IS
'copies that exist: state is creating, ready, leased (by holder_pid), ending (the lease has ended, others are connected), recycling (being put back), dropping (to be dropped, for this reason) or kept (as a failed test left it); since: when it got there; resets: how often it was put back; error: why it cannot be dropped, as long as that is tried in vain';
COMMENT ON COLUMN dbperf.test_databases.name IS 'name of the copy';
COMMENT ON COLUMN dbperf.test_databases.template IS 'name of the database it is a copy of';
COMMENT ON COLUMN dbperf.test_databases.state IS 'creating, ready, leased, ending (the lease has ended, others are connected), recycling (being put back), dropping (to be dropped) or kept';
COMMENT ON COLUMN dbperf.test_databases.holder_pid IS 'process id of the session that holds the lease; null: nobody';
COMMENT ON COLUMN dbperf.test_databases.since IS 'when it came into this state';
COMMENT ON COLUMN dbperf.test_databases.resets IS 'how often it was put back';
COMMENT ON COLUMN dbperf.test_databases.reason IS 'why it is to be dropped; null: it is not';
COMMENT ON COLUMN dbperf.test_databases.error IS 'why it could not be dropped, as long as that is tried in vain; null: nothing failed';
