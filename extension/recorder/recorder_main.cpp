// The recorder's life: connect, write what waits in batches, leave soon after the last one.
#include "core/pg.h"

#include <algorithm>

#include "core/event_queue.h"
#include "core/feature.h"
#include "core/guard.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/settings.h"
#include "core/worker.h"
#include "recorder/own_extension.h"
#include "recorder/run_store.h"

namespace dbperf::recorder {
using namespace core;

namespace {

// Below the five seconds that DROP DATABASE and CREATE DATABASE ... TEMPLATE wait for others to leave.
constexpr long idle_before_leaving = 1000; // ms
constexpr int batch_records = 200;

struct Batch : StoreBatch {
    uint64 position; // where the queue may be released to
    bool complete;   // the queue was read to its end
    bool reached;    // the queue was read to the goal
};

// What is being worked for, over as many batches as it takes: a request, the runs that were being closed when it was
// taken, and where the queue ended then. What is queued later belongs to later requests, or there would be no end.
struct Goal {
    uint64 request;
    uint64 position;
    uint32 closing[runs::max_runs];
    int closing_count;
    bool reached;

    // The order matters: a run is closed before it is asked for, and takes nothing any more when it is closed.
    void take() {
        request = recording::requested();
        closing_count = 0;
        static runs::Run known[runs::max_runs];
        const int count = runs::list(known);
        for (int i = 0; i < count; ++i)
            if (known[i].closing)
                closing[closing_count++] = known[i].id;
        // Before the end is noted: descriptions arrive by the queue.
        for (int i = 0; i < closing_count; ++i)
            feature::call_each(&Feature::close_run, closing[i]);
        position = event_queue::head();
        reached = false;
    }
};

Goal goal{0, 0, {}, 0, true};

// The runs as of the batch's beginning, read again when something of a younger run turns up before the queue's end.
struct RunList {
    runs::Run runs[runs::max_runs];
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

RunList *run_list = nullptr;

// Whether the record itself is at fault, so that it would fail every time: its data, a constraint, a limit such as that
// on the depth of JSON. Anything else (a full disk, a deadlock, a cancel, a server about to stop) passes.
bool is_of_the_record(int sqlstate) {
    switch (ERRCODE_TO_CATEGORY(sqlstate)) {
    case ERRCODE_CARDINALITY_VIOLATION:
    case ERRCODE_DATA_EXCEPTION:
    case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
    case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
        return true;
    default:
        return false;
    }
}

// A record that cannot be written is skipped and logged, and the rest goes on: false. Any other failure ends the batch,
// which is then tried again as a whole.
bool write_guarded(StoreBatch *batch, void (*body)(const void *argument), const void *argument) {
    char *message = nullptr;
    volatile int sqlstate = 0;
    const auto write = [body, argument] { body(argument); };
    if (attempt_in_subtransaction(
            [&write, &sqlstate] { with_error_cleanup(write, [&sqlstate] { sqlstate = geterrcode(); }); }, &message)) {
        ++batch->written;
        return true;
    }
    if (!is_of_the_record(sqlstate))
        ereport(ERROR, errcode(sqlstate), errmsg("dbperf recorder could not write: %s", message));
    ++batch->failed;
    ereport(LOG, errmsg("dbperf recorder skipped one record: %s", message));
    return false;
}

void store_event(const event_queue::Event &event) {
    const runs::Run *run = run_list->find_young(event.header.run);
    for (const Feature *each : feature::all())
        if (each->store_event && each->store_event(event, run))
            return;
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
            batch->write([&event] { store_event(event); });
            last = event.header.sequence;
        }
        pfree(event.payload);
    }
    batch->reached = batch->complete || batch->position >= goal.position;
    if (last != stored_sequence)
        remember_sequence(event_queue::epoch(), last);
}

// A run that is being closed is stored only when nothing of it is in the queue any more.
void write_runs(Batch *batch) {
    batch->runs = {run_list->runs, static_cast<size_t>(run_list->count)};
    if (batch->reached)
        batch->closing = {goal.closing, static_cast<size_t>(goal.closing_count)};
    for (const runs::Run &run : batch->runs) {
        if (run.closing && !batch->closes(run.id))
            continue;
        if (!batch->write([&run] { store_run(run); }) && run.closing)
            batch->incomplete = true;
    }
}

void forget_closed_runs() {
    for (int i = 0; i < goal.closing_count; ++i) {
        runs::remove(goal.closing[i]);
        feature::call_each(&Feature::free_run, goal.closing[i]);
    }
}

// Where nobody has the extension any more, what is logged unasked would keep the recorder coming back for ever.
bool is_unasked(const event_queue::Event &event) {
    const auto features = feature::all();
    return std::any_of(features.begin(), features.end(),
                       [&event](const Feature *each) { return each->is_unasked && each->is_unasked(event); });
}

void forget_unasked() {
    uint64 position = event_queue::tail();
    event_queue::Event event;
    while (event_queue::read(&position, &event)) {
        const bool unasked = is_unasked(event);
        pfree(event.payload);
        if (!unasked)
            return;
        event_queue::release(position);
    }
}

[[noreturn]] void leave(recording::Failure failure) {
    AbortOutOfAnyTransaction();
    recording::failed(failure, goal.request);
    proc_exit(0);
}

// Leaves when there is nothing that may be written to. Within SPI.
void require_own_extension() {
    switch (own_extension::examine()) {
    case own_extension::Standing::own:
        return;
    case own_extension::Standing::missing:
        forget_unasked();
        leave(recording::Failure::no_extension);
    case own_extension::Standing::other_version:
        leave(recording::Failure::other_version);
    case own_extension::Standing::foreign:
        leave(recording::Failure::foreign);
    }
}

// One transaction. Only after its commit is anything released, so a death in between repeats work but loses none; and
// the sequence number stored with it keeps repeated work from being stored twice.
Batch work() {
    Batch batch{};
    batch.guarded = write_guarded;
    if (goal.reached)
        goal.take();
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    SPI_connect();
    require_own_extension();
    pgstat_report_activity(STATE_RUNNING, "writing observations");
    run_list->count = runs::list(run_list->runs);
    batch.position = event_queue::tail();
    write_events(&batch, last_sequence(event_queue::epoch()));
    write_runs(&batch);
    feature::call_each(&Feature::store, &batch);
    SPI_finish();
    PopActiveSnapshot();
    CommitTransactionCommand();
    pgstat_report_activity(STATE_IDLE, nullptr);
    event_queue::release(batch.position);
    feature::call_each(&Feature::stored);
    if (batch.incomplete) {
        recording::served(0, batch.written, batch.failed);
        leave(recording::Failure::run_failed);
    } else if (batch.reached) {
        goal.reached = true;
        forget_closed_runs();
        recording::served(goal.request, batch.written, batch.failed);
    } else {
        recording::served(0, batch.written, batch.failed);
    }
    return batch;
}

// Whether this still is the results database: by a reload or a superuser's word it may be another one.
bool is_results_database() {
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
    }
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    const bool is_results_database = MyDatabaseId == results_database::current();
    CommitTransactionCommand();
    return is_results_database;
}

