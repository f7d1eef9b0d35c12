// The launcher: connected to no database, so it is in nobody's way; starts the recorder and the worker of test
// databases when there is work.
#include "core/pg.h"

#include "recorder/launcher.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/settings.h"
#include "core/worker.h"
#include "database_pool/copy_worker.h"
#include "lock_waits/observer_worker.h"

namespace dbperf::recorder::launcher {
using namespace core;
using namespace database_pool;
using namespace lock_waits;

namespace {

// Findings that grow do not wake anybody; they are looked for this often.
constexpr long look_around_interval = 2000;      // ms
constexpr long first_pause_after_failure = 1000; // ms, doubled with every failure in a row
constexpr int max_doublings = 6;

// Notes the results database for the recorder: the shared catalogs can be read without a database.
bool results_database_known() {
    if (results_database::is_configured())
        return true;
    static Oid database;
    database = InvalidOid;
    ErrorData *error = nullptr;
    if (!attempt_transaction([] { database = results_database::current(); }, &error)) {
        ereport(LOG, errmsg("dbperf launcher could not look for the results database: %s", error->message));
        FreeErrorData(error);
    }
    recording::works_for(database);
    return OidIsValid(database);
}

bool reload_settings() {
    if (!ConfigReloadPending)
        return false;
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
    return true;
}

// Starts the other workers that are needed; returns after how long to look again.
long start_workers() {
    return std::min({look_around_interval, copy_worker::start_if_needed(), observer_worker::start_if_needed()});
}

// Starts one recorder and waits until it has left. False when no worker slot was free.
bool run_recorder() {
    BackgroundWorker worker = worker::describe("dbperf recorder", "dbperf_recorder_main", Datum{0});
    worker.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle *handle;
    if (!RegisterDynamicBackgroundWorker(&worker, &handle))
        return false;
    while (!ShutdownRequestPending) {
        pid_t pid;
        const BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);
        if (status == BGWH_STOPPED)
            break;
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, start_workers(), PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        reload_settings();
    }
    pfree(handle);
    return true;
}

struct History {
    int failures_in_row;
    int deaths_in_row;
    uint64 requested; // the last request known when the last recorder was started
    TimestampTz not_before;
};

// A recorder that leaves without a word has died. Once may have been an administrator; twice is a failure.
void try_once(History *history) {
    const recording::State before = recording::state();
    history->requested = before.requested;
    recording::starting();
    const bool started = run_recorder();
    const recording::State after = recording::state();
    recording::stopped();
    if (ShutdownRequestPending)
        return;
    const bool died = started && !after.left && after.failures == before.failures;
    const bool progress = after.served > before.served || after.records_written > before.records_written;
    history->deaths_in_row = !died ? 0 : progress ? 1 : history->deaths_in_row + 1;
    if (!started || history->deaths_in_row > 1)
        recording::failed(!started         ? recording::Failure::no_slot
                          : after.pid != 0 ? recording::Failure::write_failed
                                           : recording::Failure::not_startable,
                          history->requested);
    if (recording::state().failures == before.failures) {
        history->failures_in_row = 0;
        history->not_before = 0;
        return;
    }
    const long pause = first_pause_after_failure << history->failures_in_row;
    history->failures_in_row += history->failures_in_row < max_doublings;
    history->not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause);
}

} // namespace

void install() {
    BackgroundWorker worker = worker::describe("dbperf launcher", "dbperf_launcher_main", Datum{0});
    worker.bgw_restart_time = 5;
    RegisterBackgroundWorker(&worker);
}

} // namespace dbperf::recorder::launcher

extern "C" PGDLLEXPORT void dbperf_launcher_main(Datum) {
    using namespace dbperf::core;
    using namespace dbperf::database_pool;
    using namespace dbperf::recorder;
    using namespace dbperf::recorder::launcher;
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    before_shmem_exit([](int, Datum) { recording::launcher_left(); }, 0);
    recording::launched(compat::number_of_process());
    copy_worker::recall();
    History history{};
    while (!ShutdownRequestPending) {
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (reload_settings())
            history.not_before = 0;
        long pause = start_workers();
        if (recording::has_work() && results_database_known()) {
            // Somebody who waits gets the answer at once.
            const TimestampTz now = GetCurrentTimestamp();
            if (now >= history.not_before || recording::requested() > history.requested) {
                try_once(&history);
                continue;
            }
            pause = std::min(pause, TimestampDifferenceMilliseconds(now, history.not_before) + 1);
        }
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, pause, PG_WAIT_EXTENSION);
    }
    proc_exit(1); // not 0, after which the postmaster would never start it again
}
