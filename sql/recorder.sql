-- The recorder's own table, and what it and everything else say of themselves.

-- How far the recorder has stored the queue of one life of shared memory (epoch): makes writing exactly-once.
CREATE TABLE dbperf.recorder_progress (
    epoch bigint PRIMARY KEY,
    last_sequence bigint NOT NULL
);
COMMENT ON TABLE dbperf.recorder_progress IS 'internal: how far the recorder has stored its queue, so that nothing is stored twice';

CREATE FUNCTION dbperf.status(OUT item text, OUT value text, OUT note text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_status' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.status() IS
'what is loaded, how full it is, and what was dropped: one row an item, with its value and a note on it. Sizes are bytes, counts are since the server started';
