// The launcher: no database connection, so it is in nobody's way; starts the recorder when there is work.
#include "server/pg.h"

#include "record/launcher.h"

#include "record/recorder.h"
#include "server/compat.h"
#include "server/event_queue.h"
#include "server/settings.h"

namespace dbperf::launcher {
namespace {

// Findings that grow do not wake anybody; they are looked for this often.
constexpr long look_around_interval = 2000; // ms
constexpr long first_pause_after_failure = 1000; // ms, doubled with every failure in a row
constexpr int most_doublings = 6;

void fill(BackgroundWorker *worker, const char *name, const char *function) {
    memset(worker, 0, sizeof(BackgroundWorker));
    strlcpy(worker->bgw_name, name, BGW_MAXLEN);
    strlcpy(worker->bgw_type, name, BGW_MAXLEN);
    strlcpy(worker->bgw_library_name, "dbperf", BGW_MAXLEN);
    strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
    worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
}

bool results_database_known() {
    return (settings::database && settings::database[0] != '\0') || recorder::state().database != InvalidOid;
}

// Starts one recorder and waits until it has left. False when no worker slot was free.
bool run_recorder() {
    BackgroundWorker worker;
    fill(&worker, "dbperf recorder", "dbperf_recorder_main");
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle *handle;
    if (!RegisterDynamicBackgroundWorker(&worker, &handle))
        return false;
    while (!ShutdownRequestPending) {
        pid_t pid;
        const BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);
        if (status == BGWH_STOPPED)
            break;
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, look_around_interval, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
    pfree(handle);
    return true;
}

} // namespace

void install() {
    BackgroundWorker worker;
    fill(&worker, "dbperf launcher", "dbperf_launcher_main");
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
    worker.bgw_restart_time = 5;
    RegisterBackgroundWorker(&worker);
}

} // namespace dbperf::launcher

extern "C" PGDLLEXPORT void dbperf_launcher_main(Datum) {
    using namespace dbperf;
    using namespace dbperf::launcher;
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    const int number = compat::number_of_process();
    int failures_in_row = 0;
    int deaths_in_row = 0;
    while (!ShutdownRequestPending) {
        // A recorder that has just left took the wake-ups with it.
        event_queue::set_consumer(number);
        long pause = look_around_interval;
        if (recorder::has_work() && results_database_known()) {
            const recorder::State before = recorder::state();
            if (!run_recorder())
                recorder::failed(recorder::Failure::not_startable);
            recorder::State after = recorder::state();
            recorder::stopped();
            // It may have died before it could say why; once may be an administrator, twice is a reason.
            const bool died = before.requested > before.served && after.served == before.served;
            deaths_in_row = died && after.failures == before.failures ? deaths_in_row + 1 : 0;
            if (deaths_in_row > 1)
                recorder::failed(recorder::Failure::not_startable);
            after = recorder::state();
            if (after.failures == before.failures) {
                failures_in_row = 0;
                continue;
            }
            pause = first_pause_after_failure << failures_in_row;
            failures_in_row += failures_in_row < most_doublings;
        }
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, pause, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    }
    proc_exit(1); // not 0, after which the postmaster would never start it again
}
