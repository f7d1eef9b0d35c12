// What flushers, launcher and recorder know of each other.
#include "core/pg.h"

#include "core/recording.h"

#include <algorithm>

#include "core/compat.h"
#include "core/event_queue.h"
#include "core/feature.h"
#include "core/guard.h"
#include "core/results_database.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::core::recording {
namespace {

struct Shared {
    slock_t mutex;
    State state;
    ConditionVariable progress;
};

Shared *shared = nullptr;

Size size() {
    return sizeof(Shared);
}

void attach(void *memory, bool fresh) {
    shared = static_cast<Shared *>(memory);
    if (!fresh)
        return;
    memset(memory, 0, sizeof(Shared));
    SpinLockInit(&shared->mutex);
    ConditionVariableInit(&shared->progress);
}

void raise_failure(Failure failure, const char *database) {
    switch (failure) {
    case Failure::no_extension:
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("the results database \"%s\" does not have the extension dbperf", database),
                errhint("Run CREATE EXTENSION dbperf in it, or set dbperf.database to a database that has it."));
        break;
    case Failure::other_version:
        ereport(
            ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("the extension dbperf of the results database \"%s\" is of another version than the loaded library "
                   "(%s)",
                   database, DBPERF_VERSION),
            errhint("Run ALTER EXTENSION dbperf UPDATE in it, and restart the server when the library is the older "
                    "one. What is queued is kept."));
        break;
    case Failure::foreign:
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("schema dbperf of the results database \"%s\" is not the extension's own", database),
                errhint("The server's log says what in it belongs to a role that is no superuser. Drop that or take it "
                        "over, or name another database in dbperf.database."));
        break;
    case Failure::no_slot:
        ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                errmsg("the recorder could not be started for the results database \"%s\": no background worker was "
                       "free",
                       database),
                errhint("Raise max_worker_processes and restart the server. What is queued is kept."));
        break;
    case Failure::write_failed:
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("the recorder could not write to the results database \"%s\"", database),
                errhint("The server's log has the reason. What is queued is kept and written later."));
        break;
    case Failure::run_failed:
        ereport(
            ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("a run could not be stored in the results database \"%s\"", database),
            errhint(
                "The server's log has the reason. The run is kept: repeat it with dbperf.flush(), or give it up with "
                "dbperf.reset()."));
        break;
    default:
        ereport(
            ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("the recorder could not be started for the results database \"%s\"", database),
            errhint("Check that the database exists and accepts connections, and that max_worker_processes leaves room "
                    "for one more worker."));
    }
}

[[noreturn]] void raise_no_progress(const State &state) {
    if (!state.has_launcher)
        ereport(
            ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
            errmsg("nothing could be stored for %d ms: dbperf's launcher does not run", settings::flush_timeout),
            errhint("Raise max_worker_processes and restart the server: the launcher, the recorder and, while a run "
                    "is finished, one more worker need a place each."));
    ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED),
            errmsg("the recorder made no progress for %d ms", settings::flush_timeout),
            errhint("What is queued is kept. Raise dbperf.flush_timeout, or end the transaction that locks a table "
                    "of schema dbperf."));
    pg_unreachable();
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf recorder", size, attach});
}

State state() {
    return with_spinlock(&shared->mutex, [] { return shared->state; });
}

void prevent_if_read_only(const char *function) {
    // During recovery every transaction is; what cannot be done there says so itself.
    if (!RecoveryInProgress())
        PreventCommandIfReadOnly(function);
}

