// A ring of entries a process. Entries are appended when a statement begins and completed when it ends; what a
// statement locked beyond its plan (DDL, advisory locks) is read from the process's own locks when those have changed.
#include "core/pg.h"

#include "deadlocks/trail.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "core/relation_name.h"
#include "core/shared_memory.h"
#include "deadlocks/statement_locks.h"

namespace dbperf::deadlocks::trail {
using namespace core;
using namespace statements;

namespace {

constexpr size_t max_locks_of_statement = 6;
constexpr size_t max_new_locks = 16;

struct Slot {
    pg_atomic_uint32 changes;
    uint32 unused;
    Head head;
};

char *slots = nullptr;
Slot *own = nullptr;

// Of the transaction in the own slot.
uint64 wal_before = 0;
uintptr_t known_locks = 0;

Size slot_size() {
    return MAXALIGN(sizeof(Slot) + sizeof(TrailEntry) * static_cast<Size>(settings::max_trail));
}

Size size() {
    return mul_size(slot_size(), static_cast<Size>(MaxBackends));
}

void attach(void *memory, bool fresh) {
    slots = static_cast<char *>(memory);
    if (!fresh)
        return;
    memset(memory, 0, size());
    for (int i = 0; i < MaxBackends; ++i)
        pg_atomic_init_u32(&reinterpret_cast<Slot *>(slots + slot_size() * static_cast<Size>(i))->changes, 0);
}

Slot *slot_of(int process_number) {
    if (!slots || process_number < 0 || process_number >= MaxBackends)
        return nullptr;
    return reinterpret_cast<Slot *>(slots + slot_size() * static_cast<Size>(process_number));
}

TrailEntry &entry_at(Slot *slot, uint32 position) {
    return reinterpret_cast<TrailEntry *>(slot + 1)[position % static_cast<uint32>(settings::max_trail)];
}

// Readers are never in the same process, so only the order of stores matters.
template <typename Body>
void change(Slot *slot, const Body &body) {
    const uint32 before = pg_atomic_read_u32(&slot->changes);
    pg_atomic_write_u32(&slot->changes, before + 1);
    pg_write_barrier();
    body();
    pg_write_barrier();
    pg_atomic_write_u32(&slot->changes, before + 2);
}

uint32 first_kept(const Slot *slot) {
    const uint32 most = static_cast<uint32>(settings::max_trail);
    return slot->head.appended > most ? slot->head.appended - most : 0;
}

// The own slot, emptied if it is about an earlier transaction; null when this process has none.
Slot *slot_of_transaction() {
    if (!own)
        own = slot_of(compat::number_of_process());
    const auto transaction = static_cast<uint32>(compat::local_transaction());
    if (!own || (own->head.transaction == transaction && own->head.pid == MyProcPid))
        return own;
    wal_before = pgWalUsage.wal_bytes;
    known_locks = compat::held_locks_mark();
    change(own, [transaction] {
        Head &head = own->head;
        head.pid = MyProcPid;
        head.transaction = transaction;
        head.steps = 0;
        head.appended = 0;
        head.role = GetUserId();
        head.began = execution::clock();
        head.rows = 0;
        strlcpy(head.application, application_name ? application_name : "", sizeof(head.application));
    });
    return own;
}

bool is_current(const Slot *slot) {
    return slot && slot->head.pid == MyProcPid &&
           slot->head.transaction == static_cast<uint32>(compat::local_transaction());
}

void append(Slot *slot, const TrailEntry &entry) {
    entry_at(slot, slot->head.appended) = entry;
    ++slot->head.appended;
}

void append_step(Execution *execution, std::span<TrailEntry> locks) {
    Slot *slot = own;
    const uint32 step = slot->head.steps + 1;
    const auto nesting = static_cast<uint32>(execution::stack.transaction_level);
    const uint64 now = execution::clock();
    execution->state.trailed = true;
    execution->step = step;
    execution->step_at = slot->head.appended;
    bool first = true;
    change(slot, [=, &first] {
        slot->head.steps = step;
        for (TrailEntry &entry : locks) {
            entry.fingerprint = execution->statement->fingerprint;
            entry.began = now;
            entry.step = step;
            entry.nesting = nesting;
            entry.level = static_cast<uint8>(std::min(execution->level, 255));
            entry.running = true;
            entry.first = first;
            first = false;
            append(slot, entry);
        }
    });
}

bool knows(Slot *slot, const LockTag &lock, int mode) {
    for (uint32 at = first_kept(slot); at < slot->head.appended; ++at) {
        const TrailEntry &entry = entry_at(slot, at);
        if (entry.lock == lock && entry.table_mode >= mode && !entry.released)
            return true;
    }
    return false;
}

struct NewLocks {
    std::array<TrailEntry, max_new_locks> entries;
    size_t count;

