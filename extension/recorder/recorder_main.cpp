// The recorder's life: connect, write what waits in batches, leave soon after the last one.
#include "core/pg.h"

#include <algorithm>

#include "core/event_queue.h"
#include "core/guard.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/settings.h"
#include "core/worker.h"
#include "deadlock_prediction/cycle_description.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "plans/plan_table.h"
#include "recorder/own_extension.h"
#include "recorder/write.h"
#include "schema_changes/schema_snapshot.h"
#include "workload/parameter_table.h"

namespace dbperf::recorder {
using namespace core;
using namespace statements;
using namespace n_plus_one;
using namespace plans;
using namespace workload;
using namespace schema_changes;
using namespace deadlock_prediction;

namespace {

// Below the five seconds that DROP DATABASE and CREATE DATABASE ... TEMPLATE wait for others to leave.
constexpr long idle_before_leaving = 1000; // ms
constexpr int batch_records = 200;

struct Batch {
    uint64 position; // where the queue may be released to
    uint64 written;
    uint64 failed;
    bool complete;   // the queue was read to its end
    bool reached;    // the queue was read to the goal
    bool incomplete; // something of a run that is being closed could not be stored
};

// What is being worked for, over as many batches as it takes: a request, the runs that were being closed when it was
// taken, and where the queue ended then. What is queued later belongs to later requests, or there would be no end.
struct Goal {
    uint64 request;
    uint64 position;
    uint32 closing[runs::most_runs];
    int closing_count;
    bool reached;

    bool closes(uint32 run) const {
        return std::find(closing, closing + closing_count, run) != closing + closing_count;
    }
    // The order matters: a run is closed before it is asked for, and takes nothing any more when it is closed.
    void take() {
        request = recording::requested();
        closing_count = 0;
        static runs::Run known[runs::most_runs];
        const int count = runs::list(known);
        for (int i = 0; i < count; ++i)
            if (known[i].closing)
                closing[closing_count++] = known[i].id;
        // Before the end is noted: descriptions arrive by the queue.
        for (int i = 0; i < closing_count; ++i)
            schema_snapshot::take_all(closing[i]);
        position = event_queue::head();
        reached = false;
    }
};

Goal goal{0, 0, {}, 0, true};

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

// A record that cannot be written is left out and logged, and the rest goes on: false. Any other failure ends the
// batch, which is then tried again as a whole.
template <typename Body>
bool write_one(Batch *batch, Body body) {
    char *message = nullptr;
    volatile int sqlstate = 0;
    if (attempt_in_subtransaction(
            [&body, &sqlstate] { with_error_cleanup(body, [&sqlstate] { sqlstate = geterrcode(); }); }, &message)) {
        ++batch->written;
        return true;
    }
    if (!is_of_the_record(sqlstate))
        ereport(ERROR, errcode(sqlstate), errmsg("dbperf recorder could not write: %s", message));
    ++batch->failed;
    ereport(LOG, errmsg("dbperf recorder left out one record: %s", message));
    return false;
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
                case event_queue::EventType::deadlock:
                    write::deadlock(event, registry->find_young(event.header.run));
                    break;
                case event_queue::EventType::ddl:
                    write::ddl(event, registry->find_young(event.header.run));
                    break;
                case event_queue::EventType::schema:
                    write::schema(event, registry->find_young(event.header.run));
                    break;
                case event_queue::EventType::parameters:
                    write::parameters(event, registry->find_young(event.header.run));
                    break;
                }
            });
            last = event.header.sequence;
        }
        pfree(event.payload);
    }
    batch->reached = batch->complete || batch->position >= goal.position;
    if (last != stored_sequence)
        write::remember_sequence(event_queue::epoch(), last);
}

void write_finding(Batch *batch, const Finding &finding, const runs::Run *run) {
    write_one(batch, [&finding, run] { write::n_plus_one(finding, run); });
}

// Those of a run that is younger than the registry wait for the next batch. Those of a run that is stored for good are
// all written, whatever was written before.
void write_findings(Batch *batch) {
    static bool postponed;
    postponed = false;
    finding_table::visit(
        true,
        [](const Finding &finding, void *argument) {
            Batch *to = static_cast<Batch *>(argument);
            const runs::Run *run = registry->find(finding.key.run);
            if (!run && finding.key.run != runs::no_run)
                postponed = true;
            else if (!to->reached || !goal.closes(finding.key.run))
                write_finding(to, finding, run);
        },
        batch);
    if (postponed)
        finding_table::mark_all_dirty();
    if (!batch->reached || goal.closing_count == 0)
        return;
    finding_table::visit(
        false,
        [](const Finding &finding, void *argument) {
            const runs::Run *run = registry->find(finding.key.run);
            if (run && goal.closes(run->id))
                write_finding(static_cast<Batch *>(argument), finding, run);
        },
        batch);
}