void flush() {
    if (RecoveryInProgress())
        ereport(ERROR, errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("cannot store results during recovery"),
                errhint("On a standby nothing is written; read the live views instead."));
    results_database::require();
    const char *database = results_database::name();
    const State before = state();
    const uint64 mine = with_spinlock(&shared->mutex, [] { return ++shared->state.requested; });
    event_queue::wake_consumer();
    const TimestampTz patience = static_cast<TimestampTz>(settings::flush_timeout) * 1000;
    TimestampTz deadline = GetCurrentTimestamp() + patience;
    uint64 done = before.records_written + before.steps;
    ConditionVariablePrepareToSleep(&shared->progress);
    for (;;) {
        const State current = state();
        if (current.served >= mine)
            break;
        if (current.failed_request >= mine && current.last_failure != Failure::none) {
            ConditionVariableCancelSleep();
            raise_failure(current.last_failure, database);
        }
        // A recorder that makes progress is waited for.
        if (current.records_written + current.steps != done) {
            done = current.records_written + current.steps;
            deadline = GetCurrentTimestamp() + patience;
        }
        const auto left = static_cast<long>((deadline - GetCurrentTimestamp()) / 1000);
        if (left <= 0 || ConditionVariableTimedSleep(&shared->progress, std::min(left, 1000L), PG_WAIT_EXTENSION)) {
            if (GetCurrentTimestamp() < deadline)
                continue;
            ConditionVariableCancelSleep();
            raise_no_progress(current);
        }
    }
    ConditionVariableCancelSleep();
}

void launched(int process_number) {
    with_spinlock(&shared->mutex, [process_number] {
        shared->state.launcher = process_number;
        shared->state.has_launcher = true;
    });
    event_queue::set_consumer(process_number);
}

void launcher_left() {
    with_spinlock(&shared->mutex, [] { shared->state.has_launcher = false; });
}

void wake_launcher() {
    const State current = state();
    if (current.has_launcher)
        SetLatch(compat::latch_of_process(current.launcher));
}

void works_for(Oid database) {
    with_spinlock(&shared->mutex, [database] { shared->state.database = database; });
}

void starting() {
    with_spinlock(&shared->mutex, [] {
        shared->state.pid = 0;
        shared->state.left = false;
    });
}

void started() {
    const int pid = MyProcPid;
    with_spinlock(&shared->mutex, [pid] { shared->state.pid = pid; });
    event_queue::set_consumer(compat::number_of_process());
}

void hand_back() {
    event_queue::set_consumer(state().launcher);
}

void left() {
    with_spinlock(&shared->mutex, [] {
        shared->state.left = true;
        shared->state.pid = 0;
    });
}

void stopped() {
    with_spinlock(&shared->mutex, [] { shared->state.pid = 0; });
}

void served(uint64 request, uint64 written, uint64 failed_records) {
    with_spinlock(&shared->mutex, [=] {
        shared->state.served = std::max(shared->state.served, request);
        shared->state.records_written += written;
        shared->state.records_failed += failed_records;
        shared->state.last_failure = Failure::none;
    });
    ConditionVariableBroadcast(&shared->progress);
}

void failed(Failure failure, uint64 request) {
    with_spinlock(&shared->mutex, [failure, request] {
        ++shared->state.failures;
        shared->state.last_failure = failure;
        shared->state.failed_request = std::max(shared->state.failed_request, request);
        shared->state.pid = 0;
    });
    ConditionVariableBroadcast(&shared->progress);
}

void made_a_step() {
    with_spinlock(&shared->mutex, [] { ++shared->state.steps; });
    ConditionVariableBroadcast(&shared->progress);
}

void missed_snapshot(bool for_want_of_a_slot) {
    with_spinlock(&shared->mutex, [for_want_of_a_slot] {
        ++(for_want_of_a_slot ? shared->state.snapshots_without_slot : shared->state.snapshots_too_late);
    });
}

uint64 requested() {
    return state().requested;
}

bool has_work() {
    const State current = state();
    if (current.requested > current.served || event_queue::state().bytes_used > 0)
        return true;
    const auto features = feature::all();
    return std::any_of(features.begin(), features.end(),
                       [](const Feature *each) { return each->has_work && each->has_work(); });
}

} // namespace dbperf::core::recording
