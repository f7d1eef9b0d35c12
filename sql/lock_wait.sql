-- Waits for locks in runs: who waited for whom.

CREATE TABLE dbperf.lock_wait (
    project text NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    database text NOT NULL,
    kind text NOT NULL,
    relation text,
    row_key text,
    mode text,
    role text NOT NULL,
    application_name text,
    fingerprint bigint,
    inner_fingerprint bigint, -- of what the statement executes just then
    blocker_role text,
    blocker_application_name text,
    blocker_fingerprint bigint,
    evidence text,
    head_fingerprint bigint,
    waits bigint NOT NULL,
    waited_ms float8 NOT NULL,
    max_ms float8 NOT NULL,
    estimated_ms float8 NOT NULL,
    transaction_ms float8 NOT NULL, -- of the transactions that waited, 0: not known
    transaction_wait_ms float8 NOT NULL, -- part of that in which they waited here
    head_idle_ms float8 NOT NULL,
    longest_chain integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (project, run_id, number)
);
COMMENT ON TABLE dbperf.lock_wait IS 'internal: waits for locks of finished runs; read dbperf.lock_waits';

CREATE FUNCTION dbperf.live_lock_waits(
    OUT run_id uuid, OUT run text, OUT database text, OUT kind text, OUT relation text, OUT row_key text, OUT mode text, OUT role text,
    OUT application_name text, OUT fingerprint bigint, OUT inner_fingerprint bigint, OUT blocker_role text,
    OUT blocker_application_name text, OUT blocker_fingerprint bigint, OUT evidence text, OUT head_fingerprint bigint, OUT waits bigint,
    OUT waited_ms float8, OUT max_ms float8, OUT estimated_ms float8, OUT transaction_ms float8, OUT transaction_wait_ms float8, OUT head_idle_ms float8,
    OUT longest_chain integer, OUT first_at timestamptz, OUT last_at timestamptz, OUT query text, OUT inner_query text,
    OUT blocker_query text, OUT head_query text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_lock_waits' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.live_lock_waits() IS 'internal: waits for locks in shared memory; read dbperf.lock_waits';

CREATE VIEW dbperf.lock_waits AS
WITH live AS (
    SELECT l.* FROM dbperf.live_lock_waits() l
), every AS (
    SELECT l.run, l.database, l.kind, l.relation, l.row_key, l.mode, l.query, l.inner_query, l.blocker_query, l.head_query, l.evidence,
           l.waits, l.waited_ms, l.max_ms, l.estimated_ms, l.transaction_ms, l.transaction_wait_ms, l.head_idle_ms, l.longest_chain, l.application_name,
           l.blocker_application_name, l.role, l.blocker_role, l.fingerprint, l.inner_fingerprint, l.blocker_fingerprint,
           l.head_fingerprint, l.first_at, l.last_at, l.run_id
      FROM live l
    UNION ALL
    SELECT r.label, w.database, w.kind, w.relation, w.row_key, w.mode, q.query, i.query, b.query, h.query, w.evidence,
           w.waits, w.waited_ms, w.max_ms, w.estimated_ms, w.transaction_ms, w.transaction_wait_ms, w.head_idle_ms, w.longest_chain, w.application_name,
           w.blocker_application_name, w.role, w.blocker_role, w.fingerprint, w.inner_fingerprint, w.blocker_fingerprint,
           w.head_fingerprint, w.first_at, w.last_at, w.run_id
      FROM dbperf.lock_wait w
      JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text q ON q.project = w.project AND q.fingerprint = w.fingerprint
      LEFT JOIN dbperf.query_text i ON i.project = w.project AND i.fingerprint = w.inner_fingerprint
      LEFT JOIN dbperf.query_text b ON b.project = w.project AND b.fingerprint = w.blocker_fingerprint
      LEFT JOIN dbperf.query_text h ON h.project = w.project AND h.fingerprint = w.head_fingerprint
     WHERE NOT EXISTS (SELECT FROM live l WHERE l.run_id = w.run_id)
)
SELECT e.run, e.database, e.kind, e.relation, e.row_key, e.mode, e.query, e.inner_query, e.blocker_query, e.waits, e.waited_ms, e.max_ms,
       e.estimated_ms, e.transaction_wait_ms / NULLIF(e.transaction_ms, 0) AS transaction_share, e.longest_chain, e.head_query, e.head_idle_ms,
       e.evidence, e.application_name, e.blocker_application_name, e.role, e.blocker_role, e.transaction_ms, e.first_at, e.last_at,
       e.fingerprint, e.inner_fingerprint, e.blocker_fingerprint, e.head_fingerprint, e.run_id
  FROM every e;
COMMENT ON VIEW dbperf.lock_waits IS
'who waited for whom in runs with dbperf.track_lock_waits, live and of finished runs: one row a statement that waited, row or table it waited at, and statement that was in its way. A worker looks every dbperf.lock_wait_interval: a wait that is longer is always seen, a shorter one by chance, and how often those were is not known';
COMMENT ON COLUMN dbperf.lock_waits.run IS 'label of the run';
COMMENT ON COLUMN dbperf.lock_waits.database IS 'name of the database';
COMMENT ON COLUMN dbperf.lock_waits.kind IS 'what was locked: row (unique keys too), table, advisory, transaction (a command waits for the end of another, whatever that did), object, extension (of a file) or other';
COMMENT ON COLUMN dbperf.lock_waits.relation IS 'table, also of the row; of other locks what is locked, in words; null: not known';
COMMENT ON COLUMN dbperf.lock_waits.row_key IS 'the row, as column=value or ctid=(block,line); null: not known, or no row';
COMMENT ON COLUMN dbperf.lock_waits.mode IS 'mode that was waited for: of a table, or FOR UPDATE, INSERT and the like of a row';
COMMENT ON COLUMN dbperf.lock_waits.query IS 'normalised text of the statement that waited, as the client sent it; null: not known';
COMMENT ON COLUMN dbperf.lock_waits.inner_query IS 'what it executed inside when it waited: of a foreign key, a trigger or a function; null: nothing else';
COMMENT ON COLUMN dbperf.lock_waits.blocker_query IS 'statement that took the lock, or waited for it and came earlier; without evidence what its session executed; null: not known';
COMMENT ON COLUMN dbperf.lock_waits.waits IS 'waits that were seen; one in whose way several were one after another counts for each';
COMMENT ON COLUMN dbperf.lock_waits.waited_ms IS 'how long all of these lasted, ms, from the server''s own start of each to the last look at it: short of the end by less than dbperf.lock_wait_interval';
COMMENT ON COLUMN dbperf.lock_waits.max_ms IS 'how long the longest of them lasted, ms';
COMMENT ON COLUMN dbperf.lock_waits.estimated_ms IS 'estimate that includes waits too short to be seen each time, ms: looks at which one was seen, times the interval';
COMMENT ON COLUMN dbperf.lock_waits.transaction_share IS 'part of the time of the transactions that were seen waiting here, from their begin to their end, in which they did; too small where transactions are as short as dbperf.lock_wait_interval; null: not known, as with track_activities off';
COMMENT ON COLUMN dbperf.lock_waits.longest_chain IS 'most sessions that stood behind each other, this one and the one that held the lock included';
COMMENT ON COLUMN dbperf.lock_waits.head_query IS 'as blocker_query, of the session at the head of the longest chain, which waited for no lock itself';
COMMENT ON COLUMN dbperf.lock_waits.head_idle_ms IS 'part of waited_ms in which the session at the head was idle in its transaction: the application did something else';
COMMENT ON COLUMN dbperf.lock_waits.evidence IS 'exact: blocker_query is the statement; likely: no other that is known could be; null: not known';
COMMENT ON COLUMN dbperf.lock_waits.application_name IS 'application_name of the session that waited first';
COMMENT ON COLUMN dbperf.lock_waits.blocker_application_name IS 'application_name of the session that was in its way';
COMMENT ON COLUMN dbperf.lock_waits.role IS 'role of the session that waited';
COMMENT ON COLUMN dbperf.lock_waits.blocker_role IS 'role of the session that was in its way; null: not known, or a prepared transaction';
COMMENT ON COLUMN dbperf.lock_waits.transaction_ms IS 'time of the transactions that waited here, in the run, ms';
COMMENT ON COLUMN dbperf.lock_waits.first_at IS 'when it was first seen';
COMMENT ON COLUMN dbperf.lock_waits.last_at IS 'when it was seen last';
COMMENT ON COLUMN dbperf.lock_waits.fingerprint IS 'identity of the statement that waited; null: not known';
COMMENT ON COLUMN dbperf.lock_waits.inner_fingerprint IS 'identity of inner_query';
COMMENT ON COLUMN dbperf.lock_waits.blocker_fingerprint IS 'identity of blocker_query';
COMMENT ON COLUMN dbperf.lock_waits.head_fingerprint IS 'identity of head_query';
COMMENT ON COLUMN dbperf.lock_waits.run_id IS 'id of the run';
