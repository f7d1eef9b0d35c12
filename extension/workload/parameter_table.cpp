// The sample of a statement is chosen by the hashes of its parameters, so every session chooses the same.
#include "core/pg.h"

#include "workload/parameter_table.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/shared_table.h"
#include "workload/distinct_sample.h"

namespace dbperf::workload::parameter_table {
using namespace core;

namespace {

struct Entry {
    ParameterKey key;
    uint32 generation;
    uint32 count;
    ParameterSet sets[FLEXIBLE_ARRAY_MEMBER];

    static Size size() {
        return offsetof(Entry, sets) + static_cast<Size>(settings::max_parameter_sets) * sizeof(ParameterSet);
    }

    static uint64 hash_of(const ParameterKey &key) {
        Hash64 hash;
        hash.add(key.fingerprint);
        hash.add(key.name);
        hash.add((static_cast<uint64>(key.database) << 32) | key.role);
        hash.add(static_cast<uint64>(key.run));
        return hash.value();
    }
};

struct Head {
    pg_atomic_uint64 dropped;
    pg_atomic_uint64 left_out;
};

SharedTable<Head, Entry> table;

// Every statement that is remembered can have its parameters kept.
uint32 capacity() {
    return static_cast<uint32>(settings::max_statements);
}

Size size() {
    return table.size(capacity());
}

void attach(void *memory, bool fresh) {
    table.attach(memory, capacity(), fresh);
    if (!fresh)
        return;
    pg_atomic_init_u64(&table->dropped, 0);
    pg_atomic_init_u64(&table->left_out, 0);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::parameters);
}

DistinctSample<ParameterSet> sample_of(Entry &entry) {
    return {{entry.sets, static_cast<size_t>(settings::max_parameter_sets)}, &entry.count};
}

// With the lock held; true when these parameters are none that the sample wants.
bool count_known(uint32 number, uint64 hash) {
    if (number == table.none)
        return false;
    Entry &entry = table[number];
    const DistinctSample<ParameterSet> sample = sample_of(entry);
    const uint32 set = sample.find(hash);
    if (set == DistinctSample<ParameterSet>::none)
        return !sample.admits(hash);
    pg_atomic_fetch_add_u64(&entry.sets[set].calls, 1);
    return true;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf parameters", size, attach});
}

bool claim(const ParameterKey &key, uint64 hash) {
    enum class Found : uint8_t { known, wanted, full };
    Found found = with_lock(table_lock(), LW_SHARED, [&key, hash] {
        const uint32 number = table.find(key);
        if (count_known(number, hash))
            return Found::known;
        return number == table.none && table.is_full() ? Found::full : Found::wanted;
    });
    if (found == Found::known || !runs::is_open(key.run))
        return false;
    if (found == Found::wanted)
        found = with_lock(table_lock(), LW_EXCLUSIVE, [&key, hash] {
            uint32 number = table.find(key);
            if (count_known(number, hash))
                return Found::known;
            if (number == table.none) {
                number = table.add(key);
                if (number == table.none)
                    return Found::full;
                table[number].count = 0;
            }
            ParameterSet set;
            set.hash = hash;
            pg_atomic_init_u64(&set.calls, 1);
            sample_of(table[number]).insert(set);
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
        if (const uint32 number = table.find(key); number != table.none)
            sample_of(table[number]).erase(hash);
    });
}

void visit(uint32 run, void (*visit)(const ParameterKey &key, std::span<const ParameterSet> sets, void *argument),
           void *argument) {
    auto *copy = static_cast<Entry *>(palloc(Entry::size()));
    for (uint32 i = 0; i < table.capacity(); ++i) {
        const bool found = with_lock(table_lock(), LW_SHARED, [copy, i, run] {
            const Entry &entry = table[i];
            if (entry.generation == 0 || entry.key.run != run)
                return false;
            memcpy(static_cast<void *>(copy), &entry, Entry::size());
            return true;
        });
        if (found)
            visit(copy->key, {copy->sets, copy->count}, argument);
    }
    pfree(copy);
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE,
              [run] { table.release_if([run](const Entry &entry) { return entry.key.run == run; }); });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] { table.release_if([](const Entry &) { return true; }); });
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
