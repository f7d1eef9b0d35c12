-- Deadlocks that were predicted: transactions that would have met, had they run at the same time.

CREATE TABLE dbperf.lock_cycle (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    cycle_id bigint NOT NULL, -- of the statements, tables and modes: the same in every run
    confidence text NOT NULL,
    status text NOT NULL DEFAULT 'predicted',
    outcome text, -- of an attempt to confirm it
    members integer NOT NULL,
    description text NOT NULL,
    rows_in_common jsonb NOT NULL,
    steps jsonb NOT NULL,
    PRIMARY KEY (project, run_id, database, cycle_id)
);

CREATE VIEW dbperf.lock_cycles AS
SELECT r.label AS run, c.database, c.confidence, c.status, c.members, c.description, c.rows_in_common, c.steps, c.outcome,
       c.cycle_id, c.run_id
  FROM dbperf.lock_cycle c
  JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.lock_cycles IS
    'deadlocks that transactions of a finished run could have had with each other (dbperf.track_locks); proven: the same rows were locked. steps: of each member the locks up to the one it requests, in order; rows_in_common: what each member requests of the next one';
