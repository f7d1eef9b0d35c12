-- Deadlocks that were predicted: transactions that would have met, had they run at the same time.

CREATE TABLE dbperf.lock_cycle (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    cycle_id bigint NOT NULL, -- of the statements, tables and modes: the same in every run
    confidence text NOT NULL,
    status text NOT NULL DEFAULT 'predicted'
        CHECK (status IN ('predicted', 'confirmed', 'not_reproduced', 'not_replayable')),
    outcome text, -- of an attempt to confirm it
    members integer NOT NULL,
    description text NOT NULL,
    rows_in_common jsonb NOT NULL,
    steps jsonb NOT NULL,
    replay jsonb NOT NULL,
    PRIMARY KEY (project, run_id, database, cycle_id)
);
COMMENT ON TABLE dbperf.lock_cycle IS 'internal: predicted deadlocks; read dbperf.lock_cycles';

CREATE VIEW dbperf.lock_cycles AS
SELECT r.label AS run, c.database, c.confidence, c.status, c.members, c.description, c.rows_in_common, c.steps, c.outcome,
       c.replay, c.cycle_id, c.run_id
  FROM dbperf.lock_cycle c
  JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.lock_cycles IS
    'deadlocks that transactions of a finished run could have had with each other (dbperf.track_locks); proven: the same rows were locked; possible (dbperf.possible_cycles): other parameters could lead to it. steps: of each member the locks up to the one it requests, in order; rows_in_common: what each member requests of the next one. status: what dbperf deadlock --confirm found, outcome: in words. replay: of each member what its client sent up to that request (statements with types and values of their parameters, null is NULL), search_path, role and isolation level of its transaction; pause: where it has to stop within its last statement, for dbperf.pause_before_lock; gate: the statement of another session that keeps it from the lock it holds, where it cannot stop; not_replayable: why it cannot be executed again';
COMMENT ON COLUMN dbperf.lock_cycles.run IS 'label of the run';
COMMENT ON COLUMN dbperf.lock_cycles.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.lock_cycles.confidence IS 'proven: the same rows were locked; possible: other parameters could lead to it';
COMMENT ON COLUMN dbperf.lock_cycles.status IS 'predicted, confirmed, not_reproduced or not_replayable';
COMMENT ON COLUMN dbperf.lock_cycles.members IS 'transactions in the cycle, 2 to 4';
COMMENT ON COLUMN dbperf.lock_cycles.description IS 'the cycle in one sentence';
COMMENT ON COLUMN dbperf.lock_cycles.rows_in_common IS 'a list: what each member requests of the next one';
COMMENT ON COLUMN dbperf.lock_cycles.steps IS 'a list: of each member the locks up to the one it requests, in order';
COMMENT ON COLUMN dbperf.lock_cycles.outcome IS 'what happened when dbperf deadlock --confirm tried it; null: not tried';
COMMENT ON COLUMN dbperf.lock_cycles.replay IS 'a list: what is needed to execute each member again; empty without dbperf.keep_parameters';
COMMENT ON COLUMN dbperf.lock_cycles.cycle_id IS 'of statements, tables and modes: the same in every run';
COMMENT ON COLUMN dbperf.lock_cycles.run_id IS 'id of the run';

CREATE FUNCTION dbperf.store_cycle_outcome(run text, database text, cycle_id bigint, status text, outcome text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE dbperf.lock_cycle c SET status = store_cycle_outcome.status, outcome = store_cycle_outcome.outcome
     WHERE c.run_id = dbperf.find_run(store_cycle_outcome.run) AND c.database = store_cycle_outcome.database
       AND c.cycle_id = store_cycle_outcome.cycle_id;
END;
COMMENT ON FUNCTION dbperf.store_cycle_outcome(text, text, bigint, text, text) IS
    'for whoever tried to make a predicted deadlock of a finished run happen (null: the latest): its status (predicted, confirmed, not_reproduced, not_replayable) and what happened, without a period. A cycle that does not exist is ignored. Errors: no such run, an unknown status';

CREATE TABLE dbperf.lock_trace (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    number integer NOT NULL,
    format integer NOT NULL,
    trace bytea NOT NULL, -- as the server's memory had it
    PRIMARY KEY (project, run_id, database, number)
);
COMMENT ON TABLE dbperf.lock_trace IS 'internal: transactions of a run with what they locked, which migrations are matched with';

CREATE FUNCTION dbperf.match_locks(run uuid, migration uuid, database text) RETURNS bigint
AS 'MODULE_PATHNAME', 'dbperf_match_locks' LANGUAGE C STRICT VOLATILE
SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION dbperf.match_locks(uuid, uuid, text) IS
    'for dbperf deadlock and compare: predicts deadlocks between transactions of a run in this database, and those of a run in which a migration was tried in a copy of it. They are stored with the latter, as of this database; gives how many. For the owner of the extension and whom a GRANT EXECUTE allows it';
