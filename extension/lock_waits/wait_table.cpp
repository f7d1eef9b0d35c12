// Readers copy one entry at a time, so the observer never waits for long.
#include "core/pg.h"

#include "lock_waits/wait_table.h"

#include <algorithm>

#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/shared_table.h"

namespace dbperf::lock_waits {
using namespace core;
using namespace deadlocks;

uint64 LockWait::hash_of(const WaitKey &key) {
    return hash_text({reinterpret_cast<const char *>(&key), sizeof(key)});
}

namespace wait_table {
namespace {

struct Head {
    pg_atomic_uint64 overflowed;
};
static_assert(std::is_standard_layout_v<LockWait> && std::is_trivially_copyable_v<LockWait>);

SharedTable<Head, LockWait> table;

uint32 capacity() {
    return static_cast<uint32>(settings::max_lock_waits);
}

Size size() {
    return table.size(capacity());
}

void attach(void *memory, bool fresh) {
    table.attach(memory, capacity(), fresh);
    if (fresh)
        pg_atomic_init_u64(&table->overflowed, 0);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::lock_waits);
}

uint32 add_new(const WaitKey &key, const WaitNames &names, Evidence evidence) {
    const uint32 number = table.add(key);
    if (number == table.none)
        return number;
    LockWait &wait = table[number];
    const uint32 generation = wait.generation;
    memset(static_cast<void *>(&wait), 0, sizeof(wait));
    wait.generation = generation;
    wait.key = key;
    wait.names = names;
    wait.evidence = evidence;
    wait.first_at = wait.last_at = GetCurrentTimestamp();
    return number;
}

template <typename Body>
void change(const Handle &handle, Body body) {
    if (handle.generation == 0)
        return;
    with_lock(table_lock(), LW_EXCLUSIVE, [&handle, &body] {
        LockWait &wait = table[handle.wait];
        if (wait.generation == handle.generation)
            body(wait);
    });
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf lock waits", size, attach});
}

Handle find_or_add(const WaitKey &key, const WaitNames &names, Evidence evidence) {
    const Handle handle = with_lock(table_lock(), LW_EXCLUSIVE, [&] {
        uint32 number = table.find(key);
        if (number == table.none)
            number = add_new(key, names, evidence);
        return number == table.none ? Handle{0, 0} : Handle{number, table[number].generation};
    });
    if (handle.generation == 0) {
        pg_atomic_fetch_add_u64(&table->overflowed, 1);
        runs::count_lost(key.run, runs::Loss::lock_waits);
    }
    return handle;
}

void add(const Handle &handle, const Addition &addition) {
    change(handle, [&addition](LockWait &wait) {
        wait.waits += addition.begins;
        wait.waited += addition.waited;
        wait.longest = std::max(wait.longest, addition.longest);
        wait.estimated += addition.estimated;
        wait.in_transaction += addition.in_transaction;
        wait.head_idle += addition.head_idle;
        wait.last_at = addition.at;
        if (addition.chain > wait.longest_chain) {
            wait.longest_chain = addition.chain;
            wait.head = addition.head;
        }
    });
}

void add_transaction_time(const Handle &handle, uint64 time) {
    change(handle, [time](LockWait &wait) { wait.transactions += time; });
}

void visit(void (*visit)(const LockWait &copy, void *argument), void *argument) {
    LockWait *copy = static_cast<LockWait *>(palloc(sizeof(LockWait)));
    for (uint32 i = 0; i < table.capacity(); ++i) {
        if (table[i].generation == 0)
            continue;
        with_lock(table_lock(), LW_SHARED, [i, copy] { *copy = table[i]; });
        if (copy->generation != 0)
            visit(*copy, argument);
    }
    pfree(copy);
}

void visit_texts(void (*mark)(uint64 key)) {
    with_lock(table_lock(), LW_SHARED, [mark] {
        table.for_each([mark](uint32, const LockWait &wait) {
            for (const uint64 text : {wait.key.statement, wait.key.inner, wait.key.blocker, wait.head})
                if (text != 0)
                    mark(text);
        });
    });
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE,
              [run] { table.release_if([run](const LockWait &wait) { return wait.key.run == run; }); });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        table.release_if([](const LockWait &) { return true; });
        pg_atomic_write_u64(&table->overflowed, 0);
    });
}

State state() {
    return with_lock(table_lock(), LW_SHARED, [] {
        return State{table.used(), capacity(), pg_atomic_read_u64(&table->overflowed)};
    });
}

} // namespace wait_table
} // namespace dbperf::lock_waits
