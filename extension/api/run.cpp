// dbperf.start_run(), finish_run(), flush(), reset().
#include "server/pg.h"

#include "observe/deadlock_capture.h"
#include "observe/finding_table.h"
#include "observe/lock_trace_table.h"
#include "observe/own_time.h"
#include "observe/parameter_table.h"
#include "observe/plan_table.h"
#include "observe/query_text.h"
#include "observe/repetition.h"
#include "observe/shared_units.h"
#include "observe/statement_table.h"
#include "record/recorder.h"
#include "server/event_queue.h"
#include "server/runs.h"
#include "server/shared_memory.h"

using namespace dbperf;

// start_run(label text, attributes jsonb) returns uuid: begins a run for the whole server.
DBPERF_FUNCTION(dbperf_start_run) {
    shared_memory::require_available();
    const char *label = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const char *attributes = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(1)));
    if (label[0] == '\0')
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a run needs a label"),
                errhint("Pass a short name such as 'before' or a commit hash."));
    if (strlen(label) >= runs::label_size)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("the label is longer than %d bytes", static_cast<int>(runs::label_size) - 1));
    if (strlen(attributes) >= runs::attributes_size)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("the attributes are longer than %d bytes", static_cast<int>(runs::attributes_size) - 1));
    recorder::adopt_database();
    runs::Run run;
    switch (runs::start(label, attributes, true, &run)) {
    case runs::Outcome::exists:
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("a run is under way already, or one has the label \"%s\"", label),
                errhint("End it with dbperf.finish_run(), or drop what is under way with dbperf.reset()."));
        break;
    case runs::Outcome::full:
        ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                errmsg("%d runs are under way already", runs::most_runs), errhint("Finish some of them first."));
        break;
    default:
        break;
    }
    pg_uuid_t *uuid = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    *uuid = run.uuid;
    PG_RETURN_UUID_P(uuid);
}

// finish_run(label text) returns uuid: closes the run, stores its statistics, returns when they are committed.
DBPERF_FUNCTION(dbperf_finish_run) {
    shared_memory::require_available();
    const char *label = PG_ARGISNULL(0) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(0));
    if (RecoveryInProgress())
        ereport(ERROR, errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("cannot store results during recovery"),
                errhint("On a standby nothing is written; read the live views, and end the run with dbperf.reset()."));
    repetition::tell_all();
    runs::Run run;
    if (runs::begin_closing(label, &run) != runs::Outcome::done) {
        if (label)
            ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("no run with the label \"%s\" is under way", label),
                    errhint("SELECT label FROM dbperf.runs WHERE state = 'active' lists them."));
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no run is under way"),
                errhint("Begin one with dbperf.start_run('label')."));
    }
    recorder::flush();
    pg_uuid_t *uuid = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    *uuid = run.uuid;
    PG_RETURN_UUID_P(uuid);
}

// flush(): returns when everything observed before the call is committed to the tables.
DBPERF_FUNCTION(dbperf_flush) {
    shared_memory::require_available();
    PreventCommandIfReadOnly("dbperf.flush()");
    repetition::tell_all();
    recorder::flush();
    PG_RETURN_VOID();
}

// reset(): forgets runs under way, live statistics, findings and what is queued. Of what is stored, the findings that
// belong to no run go too (whether they were stored yet is chance); runs stay.
DBPERF_FUNCTION(dbperf_reset) {
    shared_memory::require_available();
    runs::reset();
    statement_table::reset();
    plan_table::reset();
    parameter_table::reset();
    finding_table::reset();
    shared_units::reset();
    lock_trace_table::reset();
    event_queue::reset();
    deadlock_capture::reset();
    query_text::reset();
    own_time::reset();
    PG_RETURN_VOID();
}

// stats_reset() returns timestamptz: when reset() was last called since the server started, or null.
DBPERF_FUNCTION(dbperf_stats_reset) {
    shared_memory::require_available();
    const TimestampTz at = finding_table::reset_at();
    if (at == 0)
        PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(at);
}
