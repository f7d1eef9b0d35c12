// dbperf.status(): what is loaded, how full it is, what was lost.
#include "core/pg.h"

#include "core/event_queue.h"
#include "core/overhead.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/sql_version.h"
#include "database_pool/registry.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "deadlocks/deadlock_capture.h"
#include "n_plus_one/finding_table.h"
#include "plans/plan_capture.h"
#include "plans/plan_table.h"
#include "statements/execution.h"
#include "statements/query_text.h"
#include "statements/statement_table.h"
#include "workload/parameter_table.h"

using namespace dbperf::core;
using namespace dbperf::statements;
using namespace dbperf::n_plus_one;
using namespace dbperf::plans;
using namespace dbperf::workload;
using namespace dbperf::deadlocks;
using namespace dbperf::deadlock_prediction;
using namespace dbperf::database_pool;

namespace {

void put(ReturnSetInfo *result, const char *item, const char *value, const char *note) {
    const Datum values[] = {CStringGetTextDatum(item), value ? CStringGetTextDatum(value) : Datum{0},
                            note ? CStringGetTextDatum(note) : Datum{0}};
    const bool nulls[] = {false, value == nullptr, note == nullptr};
    tuplestore_putvalues(result->setResult, result->setDesc, const_cast<Datum *>(values), const_cast<bool *>(nulls));
}

void put(ReturnSetInfo *result, const char *item, uint64 value, const char *note) {
    put(result, item, psprintf(UINT64_FORMAT, value), note);
}

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

void put_test_databases(ReturnSetInfo *result) {
    struct Numbers {
        Counts counts;
        uint64 copies;
    };
    const Numbers numbers = locked([] { return Numbers{registry->counts, count_all()}; });
    put(result, "test_databases", numbers.copies, "copies that exist; dbperf.max_test_databases");
    put(result, "test_databases_acquired", numbers.counts.acquired, "since the server started, as all of these");
    put(result, "test_databases_made", numbers.counts.made, "copies");
    put(result, "test_databases_clean", numbers.counts.clean, "resets and releases with nothing to put back");
    put(result, "test_databases_reset", numbers.counts.put_back, "... that put pages back");
    put(result, "test_databases_pages", numbers.counts.pages, "pages put back");
    put(result, "test_databases_kept", numbers.counts.kept, "as failed tests left them; dbperf.max_kept_databases");
    put(result, "test_databases_verified", numbers.counts.verified, "compared with the template: dbperf.verify");
    for (size_t i = 0; i < numbers.counts.replaced.size(); ++i)
        if (numbers.counts.replaced[i] > 0)
            put(result, "test_databases_replaced", numbers.counts.replaced[i],
                text_of(static_cast<ResetReason>(i)).data());
}

} // namespace

DBPERF_FUNCTION(dbperf_status) {
    shared_memory::require_preloaded();
    InitMaterializedSRF(fcinfo, 0);
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    const recording::State recording = recording::state();
    const event_queue::State queue = event_queue::state();
    const statement_table::State statements = statement_table::state();
    const query_text::State texts = query_text::state();
    runs::Run *active = static_cast<runs::Run *>(palloc(sizeof(runs::Run) * runs::most_runs));

    const char *sql = sql_version::installed();
    put(result, "module_version", DBPERF_VERSION, "of the loaded library");
    put(result, "extension_version", sql,
        !sql || sql_version::is_current(sql) ? "of this database" : sql_version::remedy(sql));
    put(result, "server_version", GetConfigOption("server_version", false, false), nullptr);
    put(result, "enabled", settings::enabled ? "on" : "off", "dbperf.enabled");
    const char *results = results_database::name();
    put(result, "results_database", results,
        results ? "dbperf.database, or else where a superuser created the extension first"
                : "there is none: set dbperf.database, or call dbperf.choose_results_database() there");
    put(result, "recorder", recorder_text(recording), recorder_note(recording));
    put(result, "active_runs", static_cast<uint64>(runs::list(active)), nullptr);
    put(result, "statements", statements.entries, "entries of live statistics");
    put(result, "max_statements", statements.most, "dbperf.max_statements");
    put(result, "evicted_statements", statements.evicted, "entries outside runs that made room");
    put(result, "dropped_executions", statements.dropped, "not counted: the table was full of statements of runs");
    put(result, "unobserved_executions", execution::stack.overflows,
        "of this session: more than 64 statements were open at once");
    put(result, "text_bytes", texts.bytes_used, "query texts");
    put(result, "text_memory", texts.bytes_total, "dbperf.text_memory");
    put(result, "text_compactions", texts.compactions, "how often texts that are not needed made room");
    put(result, "dropped_texts", texts.dropped, "texts that found no room");
    put(result, "queue_bytes", queue.bytes_used, "observations waiting for the recorder");
    put(result, "queue_largest", queue.largest_use, nullptr);
    put(result, "queue_size", queue.bytes_total, "dbperf.queue_size");
    put(result, "queued_records", queue.appended, "since the server started");
    put(result, "written_records", recording.records_written, "by the recorder");
    put(result, "dropped_records", queue.dropped, "the queue was full, or one record was too long");
    put(result, "failed_records", recording.records_failed, "could not be written; see the server's log");
    put(result, "dropped_plans", plan_table::dropped(), "shapes beyond dbperf.max_plans");
    put(result, "failed_plans", plan_capture::failures(), "of this session: plans that could not be formatted");
    const parameter_table::State parameters = parameter_table::state();
    put(result, "dropped_parameters", parameters.dropped,
        "executions of statements beyond dbperf.max_statements while dbperf.keep_parameters was on");
    put(result, "left_out_parameters", parameters.left_out, "parameter sets longer than 16 kB, or that have no text");
    put(result, "dropped_findings", finding_table::dropped(), "beyond dbperf.max_findings");
    const lock_trace_table::State locks = lock_trace_table::state();
    put(result, "lock_traces", locks.traces, "transactions of runs whose locks are known (dbperf.track_locks)");
    put(result, "lock_trace_bytes", locks.bytes_used, nullptr);
    put(result, "lock_memory", locks.bytes_total, "dbperf.lock_memory");
    put(result, "dropped_lock_traces", locks.dropped, "found no room: deadlocks with them are not predicted");
    const deadlock_capture::State deadlocks = deadlock_capture::state();
    put(result, "deadlocks", deadlocks.captured, "explained in dbperf.deadlocks, or on their way there");
    put(result, "dropped_deadlocks", deadlocks.dropped, "the queue was full, or one had too many members");
    put_test_databases(result);
    const overhead::State own = overhead::state();
    put(result, "overhead",
        own.samples == 0 ? nullptr
                         : psprintf("%.3f us", static_cast<double>(own.time) / 1e3 / static_cast<double>(own.samples)),
        psprintf("mean time spent on a statement after its execution, of " UINT64_FORMAT " sampled", own.samples));
    put(result, "shared_memory", shared_memory::total_size(), "bytes in all");
    return Datum{0};
}
