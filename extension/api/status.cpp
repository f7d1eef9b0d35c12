// dbperf.status(): what is loaded, how full it is, what was lost.
#include "core/pg.h"

#include "core/event_queue.h"
#include "core/feature.h"
#include "core/overhead.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/sql_version.h"

using namespace dbperf::core;

namespace {

const char *recorder_text(const recording::State &state) {
    if (RecoveryInProgress())
        return "off";
    if (state.pid != 0)
        return "running";
    return state.last_failure == recording::Failure::none ? "idle" : "failed";
}

const char *recorder_note(const recording::State &state) {
    if (RecoveryInProgress())
        return "on a standby nothing is written";
    switch (state.last_failure) {
    case recording::Failure::none:
        return state.pid != 0 ? "writing, or about to leave" : "starts when there is something to write";
    case recording::Failure::no_extension:
        return "the results database does not have the extension";
    case recording::Failure::other_version:
        return "the results database has another version of the extension: ALTER EXTENSION dbperf UPDATE";
    case recording::Failure::foreign:
        return "something in schema dbperf of the results database is another role's; see the server's log";
    case recording::Failure::no_slot:
        return "no background worker was free: raise max_worker_processes";
    case recording::Failure::not_startable:
        return "could not be started; see the server's log";
    case recording::Failure::write_failed:
        return "could not write; see the server's log";
    case recording::Failure::run_failed:
        return "could not store a run that was finished; see the server's log";
    }
    return nullptr;
}

} // namespace

DBPERF_FUNCTION(dbperf_status) {
    shared_memory::require_preloaded();
    InitMaterializedSRF(fcinfo, 0);
    const StatusRows rows{reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo)};
    const recording::State recorder = recording::state();
    const event_queue::State queue = event_queue::state();
    runs::Run *active = static_cast<runs::Run *>(palloc(sizeof(runs::Run) * runs::max_runs));

    const char *sql = sql_version::installed();
    rows.put("module_version", DBPERF_VERSION, "of the loaded library");
    rows.put("extension_version", sql,
             !sql || sql_version::is_current(sql) ? "of this database" : sql_version::remedy(sql));
    rows.put("server_version", GetConfigOption("server_version", false, false), nullptr);
    rows.put("enabled", settings::enabled ? "on" : "off", "dbperf.enabled");
    const char *results = results_database::name();
    rows.put("results_database", results,
             results ? "dbperf.database, or else where a superuser created the extension first"
                     : "there is none: set dbperf.database, or call dbperf.choose_results_database() there");
    rows.put("recorder", recorder_text(recorder), recorder_note(recorder));
    rows.put("active_runs", static_cast<uint64>(runs::list(active)), nullptr);
    rows.put("queue_bytes", queue.bytes_used, "observations waiting for the recorder");
    rows.put("queue_largest", queue.largest_use, nullptr);
    rows.put("queue_size", queue.bytes_total, "dbperf.queue_size");
    rows.put("queued_records", queue.appended, "since the server started");
    rows.put("written_records", recorder.records_written, "by the recorder");
    rows.put("dropped_records", queue.dropped, "the queue was full, or one record was too long");
    rows.put("failed_records", recorder.records_failed, "could not be written; see the server's log");
    feature::call_each(&Feature::status, rows);
    const overhead::State own = overhead::state();
    rows.put(
        "overhead", own.samples == 0 ? nullptr : psprintf("%.3f us", static_cast<double>(own.median) / 1e3),
        psprintf("median time spent on a statement after its execution, of " UINT64_FORMAT " sampled", own.samples));
    rows.put("shared_memory", shared_memory::total_size(), "bytes in all");
    return Datum{0};
}
