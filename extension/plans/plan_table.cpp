// See the header.
#include "core/pg.h"

#include "plans/plan_table.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/open_index.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::plans::plan_table {
using namespace core;

namespace {

// A new slowest execution is captured when it is this much slower than the last one captured, and slow enough for
// anybody to care: both keep the number of captures per shape logarithmic.
constexpr uint64 slower_percent = 150;
constexpr uint64 slower_floor = 1000000; // ns

struct Entry {
    PlanKey key;
    pg_atomic_uint64 slowest;
    pg_atomic_uint64 executions;
    uint32 generation; // 0: free
};

struct Table {
    uint32 most;
    uint32 slots;
    uint32 used;
    uint32 free_hint;
    uint32 last_generation;
    pg_atomic_uint64 dropped;
};

Table *table = nullptr;
Entry *entries = nullptr;
uint32 *slots = nullptr;

Size size() {
    const auto most = static_cast<uint32>(settings::max_plans);
    return MAXALIGN(sizeof(Table)) + MAXALIGN(most * sizeof(Entry)) + OpenIndex::slots_for(most) * sizeof(uint32);
}

void attach(void *memory, bool fresh) {
    const auto most = static_cast<uint32>(settings::max_plans);
    char *at = static_cast<char *>(memory);
    table = reinterpret_cast<Table *>(at);
    at += MAXALIGN(sizeof(Table));
    entries = reinterpret_cast<Entry *>(at);
    at += MAXALIGN(most * sizeof(Entry));
    slots = reinterpret_cast<uint32 *>(at);
    if (!fresh)
        return;
    memset(memory, 0, size());
    table->most = most;
    table->slots = OpenIndex::slots_for(most);
    pg_atomic_init_u64(&table->dropped, 0);
    for (uint32 i = 0; i < most; ++i) {
        pg_atomic_init_u64(&entries[i].slowest, 0);
        pg_atomic_init_u64(&entries[i].executions, 0);
    }
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::plans);
}

OpenIndex index() {
    return OpenIndex({slots, table->slots});
}

uint64 hash_of_key(const PlanKey &key) {
    Hash64 hash;
    hash.add(key.fingerprint);
    hash.add(key.shape);
    hash.add((static_cast<uint64>(key.database) << 32) | key.run);
    return hash.value();
}

// With Lock::plans held exclusively.
void free_where(bool (*goes)(uint32 run, uint32 argument), uint32 argument) {
    for (uint32 i = 0; i < table->most; ++i) {
        Entry &entry = entries[i];
        if (entry.generation == 0 || !goes(entry.key.run, argument))
            continue;
        index().erase(hash_of_key(entry.key), i, [](uint32 other) { return hash_of_key(entries[other].key); });
        entry.generation = 0;
        --table->used;
        table->free_hint = i < table->free_hint ? i : table->free_hint;
    }
}

Claim raise_slowest(Entry &entry, uint64 elapsed) {
    uint64 slowest = pg_atomic_read_u64(&entry.slowest);
    while (elapsed >= slower_floor && elapsed * 100 > slowest * slower_percent)
        if (pg_atomic_compare_exchange_u64(&entry.slowest, &slowest, elapsed))
            return Claim::slower;
    return Claim::known;
}

// With Lock::plans held; `first` when it is not known.
Claim claim_known(const PlanKey &key, uint64 hash, uint64 elapsed, Place *place) {
    const uint32 found =
        index().find(hash, [&key](uint32 entry) { return memcmp(&entries[entry].key, &key, sizeof(PlanKey)) == 0; });
    if (found == OpenIndex::none)
        return Claim::first;
    *place = {found, entries[found].generation};
    pg_atomic_fetch_add_u64(&entries[found].executions, 1);
    return raise_slowest(entries[found], elapsed);
}

// With Lock::plans held exclusively.
Claim add(const PlanKey &key, uint64 hash, uint64 elapsed, Place *place) {
    if (table->used >= table->most)
        return Claim::full;
    uint32 number = table->free_hint;
    while (entries[number].generation != 0)
        ++number;
    table->free_hint = number + 1;
    Entry &entry = entries[number];
    entry.key = key;
    pg_atomic_write_u64(&entry.slowest, elapsed);
    pg_atomic_write_u64(&entry.executions, 1);
    if (++table->last_generation == 0)
        ++table->last_generation;
    entry.generation = table->last_generation;
    ++table->used;
    index().insert(hash, number);
    *place = {number, entry.generation};
    return Claim::first;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf plans", size, attach});
}

Claim claim(const PlanKey &key, uint64 elapsed, Place *place) {
    *place = {0, 0};
    if (!runs::is_open(key.run))
        return Claim::full;
    const uint64 hash = hash_of_key(key);
    Claim claim = with_lock(table_lock(), LW_SHARED, [&] {
        const Claim known = claim_known(key, hash, elapsed, place);
        return known == Claim::first && table->used >= table->most ? Claim::full : known;
    });
    if (claim == Claim::first)
        claim = with_lock(table_lock(), LW_EXCLUSIVE, [&] {
            const Claim known = claim_known(key, hash, elapsed, place);
            return known == Claim::first ? add(key, hash, elapsed, place) : known;
        });
    if (claim == Claim::full) {
        pg_atomic_fetch_add_u64(&table->dropped, 1);
        runs::count_lost(key.run, runs::Loss::plans);
    }
    return claim;
}

Claim claim_again(const Place &place, uint64 elapsed, bool *place_valid) {
    *place_valid = true;
    if (place.generation == 0)
        return Claim::full;
    Entry &entry = entries[place.entry];
    *place_valid = entry.generation == place.generation;
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
    auto *copies = static_cast<Copy *>(palloc(sizeof(Copy) * table->most));
    const uint32 count = with_lock(table_lock(), LW_SHARED, [copies, run] {
        uint32 found = 0;
        for (uint32 i = 0; i < table->most; ++i)
            if (entries[i].generation != 0 && entries[i].key.run == run)
                copies[found++] = {entries[i].key, pg_atomic_read_u64(&entries[i].executions)};
        return found;
    });
    for (uint32 i = 0; i < count; ++i)
        visit(copies[i].key, copies[i].executions, argument);
    pfree(copies);
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE,
              [run] { free_where([](uint32 owner, uint32 wanted) { return owner == wanted; }, run); });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] { free_where([](uint32, uint32) { return true; }, 0); });
    pg_atomic_write_u64(&table->dropped, 0);
}

uint64 dropped() {
    return pg_atomic_read_u64(&table->dropped);
}

} // namespace dbperf::plans::plan_table