void write_until_idle() {
    while (is_results_database()) {
        const Batch batch = work();
        if (!batch.complete || recording::requested() > goal.request)
            continue;
        const int woken =
            WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, idle_before_leaving, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if ((woken & WL_LATCH_SET) != 0)
            continue;
        // Handed back first: what comes after the last look wakes the launcher.
        recording::hand_back();
        if (!recording::has_work())
            return;
        recording::started();
    }
}

} // namespace
} // namespace dbperf::recorder

extern "C" PGDLLEXPORT void dbperf_recorder_main(Datum) {
    using namespace dbperf::core;
    using namespace dbperf::recorder;
    settings::exclude_process();
    pqsignal(SIGTERM, die);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    if (results_database::is_configured())
        BackgroundWorkerInitializeConnection(settings::database, nullptr, 0);
    else
        BackgroundWorkerInitializeConnectionByOid(recording::state().database, InvalidOid, 0);
    worker::prepare_session("dbperf recorder");
    run_list = static_cast<RunList *>(MemoryContextAlloc(TopMemoryContext, sizeof(RunList)));
    // A transaction that an administrator ends (FATAL raises nothing that could be caught) has stored nothing either.
    before_shmem_exit(
        [](int, Datum) {
            if (!recording::state().left)
                feature::call_each(&Feature::not_stored);
            recording::hand_back();
        },
        0);
    recording::started();
    goal.request = recording::requested();
    with_error_cleanup([] { write_until_idle(); },
                       [] { recording::failed(recording::Failure::write_failed, goal.request); });
    recording::left();
    proc_exit(0);
}
