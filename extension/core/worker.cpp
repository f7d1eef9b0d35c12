#include "core/pg.h"

#include "core/worker.h"

#include <algorithm>

namespace dbperf::core::worker {
namespace {

constexpr long look_around = 1000; // ms: should a signal have been missed

} // namespace

BackgroundWorker describe(const char *name, const char *function, Datum argument) {
    BackgroundWorker worker;
    memset(&worker, 0, sizeof(worker));
    strlcpy(worker.bgw_name, name, BGW_MAXLEN);
    strlcpy(worker.bgw_type, name, BGW_MAXLEN);
    strlcpy(worker.bgw_library_name, "dbperf", BGW_MAXLEN);
    strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_main_arg = argument;
    return worker;
}

End run(BackgroundWorker *worker, long limit) {
    worker->bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle *handle;
    if (!RegisterDynamicBackgroundWorker(worker, &handle))
        return End::no_slot;
    const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit);
    End end = End::done;
    for (;;) {
        pid_t pid;
        if (GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED)
            break;
        const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
        if (left <= 0 && end == End::done) {
            end = End::too_late;
            TerminateBackgroundWorker(handle);
        }
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                  left > 0 ? std::min(left, look_around) : look_around, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
    pfree(handle);
    return end;
}

void prepare_session(const char *application_name) {
    for (const auto &[name, value] : {std::pair{"search_path", "pg_catalog, pg_temp"},
                                      {"application_name", application_name},
                                      {"default_transaction_read_only", "off"},
                                      {"default_transaction_isolation", "read committed"},
                                      {"default_transaction_deferrable", "off"},
                                      {"statement_timeout", "0"},
                                      {"lock_timeout", "0"},
                                      {"idle_in_transaction_session_timeout", "0"},
                                      {"transaction_timeout", "0"}, // since 17
                                      {"row_security", "off"},
                                      {"standard_conforming_strings", "on"},
                                      {"jit", "off"}})
        if (GetConfigOption(name, true, false))
            SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
    if (GetUserId() != BOOTSTRAP_SUPERUSERID)
        SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, 0);
}

} // namespace dbperf::core::worker
