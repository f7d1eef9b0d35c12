// The statement table; see the header for its locking contract.
#include "core/pg.h"

#include "statements/statement_table.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/guard.h"
#include "core/hash.h"
#include "core/open_index.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::statements::statement_table {
using namespace core;

namespace {

struct Entry {
    slock_t mutex;
    uint32 generation; // 0: free
    uint32 last_used;  // `clock` of the table when last recorded
    StatementKey key;
    StatementCounters counters;
};
static_assert(std::is_standard_layout_v<Entry> && std::is_trivially_copyable_v<StatementCounters>);

struct Table {
    uint32 most;
    uint32 slots;
    uint32 used;
    uint32 outside; // of these, those that belong to no run
    uint32 last_generation;
    uint32 free_hint;
    uint32 hand;            // where the next eviction begins
    pg_atomic_uint32 freed; // entries that have gone
    pg_atomic_uint32 full;  // 1: of entries of runs, so that asking for another one is in vain until one goes
    pg_atomic_uint32 clock; // moves with every new entry: coarse age without a time source
    pg_atomic_uint64 dropped;
    pg_atomic_uint64 evicted;
};

Table *table = nullptr;
Entry *entries = nullptr;
uint32 *slots = nullptr;

Size size() {
    const auto most = static_cast<uint32>(settings::max_statements);
    Size total = MAXALIGN(sizeof(Table));
    total = add_size(total, mul_size(most, sizeof(Entry)));
    return add_size(total, mul_size(OpenIndex::slots_for(most), sizeof(uint32)));
}

void attach(void *memory, bool fresh) {
    const auto most = static_cast<uint32>(settings::max_statements);
    char *at = static_cast<char *>(memory);
    table = reinterpret_cast<Table *>(at);
    at += MAXALIGN(sizeof(Table));
    entries = reinterpret_cast<Entry *>(at);
    at += most * sizeof(Entry);
    slots = reinterpret_cast<uint32 *>(at);
    if (!fresh)
        return;
    memset(static_cast<void *>(table), 0, sizeof(Table));
    table->most = most;
    table->slots = OpenIndex::slots_for(most);
    pg_atomic_init_u32(&table->freed, 0);
    pg_atomic_init_u32(&table->full, 0);
    pg_atomic_init_u32(&table->clock, 0);
    pg_atomic_init_u64(&table->dropped, 0);
    pg_atomic_init_u64(&table->evicted, 0);
    memset(slots, 0, table->slots * sizeof(uint32));
    for (uint32 i = 0; i < most; ++i) {
        SpinLockInit(&entries[i].mutex);
        entries[i].generation = 0;
    }
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::statements);
}

OpenIndex index() {
    return OpenIndex({slots, table->slots});
}

uint64 hash_of_key(const StatementKey &key) {
    Hash64 hash;
    hash.add(key.fingerprint);
    hash.add(key.name);
    hash.add((static_cast<uint64>(key.database) << 32) | key.role);
    hash.add((static_cast<uint64>(key.run) << 32) | key.top_level);
    return hash.value();
}

inline bool same(const StatementKey &a, const StatementKey &b) {
    return a.fingerprint == b.fingerprint && a.name == b.name && a.database == b.database && a.role == b.role &&
           a.run == b.run && a.top_level == b.top_level;
}

uint32 find(const StatementKey &key, uint64 hash) {
    return index().find(hash, [&key](uint32 entry) { return same(entries[entry].key, key); });
}

inline bool is_outside(const Entry &entry) {
    return entry.key.run == runs::no_run;
}

// With Lock::statements held exclusively.
void free_entry(uint32 number) {
    Entry &entry = entries[number];
    index().erase(hash_of_key(entry.key), number, [](uint32 other) { return hash_of_key(entries[other].key); });
    with_spinlock(&entry.mutex, [&entry] { entry.generation = 0; });
    --table->used;
    if (is_outside(entry))
        --table->outside;
    table->free_hint = std::min(table->free_hint, number);
    pg_atomic_write_u32(&table->freed, pg_atomic_read_u32(&table->freed) + 1);
    pg_atomic_write_u32(&table->full, 0);
}