// A run that is being closed is stored only when nothing of it is in the queue any more.
void write_runs(Batch *batch) {
    for (int i = 0; i < registry->count; ++i) {
        const runs::Run &run = registry->runs[i];
        if (run.closing && !(batch->reached && goal.closes(run.id)))
            continue;
        if (!write_one(batch, [&run] { write::run(run); }) && run.closing)
            batch->incomplete = true;
    }
    if (!batch->reached)
        return;
    for (int i = 0; i < goal.closing_count; ++i)
        statement_table::seal_run(goal.closing[i]);
    statement_table::visit(
        [](const StatementKey &key, const StatementCounters &counters, void *argument) {
            const runs::Run *run = registry->find(key.run);
            Batch *to = static_cast<Batch *>(argument);
            if (run && goal.closes(run->id) &&
                !write_one(to, [&key, &counters, run] { write::statement(key, counters, *run); }))
                to->incomplete = true;
        },
        batch);
    for (int i = 0; i < goal.closing_count; ++i)
        plan_table::visit(
            goal.closing[i],
            [](const PlanKey &key, uint64 executions, void *argument) {
                // One execution is what the row says already.
                if (const runs::Run *run = registry->find(key.run); run && executions > 1)
                    write_one(static_cast<Batch *>(argument),
                              [&key, executions, run] { write::plan_executions(key, executions, *run); });
            },
            batch);
    for (int i = 0; i < goal.closing_count; ++i)
        parameter_table::visit(
            goal.closing[i],
            [](const ParameterKey &key, std::span<const ParameterSet> sets, void *argument) {
                if (const runs::Run *run = registry->find(key.run))
                    write_one(static_cast<Batch *>(argument),
                              [&key, sets, run] { write::parameter_sets(key, sets, *run); });
            },
            batch);
}

struct Closing {
    Batch *batch;
    const runs::Run *run;
};

void write_lock_cycles(Batch *batch) {
    for (int i = 0; i < goal.closing_count && batch->reached; ++i) {
        Closing closing{batch, registry->find(goal.closing[i])};
        if (!closing.run)
            continue;
        const bool complete = cycle_description::search(
            closing.run->id,
            [](const cycle_description::Description &cycle, void *argument) {
                const Closing *to = static_cast<const Closing *>(argument);
                if (!write_one(to->batch, [&cycle, to] { write::lock_cycle(cycle, *to->run); }))
                    to->batch->incomplete = true;
            },
            &closing);
        if (!complete)
            ereport(LOG, errmsg("dbperf recorder did not look at all ways in which transactions of run \"%s\" can meet",
                                closing.run->label));
    }
}

void forget_closed_runs() {
    for (int i = 0; i < goal.closing_count; ++i) {
        const uint32 id = goal.closing[i];
        runs::remove(id);
        statement_table::free_run(id);
        plan_table::free_run(id);
        lock_trace_table::free_run(id);
        parameter_table::free_run(id);
        finding_table::free_run(id);
    }
}

// DDL is logged whether somebody asked for it or not. Where nobody has the extension any more it would keep the
// recorder coming back for ever.
void forget_unasked() {
    uint64 position = event_queue::tail();
    event_queue::Event event;
    while (event_queue::read(&position, &event)) {
        const bool unasked = event.header.run == runs::no_run && event.header.type == event_queue::EventType::ddl;
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
    if (goal.reached)
        goal.take();
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    SPI_connect();
    require_own_extension();
    pgstat_report_activity(STATE_RUNNING, "writing observations");
    registry->count = runs::list(registry->runs);
    batch.position = event_queue::tail();
    write_events(&batch, write::last_sequence(event_queue::epoch()));
    const TimestampTz reset = finding_table::reset_pending() ? finding_table::reset_at() : 0;
    if (reset != 0)
        write_one(&batch, [reset] { write::forget_findings(reset); });
    write_findings(&batch);
    write_runs(&batch);
    write_lock_cycles(&batch);
    SPI_finish();
    PopActiveSnapshot();
    CommitTransactionCommand();
    pgstat_report_activity(STATE_IDLE, nullptr);
    event_queue::release(batch.position);
    if (reset != 0)
        finding_table::reset_stored(reset);
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
bool at_home() {
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
    }
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    const bool at_home = MyDatabaseId == results_database::current();
    CommitTransactionCommand();
    return at_home;
}

void write_until_idle() {
    while (at_home()) {
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
    using namespace dbperf::statements;
    using namespace dbperf::n_plus_one;
    using namespace dbperf::plans;
    using namespace dbperf::workload;
    using namespace dbperf::schema_changes;
    using namespace dbperf::deadlock_prediction;
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
    registry = static_cast<Registry *>(MemoryContextAlloc(TopMemoryContext, sizeof(Registry)));
    // A transaction that an administrator ends (FATAL raises nothing that could be caught) has stored no finding
    // either.
    before_shmem_exit(
        [](int, Datum) {
            if (!recording::state().left)
                finding_table::mark_all_dirty();
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
