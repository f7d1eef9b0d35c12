// See the header.
#include "core/pg.h"

#include "workload/parameter_table.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/open_index.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "workload/distinct_sample.h"

namespace dbperf::workload::parameter_table {
using namespace core;

namespace {

struct Entry {
    ParameterKey key;
    uint32 used;
    uint32 count;
    ParameterSet sets[FLEXIBLE_ARRAY_MEMBER];
};

struct Table {
    uint32 most;
    uint32 most_sets;
    uint32 slots;
    uint32 used;
    uint32 free_hint;
    pg_atomic_uint64 dropped;
    pg_atomic_uint64 left_out;
};

Table *table = nullptr;
char *entries = nullptr;
uint32 *slots = nullptr;

Size entry_size() {
    return MAXALIGN(offsetof(Entry, sets) + static_cast<Size>(settings::max_parameter_sets) * sizeof(ParameterSet));
}

// Every statement that is remembered can have its parameters kept.
uint32 most_entries() {
    return static_cast<uint32>(settings::max_statements);
}

Size size() {
    return MAXALIGN(sizeof(Table)) + mul_size(most_entries(), entry_size()) +
           OpenIndex::slots_for(most_entries()) * sizeof(uint32);
}

void attach(void *memory, bool fresh) {
    char *at = static_cast<char *>(memory);
    table = reinterpret_cast<Table *>(at);
    at += MAXALIGN(sizeof(Table));
    entries = at;
    at += mul_size(most_entries(), entry_size());
    slots = reinterpret_cast<uint32 *>(at);
    if (!fresh)
        return;
    memset(static_cast<void *>(table), 0, sizeof(Table));
    table->most = most_entries();
    table->most_sets = static_cast<uint32>(settings::max_parameter_sets);
    table->slots = OpenIndex::slots_for(most_entries());
    memset(slots, 0, table->slots * sizeof(uint32));
    pg_atomic_init_u64(&table->dropped, 0);
    pg_atomic_init_u64(&table->left_out, 0);
    for (uint32 i = 0; i < table->most; ++i)
        reinterpret_cast<Entry *>(entries + i * entry_size())->used = 0;
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::parameters);
}

OpenIndex index() {
    return OpenIndex({slots, table->slots});
}

Entry &entry_at(uint32 number) {
    return *reinterpret_cast<Entry *>(entries + number * entry_size());
}

DistinctSample<ParameterSet> sample_of(Entry &entry) {
    return {{entry.sets, table->most_sets}, &entry.count};
}

uint64 hash_of_key(const ParameterKey &key) {
    Hash64 hash;
    hash.add(key.fingerprint);
    hash.add(key.name);
    hash.add((static_cast<uint64>(key.database) << 32) | key.role);
    hash.add(static_cast<uint64>(key.run));
    return hash.value();
}

uint32 find(const ParameterKey &key) {
    return index().find(hash_of_key(key),
                        [&key](uint32 entry) { return memcmp(&entry_at(entry).key, &key, sizeof(key)) == 0; });
}

// With the lock held exclusively; OpenIndex::none when there is no room.
uint32 add_entry(const ParameterKey &key) {
    if (table->used >= table->most)
        return OpenIndex::none;
    uint32 number = table->free_hint;
    while (entry_at(number).used != 0)
        ++number;
    table->free_hint = number + 1;
    Entry &entry = entry_at(number);
    entry.key = key;
    entry.used = 1;
    entry.count = 0;
    ++table->used;
    index().insert(hash_of_key(key), number);
    return number;
}

// With the lock held; true when these parameters are none that the sample wants.
bool count_known(uint32 number, uint64 hash) {
    if (number == OpenIndex::none)
        return false;
    Entry &entry = entry_at(number);
    const DistinctSample<ParameterSet> sample = sample_of(entry);
    const uint32 set = sample.find(hash);
    if (set == DistinctSample<ParameterSet>::none)
        return !sample.admits(hash);
    pg_atomic_fetch_add_u64(&entry.sets[set].calls, 1);
    return true;
}

// With the lock held exclusively.
void free_where(bool (*goes)(uint32 run, uint32 argument), uint32 argument) {
    for (uint32 i = 0; i < table->most; ++i) {
        Entry &entry = entry_at(i);
        if (entry.used == 0 || !goes(entry.key.run, argument))
            continue;
        index().erase(hash_of_key(entry.key), i, [](uint32 other) { return hash_of_key(entry_at(other).key); });
        entry.used = 0;
        --table->used;
        table->free_hint = i < table->free_hint ? i : table->free_hint;
    }
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf parameters", size, attach});
}

bool claim(const ParameterKey &key, uint64 hash) {
    enum class Found : uint8_t { known, wanted, full };
    Found found = with_lock(table_lock(), LW_SHARED, [&key, hash] {
        const uint32 number = find(key);
        if (count_known(number, hash))
            return Found::known;
        return number == OpenIndex::none && table->used >= table->most ? Found::full : Found::wanted;
    });
    if (found == Found::known || !runs::is_open(key.run))
        return false;
    if (found == Found::wanted)
        found = with_lock(table_lock(), LW_EXCLUSIVE, [&key, hash] {
            uint32 number = find(key);
            if (count_known(number, hash))
                return Found::known;
            if (number == OpenIndex::none)
                number = add_entry(key);
            if (number == OpenIndex::none)
                return Found::full;
            ParameterSet set;
            set.hash = hash;
            pg_atomic_init_u64(&set.calls, 1);
            sample_of(entry_at(number)).insert(set);
            return Found::wanted;
        });
    if (found == Found::full) {
        pg_atomic_fetch_add_u64(&table->dropped, 1);
        runs::count_lost(key.run, runs::Loss::parameters);
    }
    return found == Found::wanted;
}

void forget(const ParameterKey &key, uint64 hash) {
    with_lock(table_lock(), LW_EXCLUSIVE, [&key, hash] {
        if (const uint32 number = find(key); number != OpenIndex::none)
            sample_of(entry_at(number)).erase(hash);
    });
}

void visit(uint32 run, void (*visit)(const ParameterKey &key, std::span<const ParameterSet> sets, void *argument),
           void *argument) {
    auto *copy = static_cast<Entry *>(palloc(entry_size()));
    for (uint32 i = 0; i < table->most; ++i) {
        const bool found = with_lock(table_lock(), LW_SHARED, [copy, i, run] {
            const Entry &entry = entry_at(i);
            if (entry.used == 0 || entry.key.run != run)
                return false;
            memcpy(static_cast<void *>(copy), &entry, entry_size());
            return true;
        });
        if (found)
            visit(copy->key, {copy->sets, copy->count}, argument);
    }
    pfree(copy);
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE,
              [run] { free_where([](uint32 owner, uint32 wanted) { return owner == wanted; }, run); });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] { free_where([](uint32, uint32) { return true; }, 0); });
    pg_atomic_write_u64(&table->dropped, 0);
    pg_atomic_write_u64(&table->left_out, 0);
}

void count_left_out() {
    pg_atomic_fetch_add_u64(&table->left_out, 1);
}

State state() {
    return {pg_atomic_read_u64(&table->dropped), pg_atomic_read_u64(&table->left_out)};
}

} // namespace dbperf::workload::parameter_table