// Ages of entries outside runs, sorted: some of them, but all when there are few.
uint32 sample_ages(std::span<uint32> ages) {
    const uint32 now = pg_atomic_read_u32(&table->clock);
    // Where they are rare every place is looked at.
    const uint32 wanted = std::min(table->outside, static_cast<uint32>(ages.size()));
    uint32 stride = std::max<uint32>(1, table->outside / static_cast<uint32>(ages.size()));
    uint32 found = 0;
    for (; stride > 0 && found * 2 < wanted; stride = stride > 1 ? 1 : 0) {
        found = 0;
        for (uint32 i = 0; i < table->most && found < wanted; i += stride)
            if (entries[i].generation != 0 && is_outside(entries[i]))
                ages[found++] = now - entries[i].last_used;
    }
    std::sort(ages.begin(), ages.begin() + found);
    return found;
}

// Frees a twentieth of the entries that belong to no run, of those that were not used for longest. With
// Lock::statements held exclusively.
void evict() {
    std::array<uint32, 128> ages;
    const uint32 sampled = sample_ages(ages);
    if (sampled == 0)
        return;
    const uint32 now = pg_atomic_read_u32(&table->clock);
    const uint32 old_age = ages[sampled - 1 - sampled / 8];
    uint32 left = std::max<uint32>(1, table->outside / 20);
    // Not from the first place each time, or the same entries would go first.
    for (uint32 i = 0; i < table->most && left > 0; ++i) {
        table->hand = table->hand + 1 < table->most ? table->hand + 1 : 0;
        const Entry &entry = entries[table->hand];
        if (entry.generation != 0 && is_outside(entry) && now - entry.last_used >= old_age) {
            free_entry(table->hand);
            --left;
            pg_atomic_fetch_add_u64(&table->evicted, 1);
        }
    }
}

// With Lock::statements held exclusively.
uint32 create(const StatementKey &key, uint64 hash) {
    if (table->used >= table->most)
        evict();
    if (table->used >= table->most) {
        pg_atomic_write_u32(&table->full, 1);
        return OpenIndex::none;
    }
    uint32 number = table->free_hint;
    while (entries[number].generation != 0)
        ++number;
    table->free_hint = number + 1;
    Entry &entry = entries[number];
    entry.key = key;
    memset(static_cast<void *>(&entry.counters), 0, sizeof(StatementCounters));
    entry.counters.shortest = UINT64_MAX;
    pg_atomic_fetch_add_u32(&table->clock, 1);
    entry.last_used = pg_atomic_read_u32(&table->clock);
    if (++table->last_generation == 0)
        ++table->last_generation;
    const uint32 generation = table->last_generation;
    with_spinlock(&entry.mutex, [&entry, generation] { entry.generation = generation; });
    ++table->used;
    if (is_outside(entry))
        ++table->outside;
    index().insert(hash, number);
    return number;
}

// With the entry's spinlock held: loads and stores only.
inline void count(Entry &entry, const Observation &observation, uint64 budget) {
    StatementCounters &counters = entry.counters;
    ++counters.calls;
    counters.rows += observation.rows;
    if (unlikely(observation.aborted))
        ++counters.aborted;
    counters.elapsed += observation.elapsed;
    if (unlikely(observation.elapsed < counters.shortest))
        counters.shortest = observation.elapsed;
    if (unlikely(observation.elapsed > counters.longest))
        counters.longest = observation.elapsed;
    if (observation.planning != 0) {
        ++counters.plans;
        counters.planning += observation.planning;
    }
    if (budget != 0) {
        counters.budget = budget;
        if (unlikely(observation.elapsed > budget))
            ++counters.over_budget;
    }
    uint32 &bucket = counters.histogram[histogram::bucket_of(observation.elapsed)];
    if (unlikely(++bucket == 0))
        bucket = UINT32_MAX;
    add(&counters.usage, observation.usage);
}

inline bool count_if_current(const StatementEntryCache &cache, const Observation &observation, uint64 budget) {
    Entry &entry = entries[cache.entry];
    SpinLockAcquire(&entry.mutex);
    const bool current = entry.generation == cache.generation;
    if (likely(current)) {
        count(entry, observation, budget);
        entry.last_used = pg_atomic_read_u32(&table->clock);
    }
    SpinLockRelease(&entry.mutex);
    return current;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf statements", size, attach});
}

bool record_again(const StatementEntryCache &cache, uint32 run, Oid role, uint64 name, bool top_level,
                  const Observation &observation, uint64 budget) {
    const StatementKey &known = cache.key;
    return likely(known.run == run && known.role == role && known.name == name && known.top_level == top_level &&
                  count_if_current(cache, observation, budget));
}

