// dbperf.start_run(), finish_run(), flush(), reset(), choose_results_database().
#include "core/pg.h"

#include <algorithm>

#include "core/event_queue.h"
#include "core/feature.h"
#include "core/overhead.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/runs.h"
#include "core/shared_memory.h"
#include "statements/live_rows.h"

using namespace dbperf;
using namespace dbperf::core;

namespace {

// A run is stored without the schema of databases that could not be described; whoever finishes it hears of it.
void warn_of_snapshots(const recording::State &before) {
    const recording::State now = recording::state();
    if (const uint64 missed = now.snapshots_without_slot - before.snapshots_without_slot; missed > 0)
        ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                errmsg("the run is stored without the schema of " UINT64_FORMAT
                       " of its databases: no background worker was free",
                       missed),
                errhint("Raise max_worker_processes: while a run is finished dbperf needs three."));
    if (const uint64 missed = now.snapshots_too_late - before.snapshots_too_late; missed > 0)
        ereport(WARNING, errcode(ERRCODE_QUERY_CANCELED),
                errmsg("the run is stored without the schema of " UINT64_FORMAT
                       " of its databases: it took too long to describe it",
                       missed),
                errhint("End what locks the database, or raise dbperf.flush_timeout in the server's configuration."));
}

// Who comes second may not know who the first is: named, and nothing of it is offered for destruction.
[[noreturn]] void refuse_beside(const runs::Run &first, const char *label) {
    const char *name = statements::label_of(first);
    if (strcmp(first.label, label) == 0)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE), errmsg("a run with the label \"%s\" is under way", name),
                errhint("Choose another label, or wait until it is finished; dbperf.runs shows since when it is "
                        "under way."));
    ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE), errmsg("the run \"%s\" of the whole server is under way", name),
            errhint("Wait until it is finished, or give your sessions a run of their own: SET dbperf.run = '...'. "
                    "If nobody is at it any more, dbperf.finish_run('...') with its label stores and ends it."));
}

} // namespace

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
    recording::prevent_if_read_only("dbperf.start_run()");
    // On a standby live views show the run.
    if (!RecoveryInProgress())
        results_database::require();
    runs::Run run;
    switch (runs::start(label, attributes, true, &run)) {
    case runs::Outcome::exists:
        refuse_beside(run, label);
    case runs::Outcome::full:
        ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                errmsg("%d runs are under way already", runs::max_runs), errhint("Finish some of them first."));
        break;
    default:
        break;
    }
    recording::wake_launcher(); // which starts who observes it, by the settings it knows
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
    recording::prevent_if_read_only("dbperf.finish_run()");
    results_database::require();
    feature::call_each(&Feature::publish);
    runs::Run run;
    if (runs::begin_closing(label, &run) != runs::Outcome::done) {
        if (label)
            ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("no run with the label \"%s\" is under way", label),
                    errhint("SELECT label FROM dbperf.runs WHERE state = 'active' lists them."));
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no run is under way"),
                errhint("Begin one with dbperf.start_run('label')."));
    }
    const recording::State before = recording::state();
    recording::flush();
    warn_of_snapshots(before);
    pg_uuid_t *uuid = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    *uuid = run.uuid;
    PG_RETURN_UUID_P(uuid);
}

// flush(): returns when everything observed before the call is committed to the tables.
DBPERF_FUNCTION(dbperf_flush) {
    shared_memory::require_available();
    recording::prevent_if_read_only("dbperf.flush()");
    feature::call_each(&Feature::publish);
    recording::flush();
    PG_RETURN_VOID();
}

// reset(): forgets runs under way, live statistics, findings and what is queued. Of what is stored, the findings that
// belong to no run go too (whether they were stored yet is chance); runs stay.
DBPERF_FUNCTION(dbperf_reset) {
    shared_memory::require_available();
    recording::prevent_if_read_only("dbperf.reset()");
    runs::reset();
    // Features before the texts that they refer to, which stand first in the list.
    const auto features = feature::all();
    std::for_each(features.rbegin(), features.rend(), [](const Feature *each) {
        if (each->reset)
            each->reset();
    });
    event_queue::reset();
    overhead::reset();
    PG_RETURN_VOID();
}

// choose_results_database(only_if_none boolean) returns name: the database that is remembered as that of the results.
DBPERF_FUNCTION(dbperf_choose_results_database) {
    const bool only_if_none = PG_GETARG_BOOL(0);
    PreventCommandIfReadOnly("dbperf.choose_results_database()");
    const Oid database = results_database::choose(only_if_none);
    if (!OidIsValid(database))
        PG_RETURN_NULL();
    NameData *name = static_cast<NameData *>(palloc0(NAMEDATALEN));
    namestrcpy(name, get_database_name(database));
    PG_RETURN_NAME(name);
}
