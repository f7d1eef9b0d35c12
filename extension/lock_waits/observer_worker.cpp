// Looks, sleeps, leaves with the last run.
#include "core/pg.h"

#include "lock_waits/observer_worker.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/recording.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/worker.h"
#include "lock_waits/lock_observer.h"

namespace dbperf::lock_waits::observer_worker {
using namespace core;

namespace {

constexpr long rarely = 2000; // ms

struct Shared {
    slock_t mutex;
    State state;
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
}

void set_pid(int pid) {
    with_spinlock(&shared->mutex, [pid] { shared->state.pid = pid; });
}

bool is_wanted() {
    return settings::track_lock_waits && runs::any_open();
}

void watch() {
    uint32 generation = 0;
    while (!ShutdownRequestPending) {
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        const bool reloads = ConfigReloadPending;
        if (reloads) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
        const uint32 now = pg_atomic_read_u32(runs::generation);
        if ((reloads || now != generation) && !is_wanted())
            return;
        generation = now;
        const TimestampTz before = GetCurrentTimestamp();
        lock_observer::look();
        const auto took = static_cast<uint64>(std::max<TimestampTz>(GetCurrentTimestamp() - before, 0));
        with_spinlock(&shared->mutex, [took] {
            ++shared->state.looks;
            shared->state.time += took;
        });
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, settings::lock_wait_interval,
                  PG_WAIT_EXTENSION);
    }
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf lock observer", size, attach});
}

long start_if_needed() {
    static BackgroundWorkerHandle *running = nullptr;
    pid_t pid;
    if (running && GetBackgroundWorkerPid(running, &pid) != BGWH_STOPPED)
        return rarely;
    if (running) {
        pfree(running);
        running = nullptr;
    }
    if (!is_wanted())
        return rarely;
    BackgroundWorker worker = worker::describe("dbperf lock waits", "dbperf_lock_waits_main", Datum{0});
    worker.bgw_notify_pid = MyProcPid;
    bool has_slot = false;
    with_memory_context(TopMemoryContext, [&] { has_slot = RegisterDynamicBackgroundWorker(&worker, &running); });
    const bool is_news = with_spinlock(&shared->mutex, [has_slot] {
        const bool before = shared->state.no_slot;
        shared->state.no_slot = !has_slot;
        return !has_slot && !before;
    });
    if (is_news)
        ereport(LOG, errmsg("dbperf does not see waits for locks: no background worker was free"),
                errhint("Raise max_worker_processes and restart the server."));
    return rarely;
}

void run_found() {
    if (settings::track_lock_waits && state().pid == 0)
        recording::wake_launcher();
}

State state() {
    return with_spinlock(&shared->mutex, [] { return shared->state; });
}

} // namespace dbperf::lock_waits::observer_worker

extern "C" PGDLLEXPORT void dbperf_lock_waits_main(Datum) {
    using namespace dbperf::core;
    using namespace dbperf::lock_waits;
    settings::exclude_process();
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    before_shmem_exit([](int, Datum) { observer_worker::set_pid(0); }, 0);
    observer_worker::set_pid(MyProcPid);
    lock_observer::prepare();
    observer_worker::watch();
    proc_exit(0);
}
