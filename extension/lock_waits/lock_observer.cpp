// A process is known from look to look by its wait: the lock, and when the server says that the wait began.
#include "core/pg.h"

#include "lock_waits/lock_observer.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "core/recording.h"
#include "core/runs.h"
#include "core/settings.h"
#include "lock_waits/session_status.h"
#include "lock_waits/wait_chains.h"
#include "lock_waits/wait_description.h"
#include "lock_waits/wait_table.h"

namespace dbperf::lock_waits::lock_observer {
using namespace core;
using namespace deadlocks;

namespace {

constexpr size_t max_instances = 4096;
constexpr size_t max_chains = 512;
constexpr size_t max_locks = 256;
constexpr size_t max_waits_of_transaction = 4;

// What is remembered of a process.
struct Process {
    int32 pid;
    // Its last wait.
    LockTag lock;
    TimestampTz began;
    int32 blocker;
    uint32 run;
    uint32 runs_generation; // when its run was found
    wait_table::Handle wait;
    TimestampTz counted_from; // of the wait, for this run and blocker
    TimestampTz counted_until;
    uint64 blocker_statement;
    uint64 head_statement;
    // Its transaction, which goes on after the wait.
    uint32 transaction;
    uint32 wait_count; // 0: it has not waited in this one
    TimestampTz transaction_until;
    bool waited_before; // in it, in a wait that is alike
    std::array<wait_table::Handle, max_waits_of_transaction> waits;
};

Process *processes = nullptr;
MemoryContext scratch = nullptr;
TimestampTz looked_at = 0;

// Of one look.
std::array<LockInstance, max_instances> instances;
std::array<Chain, max_chains> chains;
std::array<LOCKTAG, max_locks> awaited;
size_t instance_count;
size_t awaited_count;

// Without a lock, to find out whether it is worth one.
LOCK *lock_awaited_by(const PGPROC &process) {
    return *const_cast<LOCK *const volatile *>(&process.waitLock);
}

uint64 since(TimestampTz from, TimestampTz until) {
    return until > from ? static_cast<uint64>(until - from) : 0;
}

// What the workers of a parallel query do is their leader's.
const PGPROC *leader_of(const PGPROC *process) {
    return process->lockGroupLeader ? process->lockGroupLeader : process;
}

void add_owner(const LOCK &lock, const PROCLOCK &owner) {
    if (instance_count == instances.size())
        return;
    PGPROC *process = owner.tag.myProc;
    const bool waits = lock_awaited_by(*process) == &lock;
    LockInstance &to = instances[instance_count++];
    memcpy(&to.lock, &lock.tag, sizeof(to.lock));
    to.pid = leader_of(process)->pid;
    to.held = static_cast<uint16>(owner.holdMask);
    to.awaited = static_cast<uint8>(waits ? process->waitLockMode : 0);
    to.wait_start = waits ? static_cast<int64>(pg_atomic_read_u64(&process->waitStart)) : 0;
    // The server writes it a moment after the wait began: nobody came later.
    if (waits && to.wait_start == 0)
        to.wait_start = INT64_MAX;
}

// The structures of the lock table are never given back, so what is no lock any more when it is looked at is another
// one, or none, and seen to be.
void read_owners(const PGPROC &waiter, LOCK *lock) {
    const LOCKTAG tag = lock->tag;
    const auto is_same = [&tag](const LOCKTAG &other) { return memcmp(&other, &tag, sizeof(tag)) == 0; };
    if (awaited_count == awaited.size() ||
        std::any_of(awaited.begin(), awaited.begin() + static_cast<std::ptrdiff_t>(awaited_count), is_same))
        return;
    with_lock(LockHashPartitionLock(LockTagHashCode(&tag)), LW_SHARED, [&] {
        if (lock_awaited_by(waiter) != lock || !is_same(lock->tag))
            return;
        awaited[awaited_count++] = tag;
        compat::visit_owners(lock, [lock](const PROCLOCK &owner) { add_owner(*lock, owner); });
    });
}

void follow_transaction(Process *process, PGPROC *waiter, TimestampTz now) {
    if (process->wait_count == 0)
        return;
    if (process->pid != waiter->pid ||
        process->transaction != static_cast<uint32>(compat::local_transaction_of(waiter))) {
        process->wait_count = 0;
        return;
    }
    const uint64 time = since(process->transaction_until, now);
    process->transaction_until = now;
    for (uint32 i = 0; i < process->wait_count; ++i)
        wait_table::add_transaction_time(process->waits[i], time);
}

// The transaction that the wait is in counts from its begin, once for all its waits that are alike. True if one of
// these was seen before.
bool add_to_transaction(Process *process, PGPROC *waiter, TimestampTz began, TimestampTz now) {
    follow_transaction(process, waiter, now);
    const auto end = process->waits.begin() + process->wait_count;
    const bool known = std::any_of(process->waits.begin(), end, [process](const wait_table::Handle &each) {
        return each.wait == process->wait.wait && each.generation == process->wait.generation;
    });
    if (known || began == 0 || process->wait_count == process->waits.size())
        return known;
    process->transaction = static_cast<uint32>(compat::local_transaction_of(waiter));
    process->transaction_until = now;
    process->waits[process->wait_count++] = process->wait;
    wait_table::add_transaction_time(process->wait, since(began, now));
    return false;
}

struct Observed {
    const Chain &chain;
    const LockInstance &lock;
    PGPROC *waiter;
    Process *process;
    TimestampTz now;