[[gnu::noinline]] void record(StatementKey key, StatementEntryCache *cache, const Observation &observation,
                              uint64 budget, void (*needs_text)(void *), void *argument) {
    // An entry may be freed between finding it and counting; then it is looked up again.
    for (int tries = 0; tries < 10; ++tries) {
        const uint64 hash = hash_of_key(key);
        bool created = false;
        bool full = false;
        uint32 generation = 0;
        uint32 number = with_lock(table_lock(), LW_SHARED, [&] {
            const uint32 found = find(key, hash);
            generation = found == OpenIndex::none ? 0 : entries[found].generation;
            full = pg_atomic_read_u32(&table->full) != 0;
            return found;
        });
        // A closed run gets no new entry.
        if (number == OpenIndex::none && !runs::is_open(key.run)) {
            key.run = runs::look_up_current();
            continue;
        }
        if (number == OpenIndex::none && !full) {
            number = with_lock(table_lock(), LW_EXCLUSIVE, [&] {
                uint32 found = find(key, hash);
                if (found == OpenIndex::none) {
                    found = create(key, hash);
                    created = found != OpenIndex::none;
                }
                generation = found == OpenIndex::none ? 0 : entries[found].generation;
                return found;
            });
        }
        if (number == OpenIndex::none)
            break;
        // Asked after the generation was read: a run that is closed later seals its entries, which then is noticed.
        // What ends after its run belongs to what comes after that.
        if (!runs::is_open(key.run)) {
            key.run = runs::look_up_current();
            continue;
        }
        cache->key = key;
        cache->entry = number;
        cache->generation = generation;
        if (created)
            needs_text(argument);
        if (count_if_current(*cache, observation, budget))
            return;
    }
    cache->key.run = StatementEntryCache::none;
    pg_atomic_fetch_add_u64(&table->dropped, 1);
    runs::count_lost(key.run, runs::Loss::executions);
}

void seal_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        for (uint32 i = 0; i < table->most; ++i) {
            Entry &entry = entries[i];
            if (entry.generation == 0 || entry.key.run != run)
                continue;
            if (++table->last_generation == 0)
                ++table->last_generation;
            const uint32 generation = table->last_generation;
            with_spinlock(&entry.mutex, [&entry, generation] { entry.generation = generation; });
        }
    });
}

void visit(void (*visit)(const StatementKey &key, const StatementCounters &counters, void *argument), void *argument) {
    Entry *copy = static_cast<Entry *>(palloc(sizeof(Entry)));
    for (uint32 i = 0; i < table->most; ++i) {
        Entry &entry = entries[i];
        if (entry.generation == 0)
            continue;
        const bool taken = with_lock(table_lock(), LW_SHARED, [&entry, copy] {
            return with_spinlock(&entry.mutex, [&entry, copy] {
                if (entry.generation == 0)
                    return false;
                copy->key = entry.key;
                copy->counters = entry.counters;
                return true;
            });
        });
        if (taken && copy->counters.calls > 0)
            visit(copy->key, copy->counters, argument);
    }
    pfree(copy);
}

void visit_texts(void (*visit)(uint64 key)) {
    // In pieces, so that whoever needs an entry does not wait long.
    constexpr uint32 piece = 256;
    for (uint32 first = 0; first < table->most; first += piece)
        with_lock(table_lock(), LW_SHARED, [first, visit] {
            for (uint32 i = first; i < std::min(first + piece, table->most); ++i) {
                if (entries[i].generation == 0)
                    continue;
                visit(entries[i].key.fingerprint);
                if (entries[i].key.name != 0)
                    visit(entries[i].key.name);
            }
        });
}

uint32 freed() {
    return pg_atomic_read_u32(&table->freed);
}

bool evict_outside_runs() {
    if (with_lock(table_lock(), LW_SHARED, [] { return table->outside == 0; }))
        return false;
    with_lock(table_lock(), LW_EXCLUSIVE, [] { evict(); });
    return true;
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        for (uint32 i = 0; i < table->most; ++i)
            if (entries[i].generation != 0 && entries[i].key.run == run)
                free_entry(i);
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        for (uint32 i = 0; i < table->most; ++i)
            if (entries[i].generation != 0)
                free_entry(i);
    });
    pg_atomic_write_u64(&table->dropped, 0);
    pg_atomic_write_u64(&table->evicted, 0);
}

State state() {
    return with_lock(table_lock(), LW_SHARED, [] {
        return State{table->used, table->most, pg_atomic_read_u64(&table->dropped),
                     pg_atomic_read_u64(&table->evicted)};
    });
}

} // namespace dbperf::statements::statement_table
