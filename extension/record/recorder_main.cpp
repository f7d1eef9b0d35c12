// The recorder's life: connect, write what waits in batches, leave soon after the last one.
#include "server/pg.h"

#include "observe/hooks.h"
#include "observe/plan_table.h"
#include "record/recorder.h"
#include "record/write.h"
#include "server/event_queue.h"
#include "server/guard.h"
#include "server/settings.h"

namespace dbperf {
namespace {

// Below the five seconds that DROP DATABASE and CREATE DATABASE ... TEMPLATE wait for others to leave.
constexpr long idle_before_leaving = 1000; // ms
constexpr int batch_records = 200;

struct Batch {
    uint64 request;  // served once this batch and all before it are committed
    uint64 position; // where the queue may be released to
    uint64 written;
    uint64 failed;
    bool complete; // the queue was read to its end
};

// The registry as of the batch's beginning, read again when something of a younger run turns up before the queue's end.
struct Registry {
    runs::Run runs[runs::most_runs];
    int count;

    const runs::Run *find(uint32 id) const {
        for (int i = 0; i < count; ++i)
            if (runs[i].id == id)
                return &runs[i];
        return nullptr;
    }
    const runs::Run *find_young(uint32 id) {
        if (const runs::Run *run = find(id); run || id == runs::no_run)
            return run;
        count = runs::list(runs);
        return find(id);
    }
};

Registry *registry = nullptr;

// What fails is left out and logged; the rest goes on.
template <typename Body> void write_one(Batch *batch, Body body) {
    char *message = nullptr;
    if (attempt_in_subtransaction(body, &message)) {
        ++batch->written;
        return;
    }
    ++batch->failed;
    ereport(LOG, errmsg("dbperf recorder left out one record: %s", message));
}

void write_events(Batch *batch, uint64 stored_sequence) {
    uint64 last = stored_sequence;
    event_queue::Event event;
    for (int i = 0; i < batch_records; ++i) {
        if (!event_queue::read(&batch->position, &event)) {
            batch->complete = true;
            break;
        }
        if (event.header.sequence > stored_sequence) {
            write_one(batch, [&event] {
                switch (event.header.type) {
                case event_queue::EventType::plan:
                    write::plan(event, registry->find_young(event.header.run));
                    break;
                }
            });
            last = event.header.sequence;
        }
        pfree(event.payload);
    }
    if (last != stored_sequence)
        write::remember_sequence(event_queue::epoch(), last);
}

// Those of a run that is younger than the registry wait for the next batch.
void write_findings(Batch *batch) {
    static bool postponed;
    postponed = false;
    finding_table::visit(
        true,
        [](const Finding &finding, void *argument) {
            const runs::Run *run = registry->find(finding.key.run);
            if (!run && finding.key.run != runs::no_run)
                postponed = true;
            else
                write_one(static_cast<Batch *>(argument), [&finding, run] { write::n_plus_one(finding, run); });
        },
        batch);
    if (postponed)
        finding_table::mark_all_dirty();
}

// A run that is being closed is stored only when nothing of it is in the queue any more.
void write_runs(Batch *batch) {
    for (int i = 0; i < registry->count; ++i) {
        const runs::Run &run = registry->runs[i];
        if (!run.closing || batch->complete)
            write_one(batch, [&run] { write::run(run); });
    }
    if (!batch->complete)
        return;
    statement_table::visit(
        [](const StatementKey &key, const StatementCounters &counters, void *argument) {
            const runs::Run *run = registry->find(key.run);
            if (run && run->closing)
                write_one(static_cast<Batch *>(argument),
                          [&key, &counters, run] { write::statement(key, counters, *run); });
        },
        batch);
}

void forget_closed_runs() {
    for (int i = 0; i < registry->count; ++i) {
        if (!registry->runs[i].closing)
            continue;
        const uint32 id = registry->runs[i].id;
        runs::remove(id);
        statement_table::free_run(id);
        plan_table::free_run(id);
        finding_table::free_run(id);
    }
}

bool extension_installed() {
    return OidIsValid(get_extension_oid("dbperf", true));
}

[[noreturn]] void leave(recorder::Failure failure) {
    AbortOutOfAnyTransaction();
    recorder::failed(failure);
    proc_exit(0);
}

// One transaction. Only after its commit is anything released, so a death in between repeats work but loses none; and
// the sequence number stored with it keeps repeated work from being stored twice.
Batch work() {
    Batch batch{};
    batch.request = recorder::requested();
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    if (!extension_installed())
        leave(recorder::Failure::no_extension);
    SPI_connect();
    pgstat_report_activity(STATE_RUNNING, "writing observations");
    registry->count = runs::list(registry->runs);
    batch.position = event_queue::tail();
    write_events(&batch, write::last_sequence(event_queue::epoch()));
    write_findings(&batch);
    write_runs(&batch);
    SPI_finish();
    PopActiveSnapshot();
    CommitTransactionCommand();
    pgstat_report_activity(STATE_IDLE, nullptr);
    event_queue::release(batch.position);
    if (batch.complete) {
        forget_closed_runs();
        recorder::served(batch.request, batch.written, batch.failed);
    } else {
        recorder::served(0, batch.written, batch.failed);
    }
    return batch;
}

void prepare_session() {
    const auto set = [](const char *name, const char *value) { SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE); };
    set("search_path", "pg_catalog, pg_temp");
    set("application_name", "dbperf recorder");
    set("default_transaction_read_only", "off");
    set("default_transaction_isolation", "read committed");
    set("statement_timeout", "0");
    set("lock_timeout", "0");
    set("idle_in_transaction_session_timeout", "0");
    set("row_security", "off");
    set("jit", "off");
}

void write_until_idle() {
    for (;;) {
        const Batch batch = work();
        if (ShutdownRequestPending && batch.complete)
            return;
        if (!batch.complete || recorder::requested() > batch.request)
            continue;
        const int woken = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, idle_before_leaving,
                                    PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if ((woken & WL_LATCH_SET) != 0)
            continue;
        // Handed back first: what comes after the last look wakes the launcher.
        recorder::hand_back();
        if (!recorder::has_work())
            return;
        recorder::started();
    }
}

} // namespace
} // namespace dbperf

extern "C" PGDLLEXPORT void dbperf_recorder_main(Datum) {
    using namespace dbperf;
    hooks::exclude_process();
    pqsignal(SIGTERM, die);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    if (settings::database && settings::database[0] != '\0')
        BackgroundWorkerInitializeConnection(settings::database, nullptr, 0);
    else
        BackgroundWorkerInitializeConnectionByOid(recorder::state().database, InvalidOid, 0);
    prepare_session();
    registry = static_cast<Registry *>(MemoryContextAlloc(TopMemoryContext, sizeof(Registry)));
    // A transaction that an administrator ends (FATAL raises nothing that could be caught) has stored no finding either.
    before_shmem_exit(
        [](int, Datum) {
            if (!recorder::state().left)
                finding_table::mark_all_dirty();
            recorder::hand_back();
        },
        0);
    recorder::started();
    with_error_cleanup([] { write_until_idle(); }, [] { recorder::failed(recorder::Failure::write_failed); });
    recorder::left();
    proc_exit(0);
}