    void add(const LockTag &lock, LOCKMASK held) {
        int mode = max_table_mode;
        while (mode > 0 && (held & LOCKBIT_ON(mode)) == 0)
            --mode;
        if (mode == 0 || count == entries.size() || knows(own, lock, mode))
            return;
        entries[count] = TrailEntry{};
        entries[count].lock = lock;
        entries[count++].table_mode = static_cast<uint8>(mode);
    }
};

bool is_reported(const LOCKTAG &tag) {
    switch (tag.locktag_type) {
    case LOCKTAG_RELATION:
        return tag.locktag_field2 >= FirstNormalObjectId;
    case LOCKTAG_ADVISORY:
        return true;
    case LOCKTAG_OBJECT:
        return tag.locktag_field3 >= FirstNormalObjectId;
    default:
        return false;
    }
}

// Without their name relations are dropped: indexes and the like, which are locked with their tables.
bool name_of(TrailEntry *entry) {
    return entry->lock.type != LockType::relation || name_relation(entry->lock.field2, entry->relation);
}

// What the statement took that its plan did not show.
[[gnu::noinline]] void add_new_locks(const Execution &execution, bool weak_ones) {
    static NewLocks found;
    found.count = 0;
    compat::visit_held_locks([](const LOCKTAG &tag, LOCKMASK held) {
        LockTag lock;
        static_assert(sizeof(lock) == sizeof(tag));
        memcpy(&lock, &tag, sizeof(lock));
        if (is_reported(tag))
            found.add(lock, held);
    });
    if (weak_ones)
        compat::visit_own_weak_locks([](Oid relation, LOCKMASK held) {
            if (relation >= FirstNormalObjectId)
                found.add({MyDatabaseId, relation, 0, 0, LockType::relation, DEFAULT_LOCKMETHOD}, held);
        });
    size_t named = 0;
    if (!catch_errors([&named] {
            for (size_t i = 0; i < found.count; ++i)
                if (name_of(&found.entries[i]))
                    found.entries[named++] = found.entries[i];
        }))
        return;
    Slot *slot = own;
    const auto nesting = static_cast<uint32>(execution::stack.transaction_level);
    change(slot, [=, &execution] {
        for (TrailEntry &entry : std::span(found.entries).first(named)) {
            entry.fingerprint = execution.statement->fingerprint;
            entry.step = execution.step;
            entry.nesting = nesting;
            entry.level = static_cast<uint8>(execution.level);
            // A step of which nothing was known takes its first lock into its own entry.
            TrailEntry &head = entry_at(slot, execution.step_at);
            if (execution.step_at >= first_kept(slot) && head.step == execution.step &&
                head.lock.type == LockType::none) {
                head.lock = entry.lock;
                head.table_mode = entry.table_mode;
                memcpy(head.relation, entry.relation, sizeof(head.relation));
            } else {
                append(slot, entry);
            }
        }
    });
}

bool leaves_no_trail(const Node *statement) {
    switch (nodeTag(statement)) {
    case T_TransactionStmt:
    case T_VariableSetStmt:
    case T_VariableShowStmt:
    case T_DiscardStmt:
    case T_FetchStmt:
    case T_ClosePortalStmt:
    case T_ListenStmt:
    case T_UnlistenStmt:
    case T_ConstraintsSetStmt:
        return true;
    default:
        return false;
    }
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf trails", size, attach});
}

[[gnu::noinline]] void begin(Execution *execution) {
    if (!slot_of_transaction())
        return;
    std::array<TrailEntry, max_locks_of_statement> locks;
    size_t count = statement_locks::of_query(execution->query, locks);
    if (count == 0) {
        locks[0] = TrailEntry{};
        locks[0].lock = no_lock;
        count = 1;
    }
    append_step(execution, std::span(locks).first(count));
}

[[gnu::noinline]] void begin_utility(Execution *execution, const Node *statement) {
    if (!settings::track_deadlocks || leaves_no_trail(statement) || !IsTransactionState() || !slot_of_transaction())
        return;
    std::array<TrailEntry, max_locks_of_statement> locks;
    size_t count = statement_locks::of_utility(statement, locks);
    if (count == 0) {
        locks[0] = TrailEntry{};
        locks[0].lock = no_lock;
        count = 1;
    }
    append_step(execution, std::span(locks).first(count));
}

[[gnu::noinline]] void begin_lock(Execution *execution, const TrailEntry &lock) {
    if (!slot_of_transaction())
        return;
    TrailEntry entry = lock;
    append_step(execution, std::span(&entry, 1));
}

[[gnu::noinline]] void end(Execution *execution) {
    execution->state.trailed = false;
    Slot *slot = own;
    if (!is_current(slot))
        return;
    const uint32 step = execution->step;
    change(slot, [=] {
        for (uint32 at = std::max(execution->step_at, first_kept(slot)); at < slot->head.appended; ++at) {
            TrailEntry &entry = entry_at(slot, at);
            if (entry.step != step)
                break;
            entry.running = false;
            if (!entry.first)
                continue;
            entry.elapsed = execution->observed.elapsed;
            entry.rows = execution->observed.rows;
            if (entry.table_mode == RowExclusiveLock)
                slot->head.rows += entry.rows;
        }
    });
    // Outside a transaction block all is about to be given back.
    if (execution->level > 0 || execution->observed.aborted || !IsTransactionBlock() || !IsTransactionState())
        return;
    const uintptr_t mark = compat::held_locks_mark();
    if (mark == known_locks && !execution->state.is_utility)
        return;
    known_locks = mark;
    add_new_locks(*execution, execution->state.is_utility);
}

void subtransaction_ended(int level, bool aborted) {
    Slot *slot = own;
    if (!is_current(slot) || slot->head.appended == 0)
        return;
    change(slot, [=] {
        for (uint32 at = slot->head.appended; at > first_kept(slot); --at) {
            TrailEntry &entry = entry_at(slot, at - 1);
            if (entry.nesting < static_cast<uint32>(level))
                continue;
            if (aborted) {
                entry.released = true;
                entry.running = false;
            } else {
                entry.nesting = static_cast<uint32>(level) - 1;
            }
        }
    });
}

bool copy(const PGPROC *process, Head *head, std::span<TrailEntry> entries, uint32 *count) {
    // What is done for a leader by its parallel workers is the leader's.
    if (process->lockGroupLeader)
        process = process->lockGroupLeader;
    Slot *slot = slot_of(compat::number_of_process(process));
    if (!slot)
        return false;
    for (int attempts = 0; attempts < 100; ++attempts) {
        const uint32 before = pg_atomic_read_u32(&slot->changes);
        pg_read_barrier();
        *head = slot->head;
        *count = 0;
        const uint32 most =
            static_cast<uint32>(std::min<size_t>(entries.size(), static_cast<size_t>(settings::max_trail)));
        for (uint32 at = head->appended - std::min(head->appended, most); at < head->appended; ++at)
            entries[(*count)++] = entry_at(slot, at);
        pg_read_barrier();
        if (before % 2 == 0 && pg_atomic_read_u32(&slot->changes) == before)
            return head->pid == process->pid && head->transaction != 0 &&
                   head->transaction == static_cast<uint32>(compat::local_transaction_of(process));
    }
    return false;
}

uint64 own_wal() {
    return is_current(own) ? pgWalUsage.wal_bytes - wal_before : 0;
}

int capacity() {
    return settings::max_trail;
}

} // namespace dbperf::deadlocks::trail
