// Slowest executions are claimed without a lock on the entry: whoever raises the limit captures.
#include "core/pg.h"

#include "plans/plan_table.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/shared_table.h"

namespace dbperf::plans::plan_table {
using namespace core;

namespace {

// A new slowest execution is captured when it is this much slower than the last one captured, and slow enough for
// anybody to care: both keep the number of captures per shape logarithmic.
constexpr uint64 slower_percent = 150;
constexpr uint64 slower_minimum = 1000000; // ns

struct Entry {
    PlanKey key;
    uint32 generation;
    pg_atomic_uint64 slowest;
    pg_atomic_uint64 executions;

    static uint64 hash_of(const PlanKey &key) {
        Hash64 hash;
        hash.add(key.fingerprint);
        hash.add(key.shape);
        hash.add((static_cast<uint64>(key.database) << 32) | key.run);
        return hash.value();
    }
};

struct Head {
    pg_atomic_uint64 dropped;
};

SharedTable<Head, Entry> table;

uint32 capacity() {
    return static_cast<uint32>(settings::max_plans);
}

Size size() {
    return table.size(capacity());
}

void attach(void *memory, bool fresh) {
    table.attach(memory, capacity(), fresh);
    if (!fresh)
        return;
    pg_atomic_init_u64(&table->dropped, 0);
    for (uint32 i = 0; i < capacity(); ++i) {
        pg_atomic_init_u64(&table[i].slowest, 0);
        pg_atomic_init_u64(&table[i].executions, 0);
    }
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::plans);
}

Claim raise_slowest(Entry &entry, uint64 elapsed) {
    uint64 slowest = pg_atomic_read_u64(&entry.slowest);
    while (elapsed >= slower_minimum && elapsed * 100 > slowest * slower_percent)
        if (pg_atomic_compare_exchange_u64(&entry.slowest, &slowest, elapsed))
            return Claim::slower;
    return Claim::known;
}

// With Lock::plans held; `first` when it is not known.
Claim claim_known(const PlanKey &key, uint64 elapsed, Handle *handle) {
    const uint32 found = table.find(key);
    if (found == table.none)
        return Claim::first;
    *handle = {found, table[found].generation};
    pg_atomic_fetch_add_u64(&table[found].executions, 1);
    return raise_slowest(table[found], elapsed);
}

// With Lock::plans held exclusively.
Claim add(const PlanKey &key, uint64 elapsed, Handle *handle) {
    const uint32 number = table.add(key);
    if (number == table.none)
        return Claim::full;
    Entry &entry = table[number];
    pg_atomic_write_u64(&entry.slowest, elapsed);
    pg_atomic_write_u64(&entry.executions, 1);
    *handle = {number, entry.generation};
    return Claim::first;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf plans", size, attach});
}

Claim claim(const PlanKey &key, uint64 elapsed, Handle *handle) {
    *handle = {0, 0};
    if (!runs::is_open(key.run))
        return Claim::full;
    Claim claim = with_lock(table_lock(), LW_SHARED, [&] {
        const Claim known = claim_known(key, elapsed, handle);
        return known == Claim::first && table.is_full() ? Claim::full : known;
    });
    if (claim == Claim::first)
        claim = with_lock(table_lock(), LW_EXCLUSIVE, [&] {
            const Claim known = claim_known(key, elapsed, handle);
            return known == Claim::first ? add(key, elapsed, handle) : known;
        });
    if (claim == Claim::full) {
        pg_atomic_fetch_add_u64(&table->dropped, 1);
        runs::count_lost(key.run, runs::Loss::plans);
    }
    return claim;
}

Claim claim_again(const Handle &handle, uint64 elapsed, bool *place_valid) {
    *place_valid = true;
    if (handle.generation == 0)
        return Claim::full;
    Entry &entry = table[handle.entry];
    *place_valid = entry.generation == handle.generation;
    if (!*place_valid)
        return Claim::known;
    pg_atomic_fetch_add_u64(&entry.executions, 1);
    return raise_slowest(entry, elapsed);
}

void visit(uint32 run, void (*visit)(const PlanKey &key, uint64 executions, void *argument), void *argument) {
    struct Copy {
        PlanKey key;
        uint64 executions;
    };
    auto *copies = static_cast<Copy *>(palloc(sizeof(Copy) * table.capacity()));
    const uint32 count = with_lock(table_lock(), LW_SHARED, [copies, run] {
        uint32 found = 0;
        table.for_each([&](uint32, Entry &entry) {
            if (entry.key.run == run)
                copies[found++] = {entry.key, pg_atomic_read_u64(&entry.executions)};
        });
        return found;
    });
    for (uint32 i = 0; i < count; ++i)
        visit(copies[i].key, copies[i].executions, argument);
    pfree(copies);
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE,
              [run] { table.release_if([run](const Entry &entry) { return entry.key.run == run; }); });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] { table.release_if([](const Entry &) { return true; }); });
    pg_atomic_write_u64(&table->dropped, 0);
}

uint64 dropped() {
    return pg_atomic_read_u64(&table->dropped);
}

} // namespace dbperf::plans::plan_table