    bool is_same_wait() const {
        return process->pid == chain.pid && process->lock == lock.lock && process->began == lock.wait_start;
    }

    // True if it is counted as one more.
    bool begin(bool is_same) const {
        process->runs_generation = pg_atomic_read_u32(runs::generation);
        const uint32 run = runs::of_process(compat::number_of_process(waiter), waiter->pid);
        if (is_same && process->blocker == chain.blocker && process->run == run)
            return false;
        const wait_table::Handle before = is_same ? process->wait : wait_table::Handle{0, 0};
        static runs::Run its_run;
        const bool counts = runs::find(run, &its_run);
        TimestampTz from = is_same ? process->counted_until : lock.wait_start;
        if (counts)
            from = std::max(from, its_run.started_at);
        process->pid = chain.pid;
        process->lock = lock.lock;
        process->began = lock.wait_start;
        process->blocker = chain.blocker;
        process->run = run;
        process->wait = {0, 0};
        process->waited_before = false;
        process->counted_until = from;
        process->blocker_statement = 0;
        if (!counts)
            return false;
        const WaitDescription what = describe_wait(lock, waiter, BackendPidGetProc(chain.blocker), run);
        process->wait = wait_table::find_or_add(what.key, what.names, what.evidence);
        process->blocker_statement = what.key.blocker;
        if (process->wait.generation == 0)
            return false;
        process->waited_before = add_to_transaction(
            process, waiter, what.transaction_at == 0 ? 0 : std::max(what.transaction_at, its_run.started_at), now);
        if (before.generation == process->wait.generation)
            return false;
        process->counted_from = from;
        return true;
    }

    uint64 head_statement(PGPROC *blocker) const {
        if (chain.blocker == chain.head || !blocker)
            return process->blocker_statement;
        return processes[compat::number_of_process(blocker)].head_statement;
    }

    void count(uint64 gap) const {
        const bool is_same = is_same_wait();
        const bool changed = !is_same || process->blocker != chain.blocker ||
                             process->runs_generation != pg_atomic_read_u32(runs::generation);
        wait_table::Addition addition{};
        addition.begins = changed && begin(is_same);
        process->head_statement = head_statement(BackendPidGetProc(chain.blocker));
        addition.waited = since(process->counted_until, now);
        addition.longest = since(process->counted_from, now);
        addition.estimated = gap;
        // Who waits again and again in one transaction, as in the queue for a hot row, is taken to have waited between
        // two looks that see it.
        addition.in_transaction = changed && process->waited_before ? gap : addition.waited;
        const PGPROC *head = BackendPidGetProc(chain.head);
        addition.head_idle = head && is_idle_in_transaction(head) ? addition.waited : 0;
        addition.head = process->head_statement;
        addition.chain = chain.length;
        addition.at = now;
        process->counted_until = now;
        wait_table::add(process->wait, addition);
    }
};

void count_waits(TimestampTz now, uint64 gap) {
    const int recorder = recording::state().pid;
    const size_t count = find_chains(std::span(instances).first(instance_count), chains);
    // The shorter ones first: who stands behind them looks at what is known of them.
    for (const Chain &chain : std::span(chains).first(count)) {
        const LockInstance &lock = instances[chain.waits];
        PGPROC *waiter = BackendPidGetProc(chain.pid);
        // What waits for the recorder is of interest, not what it waits for itself.
        if (!waiter || lock.wait_start == INT64_MAX || chain.pid == recorder)
            continue;
        Observed{chain, lock, waiter, &processes[compat::number_of_process(waiter)], now}.count(gap);
    }
}

} // namespace

void prepare() {
    processes = static_cast<Process *>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(Process) * static_cast<Size>(MaxBackends)));
    scratch = AllocSetContextCreate(TopMemoryContext, "dbperf lock waits", ALLOCSET_DEFAULT_SIZES);
    looked_at = GetCurrentTimestamp();
}

void look() {
    const TimestampTz now = GetCurrentTimestamp();
    const uint64 gap = since(looked_at, now);
    looked_at = now;
    instance_count = 0;
    awaited_count = 0;
    for (int number = 0; number < MaxBackends; ++number) {
        PGPROC &process = ProcGlobal->allProcs[number];
        follow_transaction(&processes[number], &process, now);
        if (LOCK *lock = lock_awaited_by(process); unlikely(lock != nullptr))
            read_owners(process, lock);
    }
    if (likely(instance_count == 0))
        return;
    with_memory_context(scratch, [now, gap] { count_waits(now, gap); });
    MemoryContextReset(scratch);
}

} // namespace dbperf::lock_waits::lock_observer
