#include "core/pg.h"

#include "database_pool/copy_worker.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "core/made_database.h"
#include "core/recording.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/worker.h"
#include "database_pool/copy_database.h"
#include "database_pool/copy_drop.h"
#include "database_pool/copy_jobs.h"
#include "database_pool/maintenance_database.h"
#include "database_pool/prepare_template.h"
#include "database_pool/recycle_copy.h"
#include "database_pool/registry.h"
#include "database_pool/write_ahead_log.h"

namespace dbperf::database_pool::copy_worker {
using namespace core;

namespace {

using copy_jobs::Job;
using copy_jobs::Task;

constexpr long idle_before_leaving = 1000; // ms
constexpr long look_around = 200;
constexpr long pause_between_workers = 1000;

double seconds(TimestampTz time) {
    return static_cast<double>(time) / 1e6;
}

void store_error(Template *into, const ErrorData *error) {
    locked([=] {
        ++into->failures;
        into->error_state = error->sqlerrcode;
        snprintf(into->error.data(), into->error.size(), "%s", error->message);
    });
}

// What an earlier life of the server left: nobody holds a lease on it any more.
void collect() {
    ErrorData *error = nullptr;
    static std::array<copy_database::Existing, max_copies + max_templates> found;
    static size_t count;
    count = 0;
    if (!attempt_transaction([] { count = copy_database::find_all(found); }, &error))
        ereport(LOG, errmsg("dbperf could not look for test databases: %s", error->message));
    for (size_t i = 0; i < count; ++i)
        locked([i] {
            const copy_database::Existing &each = found[i];
            for (const Template &known : registry->templates)
                if (known.state != TemplateState::free && known.database == each.database)
                    return;
            Copy *copy = find_copy(each.database) ? nullptr : free_copy();
            if (!copy)
                return;
            copy->state = each.kept_since == 0 ? CopyState::dropping : CopyState::kept;
            copy->database = each.database;
            copy->template_index = no_template;
            copy->holder = copy->recycler = 0;
            copy->holder_role = each.owner;
            copy->since = each.kept_since == 0 ? GetCurrentTimestamp() : each.kept_since;
            copy->size = each.size;
            copy->resets = 0;
            copy->reason = ResetReason::none;
            copy->failed_drops = 0;
            copy->next_drop = copy->reported_at = 0;
            copy->name = each.name;
            copy->source_name = each.source_name;
        });
    locked([] { registry->collected = true; });
}

void prepare(Template *each) {
    Template wanted = locked([each] {
        each->state = TemplateState::preparing;
        each->prepared_at = InvalidXLogRecPtr;
        each->error_state = 0;
        each->error[0] = 0;
        return *each;
    });
    ErrorData *error = nullptr;
    bool done = true;
    if (wanted.is_made_here) {
        copy_database::make_name(&wanted.name, made_database::template_prefix);
        done = attempt_transaction(
            [&wanted, each] {
                const Oid database = copy_database::create(
                    {NameStr(wanted.name), wanted.source, wanted.source, true, CopyStrategy::wal_log,
                     psprintf("template, a copy of %s", NameStr(wanted.source_name))});
                locked([each, database, &wanted] {
                    each->database = database;
                    each->name = wanted.name;
                });
            },
            &error);
    }
    done = done && prepare_template::run(static_cast<int>(each - registry->templates.data()), &error);
    if (!done)
        store_error(each, error);
    locked([each, done] {
        each->state = done ? TemplateState::ready : TemplateState::retired;
        each->used_at = GetCurrentTimestamp();
        // Set by the source's sessions while it was copied, or by nobody.
        if (done && !each->is_made_here)
            each->is_changed = false;
        if (pg_atomic_add_fetch_u32(&registry->generation, 1) == 0)
            pg_atomic_write_u32(&registry->generation, 1);
    });
    notify_waiters();
}

void copy(Template *each) {
    static Template original;
    Copy *fresh = locked([each] {
        original = *each;
        Copy *free = free_copy();
        if (!free)
            return free;
        advance(&free->state, CopyEvent::wanted);
        free->template_index = static_cast<uint16>(each - registry->templates.data());
        free->source_name = each->source_name;
        free->size = each->size;
        free->database = InvalidOid;
        free->holder = free->recycler = 0;
        free->resets = 0;
        free->reason = ResetReason::none;
        free->failed_drops = 0;
        free->next_drop = free->reported_at = 0;
        free->since = GetCurrentTimestamp();
        pg_atomic_write_u32(&free->seen, 0);
        NameStr(free->statement)[0] = '\0';
        copy_database::make_name(&free->name, made_database::copy_prefix);
        return free;
    });
    if (!fresh)
        return;
    const XLogRecPtr checkpoint = GetRedoRecPtr();
    const XLogRecPtr log_end = write_ahead_log::now();
    const CopyStrategy strategy = choose_strategy(original.copy_times[0], original.copy_times[1],
                                                  is_cheap_checkpoint(log_end - checkpoint, original.size));
    const TimestampTz began = GetCurrentTimestamp();
    ErrorData *error = nullptr;
    const bool done = attempt_transaction(
        [fresh, strategy] {
            const Oid database =
                copy_database::create({NameStr(fresh->name), original.database, original.source, false, strategy,
                                       psprintf("test database, a copy of %s", NameStr(original.source_name))});
            CommandCounterIncrement();
            const DatabaseState state = database_state::of(database);
            locked([fresh, database, &state] {
                fresh->database = database;
                fresh->state_when_made = state;
            });
        },
        &error);
    if (!done)
        store_error(each, error);
    const TimestampTz ended = GetCurrentTimestamp();
    const XLogRecPtr position = write_ahead_log::now();
    locked([=] {
        fresh->clean_since = position;
        fresh->since = ended;
        if (done) {
            double *time = &each->copy_times[static_cast<int>(strategy)];
            const double took = seconds(ended - began);
            *time = *time == 0 ? took : std::min(*time * 1.1, took);
            ++registry->counts.made;
        }
        // Somebody may have seen other rights of the source meanwhile, and this one has those of before.
        const bool is_current =
            each->state == TemplateState::ready && each->source_state.properties == original.source_state.properties;
        if (done && !is_current)
            fresh->reason = ResetReason::template_changed;
        advance(&fresh->state, done && is_current ? CopyEvent::made : CopyEvent::unusable);
    });
    notify_waiters();
}

void recycle(const Copy &ended) {
    ErrorData *error = nullptr;
    const Oid database = ended.database;
    if (!attempt_transaction([database] { recycle_copy::recycle(database, 0); }, &error))
        ereport(LOG, errmsg("dbperf could not put a test database back: %s", error->message));
}

void perform(const Job &job) {
    Template *each = &registry->templates[static_cast<size_t>(job.index) % max_templates];
    Copy *one = &registry->copies[static_cast<size_t>(job.index)];
    switch (job.task) {
    case Task::none:
        break;
    case Task::collect:
        collect();
        break;
    case Task::prepare:
        prepare(each);
        break;
    case Task::copy:
        copy(each);
        break;
    case Task::recycle:
        recycle(*one);
        break;
    case Task::drop_copy:
        copy_drop::drop(one);
        break;
    case Task::drop_template:
        copy_drop::drop(each);
        break;
    }
}

void work_until_idle() {
    MemoryContext scratch = AllocSetContextCreate(TopMemoryContext, "dbperf copies", ALLOCSET_DEFAULT_SIZES);
    for (long idle = 0; idle < idle_before_leaving;) {
        MemoryContextSwitchTo(scratch);
        MemoryContextReset(scratch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
        const Job job = locked([] { return copy_jobs::next(); });
        if (job.task != Task::none) {
            pgstat_report_activity(STATE_RUNNING, "working on test databases");
            perform(job);
            idle = 0;
            continue;
        }
        pgstat_report_activity(STATE_IDLE, nullptr);
        const int woken =
            WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, look_around, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        idle = (woken & WL_LATCH_SET) != 0 ? 0 : idle + look_around;
    }
}

bool has_work() {
    return locked([] {
        return OidIsValid(registry->maintenance) &&
               (copy_jobs::next().task != Task::none ||
                std::any_of(registry->templates.begin(), registry->templates.end(),
                            [](const Template &each) { return each.waiting > 0; }));
    });
}

} // namespace

void require_primary() {
    shared_memory::require_available();
    if (RecoveryInProgress())
        ereport(ERROR, errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("there are no test databases on a standby"),
                errhint("Acquire them on the primary server."));
}

Oid choose_maintenance_database() {
    const Oid usual = get_database_oid("postgres", true);
    return OidIsValid(usual) ? usual : MyDatabaseId;
}

void recall() {
    const Oid maintenance = maintenance_database::recall();
    locked([maintenance] {
        if (!OidIsValid(registry->maintenance))
            registry->maintenance = maintenance;
    });
}

void start_here() {
    const Oid maintenance = choose_maintenance_database();
    locked([maintenance] { registry->maintenance = maintenance; });
    wake();
}

long start_if_needed() {
    constexpr long rarely = 2000;
    static BackgroundWorkerHandle *running = nullptr;
    static TimestampTz started = 0;
    pid_t pid;
    if (running && GetBackgroundWorkerPid(running, &pid) != BGWH_STOPPED)
        return rarely;
    if (running) {
        pfree(running);
        running = nullptr;
        locked([] { registry->worker = -1; });
    }
    if (!has_work())
        return rarely;
    const TimestampTz now = GetCurrentTimestamp();
    if (!TimestampDifferenceExceeds(started, now, pause_between_workers))
        return pause_between_workers;
    started = now;
    BackgroundWorker worker = worker::describe("dbperf test databases", "dbperf_copy_worker_main", Datum{0});
    worker.bgw_notify_pid = MyProcPid;
    bool has_slot = false;
    with_memory_context(TopMemoryContext, [&] { has_slot = RegisterDynamicBackgroundWorker(&worker, &running); });
    locked([has_slot, now] {
        if (has_slot || registry->no_slot_since == 0)
            registry->no_slot_since = has_slot ? 0 : now;
    });
    return has_slot ? rarely : pause_between_workers;
}

void wake() {
    // Number of the worker's process, else the launcher's.
    const int worker = locked([] { return registry->worker; });
    const int process = worker > 0 ? worker - 1 : recording::state().launcher;
    if (process >= 0)
        SetLatch(compat::latch_of_process(process));
}

} // namespace dbperf::database_pool::copy_worker

extern "C" PGDLLEXPORT void dbperf_copy_worker_main(Datum) {
    using namespace dbperf::core;
    using namespace dbperf::database_pool;
    settings::exclude_process();
    pqsignal(SIGTERM, die);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(registry->maintenance, InvalidOid, 0);
    worker::prepare_session("dbperf test databases");
    SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("lock_timeout", "5s", PGC_SUSET, PGC_S_OVERRIDE);
    before_shmem_exit(
        [](int, Datum) {
            locked([] {
                registry->worker = 0;
                for (Copy &copy : registry->copies)
                    if (copy.state == CopyState::creating)
                        advance(&copy.state, CopyEvent::unusable);
                for (Template &each : registry->templates)
                    if (each.state == TemplateState::preparing)
                        each.state = TemplateState::retired;
            });
            notify_waiters();
        },
        0);
    locked([] { registry->worker = compat::number_of_process() + 1; });
    maintenance_database::note(registry->maintenance);
    copy_worker::work_until_idle();
    if (locked([] { return count_all(); }) == 0)
        maintenance_database::forget();
    // What came after the last look wakes the launcher.
    locked([] { registry->worker = 0; });
    SetLatch(compat::latch_of_process(recording::state().launcher));
    proc_exit(0);
}
