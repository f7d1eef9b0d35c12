// The statement table; see the header for its locking contract.
#include "core/pg.h"

#include "statements/statement_table.h"

#include <algorithm>
#include <array>

#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::statements::statement_table {
using namespace core;

namespace {

constexpr uint32 none = UINT32_MAX;

struct Entry {
    slock_t mutex;
    uint8 referenced;       // counted since the sweep last came by
    uint32 generation;      // 0: free
    uint32 last_generation; // of whatever was here
    StatementKey key;
    StatementTotals totals;
    uint64 octaves; // of the histogram: those that are in use. The others hold what was there before
};
static_assert(std::is_standard_layout_v<Entry> && std::is_trivially_copyable_v<StatementTotals>);

// Apart from the entries, which are looked through: a statement touches few of its buckets.
using Buckets = std::array<uint32, histogram::bucket_count>;
static_assert(histogram::bucket_count / histogram::steps <= 64);

// Of an entry, in its bucket or in the list of the free: small and side by side, since entries are large and cold.
struct Link {
    uint32 next; // number + 1; 0: the last
    uint32 tag;  // the hash's upper half
};

struct Table {
    uint32 most;
    uint32 buckets; // a power of two
    uint64 salt;    // nobody can choose statements that share a bucket
    slock_t free_mutex;
    uint32 free_head;      // number + 1; 0: none
    pg_atomic_uint32 hand; // where the sweep goes on
    pg_atomic_uint32 used;
    pg_atomic_uint32 outside; // of these, those that belong to no run
    pg_atomic_uint32 freed;   // entries that have gone
    pg_atomic_uint64 dropped;
    pg_atomic_uint64 evicted;
};

Table *table = nullptr;
Entry *entries = nullptr;
Buckets *histograms = nullptr;
Link *links = nullptr;
uint32 *heads = nullptr;

constexpr uint32 parts = shared_memory::statement_parts;

uint32 wanted_buckets() {
    uint32 count = parts;
    while (count < static_cast<uint32>(settings::max_statements))
        count *= 2;
    return count;
}

Size size() {
    const auto most = static_cast<uint32>(settings::max_statements);
    Size total = MAXALIGN(sizeof(Table));
    total = add_size(total, mul_size(most, sizeof(Entry)));
    total = add_size(total, mul_size(most, sizeof(Buckets)));
    total = add_size(total, mul_size(most, sizeof(Link)));
    return add_size(total, mul_size(wanted_buckets(), sizeof(uint32)));
}

void attach(void *memory, bool fresh) {
    const auto most = static_cast<uint32>(settings::max_statements);
    char *at = static_cast<char *>(memory);
    table = reinterpret_cast<Table *>(at);
    at += MAXALIGN(sizeof(Table));
    entries = reinterpret_cast<Entry *>(at);
    at += most * sizeof(Entry);
    histograms = reinterpret_cast<Buckets *>(at);
    at += most * sizeof(Buckets);
    links = reinterpret_cast<Link *>(at);
    at += most * sizeof(Link);
    heads = reinterpret_cast<uint32 *>(at);
    if (!fresh)
        return;
    memset(static_cast<void *>(table), 0, sizeof(Table));
    table->most = most;
    table->buckets = wanted_buckets();
    if (!pg_strong_random(&table->salt, sizeof table->salt))
        table->salt = static_cast<uint64>(GetCurrentTimestamp());
    SpinLockInit(&table->free_mutex);
    for (pg_atomic_uint32 *counter : {&table->hand, &table->used, &table->outside, &table->freed})
        pg_atomic_init_u32(counter, 0);
    pg_atomic_init_u64(&table->dropped, 0);
    pg_atomic_init_u64(&table->evicted, 0);
    memset(heads, 0, table->buckets * sizeof(uint32));
    for (uint32 i = 0; i < most; ++i) {
        SpinLockInit(&entries[i].mutex);
        entries[i].generation = entries[i].last_generation = 0;
        links[i] = {i + 1 < most ? i + 2 : 0, 0};
    }
    table->free_head = 1;
}

uint64 hash_of_key(const StatementKey &key) {
    Hash64 hash;
    hash.add(key.fingerprint ^ table->salt);
    hash.add(key.name);
    hash.add((static_cast<uint64>(key.database) << 32) | key.role);
    hash.add((static_cast<uint64>(key.run) << 32) | key.top_level);
    return hash.value();
}

uint32 &head_of(uint64 hash) {
    return heads[hash & (table->buckets - 1)];
}

uint32 tag_of(uint64 hash) {
    return static_cast<uint32>(hash >> 32);
}

LWLock *lock_of(uint64 hash) {
    return shared_memory::lock(shared_memory::Lock::statements, static_cast<uint32>(hash & (parts - 1)));
}

inline bool same(const StatementKey &a, const StatementKey &b) {
    return a.fingerprint == b.fingerprint && a.name == b.name && a.database == b.database && a.role == b.role &&
           a.run == b.run && a.top_level == b.top_level;
}

inline bool is_outside(const StatementKey &key) {
    return key.run == runs::no_run;
}

// With the part's lock held.
uint32 find(const StatementKey &key, uint64 hash) {
    for (uint32 next = head_of(hash); next != 0; next = links[next - 1].next)
        if (links[next - 1].tag == tag_of(hash) && same(entries[next - 1].key, key))
            return next - 1;
    return none;
}

// With the entry's spinlock held.
uint32 next_generation(Entry &entry) {
    if (++entry.last_generation == 0)
        ++entry.last_generation;
    return entry.last_generation;
}

void give_back(uint32 number) {
    with_spinlock(&table->free_mutex, [number] {
        links[number].next = table->free_head;
        table->free_head = number + 1;
    });
}

uint32 take_free() {
    if (table->free_head == 0)
        return none;
    return with_spinlock(&table->free_mutex, [] {
        if (table->free_head == 0)
            return none;
        const uint32 number = table->free_head - 1;
        table->free_head = links[number].next;
        return number;
    });
}

// With the part's lock held exclusively. The place is the caller's from then on.
void unlink(uint32 number, uint64 hash) {
    Entry &entry = entries[number];
    uint32 *at = &head_of(hash);
    while (*at != number + 1)
        at = &links[*at - 1].next;
    *at = links[number].next;
    with_spinlock(&entry.mutex, [&entry] { entry.generation = 0; });
    pg_atomic_fetch_sub_u32(&table->used, 1);
    if (is_outside(entry.key))
        pg_atomic_fetch_sub_u32(&table->outside, 1);
    pg_atomic_fetch_add_u32(&table->freed, 1);
}

// Unlinks the entry if it still is that of `key`; who must not wait may get a no all the same.
bool unlink_if(uint32 number, const StatementKey &key, bool may_wait) {
    const uint64 hash = hash_of_key(key);
    LWLock *lock = lock_of(hash);
    if (may_wait)
        LWLockAcquire(lock, LW_EXCLUSIVE);
    else if (!LWLockConditionalAcquire(lock, LW_EXCLUSIVE))
        return false;
    const bool current = entries[number].generation != 0 && same(entries[number].key, key);
    if (current)
        unlink(number, hash);
    LWLockRelease(lock);
    return current;
}

// Second chance: the first entry outside runs that was not counted since the sweep last came by goes. Each who needs
// one does its own step, so that nobody waits for another's sweep.
uint32 evict_one(uint32 steps) {
    for (; steps > 0 && pg_atomic_read_u32(&table->outside) != 0; --steps) {
        const uint32 number = pg_atomic_fetch_add_u32(&table->hand, 1) % table->most;
        Entry &entry = entries[number];
        const StatementKey key = entry.key; // as read without a lock: looked at again before it goes
        if (entry.generation == 0 || !is_outside(key))
            continue;
        if (entry.referenced != 0) {
            entry.referenced = 0;
            continue;
        }
        if (unlink_if(number, key, false)) {
            pg_atomic_fetch_add_u64(&table->evicted, 1);
            return number;
        }
    }
    return none;
}

// A place that is nobody's; none when there is none. Who is outside of runs does not look long.
uint32 take_place(bool in_run) {
    constexpr uint32 patience = 256;
    const uint32 number = take_free();
    if (number != none)
        return number;
    return evict_one(in_run ? table->most * 2 : std::min(patience, table->most * 2));
}

// With the part's lock held exclusively and the place the caller's own.
void link(uint32 number, const StatementKey &key, uint64 hash) {
    Entry &entry = entries[number];
    entry.key = key;
    memset(static_cast<void *>(&entry.totals), 0, sizeof(StatementTotals));
    entry.totals.shortest = UINT64_MAX;
    entry.octaves = 0;
    entry.referenced = 1;
    with_spinlock(&entry.mutex, [&entry] { entry.generation = next_generation(entry); });
    links[number] = {head_of(hash), tag_of(hash)};
    head_of(hash) = number + 1;
    pg_atomic_fetch_add_u32(&table->used, 1);
    if (is_outside(key))
        pg_atomic_fetch_add_u32(&table->outside, 1);
}

// Nothing was counted in it yet, and its run is over.
void take_back(uint32 number, const StatementKey &key) {
    const uint64 hash = hash_of_key(key);
    const bool unused = with_lock(lock_of(hash), LW_EXCLUSIVE, [=, &key] {
        const Entry &entry = entries[number];
        const bool is_its = entry.generation != 0 && same(entry.key, key) && entry.totals.calls == 0;
        if (is_its)
            unlink(number, hash);
        return is_its;
    });
    if (unused)
        give_back(number);
}

// With the entry's spinlock held: loads and stores only.
inline void count(Entry &entry, Buckets &buckets, const Observation &observation, uint64 budget) {
    StatementTotals &totals = entry.totals;
    const uint64 elapsed = observation.elapsed;
    ++totals.calls;
    totals.rows += observation.rows;
    if (unlikely(observation.aborted))
        ++totals.aborted;
    totals.elapsed += elapsed;
    if (unlikely(elapsed < totals.shortest))
        totals.shortest = elapsed;
    if (unlikely(elapsed > totals.longest))
        totals.longest = elapsed;
    if (observation.planning != 0) {
        ++totals.plans;
        totals.planning += observation.planning;
    }
    if (budget != 0) {
        totals.budget = budget;
        if (unlikely(elapsed > budget))
            ++totals.over_budget;
    }
    const auto bucket = static_cast<size_t>(histogram::bucket_of(elapsed));
    const size_t octave = bucket / histogram::steps;
    shared_memory::touch(&buckets[bucket]);
    if (unlikely((entry.octaves >> octave & 1) == 0)) {
        entry.octaves |= uint64{1} << octave;
        memset(&buckets[octave * histogram::steps], 0, histogram::steps * sizeof(uint32));
    }
    uint32 &count = buckets[bucket];
    if (unlikely(++count == 0))
        count = UINT32_MAX;
    add(&totals.usage, observation.usage);
}

template <typename Wanted>
void free_those(const Wanted &wanted) {
    for (uint32 i = 0; i < table->most; ++i) {
        const StatementKey key = entries[i].key;
        if (entries[i].generation != 0 && wanted(key) && unlink_if(i, key, true))
            give_back(i);
    }
}

inline bool count_if_current(const StatementEntryCache &cache, const Observation &observation, uint64 budget) {
    Entry &entry = entries[cache.entry];
    shared_memory::touch(&entry.mutex);
    SpinLockAcquire(&entry.mutex);
    const bool current = entry.generation == cache.generation;
    if (likely(current)) {
        count(entry, histograms[cache.entry], observation, budget);
        entry.referenced = 1;
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
        uint32 generation = 0;
        const auto find_current = [&] {
            const uint32 found = find(key, hash);
            generation = found == none ? 0 : entries[found].generation;
            return found;
        };
        uint32 number = with_lock(lock_of(hash), LW_SHARED, find_current);
        // A closed run gets no new entry.
        if (number == none && !runs::is_open(key.run)) {
            key.run = runs::look_up_current();
            continue;
        }
        if (number == none) {
            const uint32 place = take_place(!is_outside(key));
            if (place == none)
                break;
            number = with_lock(lock_of(hash), LW_EXCLUSIVE, [&] {
                const uint32 found = find_current();
                if (found != none)
                    return found;
                link(place, key, hash);
                created = true;
                generation = entries[place].generation;
                return place;
            });
            if (!created)
                give_back(place);
        }
        // Asked after the generation was read: closing a run later renews its entries, which then is noticed.
        // What ends after its run belongs to what comes after that.
        if (!runs::is_open(key.run)) {
            if (created)
                take_back(number, key);
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

void close_run(uint32 run) {
    for (uint32 i = 0; i < table->most; ++i) {
        Entry &entry = entries[i];
        with_spinlock(&entry.mutex, [&entry, run] {
            if (entry.generation != 0 && entry.key.run == run)
                entry.generation = next_generation(entry);
        });
    }
}

void visit(void (*visit)(const StatementKey &key, const StatementCounters &counters, void *argument), void *argument) {
    auto *copy = static_cast<StatementCounters *>(palloc(sizeof(StatementCounters)));
    for (uint32 i = 0; i < table->most; ++i) {
        Entry &entry = entries[i];
        if (entry.generation == 0)
            continue;
        StatementKey key;
        uint64 octaves = 0;
        const bool taken = with_spinlock(&entry.mutex, [&entry, &key, &octaves, copy, i] {
            if (entry.generation == 0)
                return false;
            key = entry.key;
            octaves = entry.octaves;
            static_cast<StatementTotals &>(*copy) = entry.totals;
            memcpy(copy->histogram, &histograms[i], sizeof(Buckets));
            return true;
        });
        if (!taken || copy->calls == 0)
            continue;
        for (int octave = 0; octave < histogram::bucket_count / histogram::steps; ++octave)
            if ((octaves >> octave & 1) == 0)
                memset(&copy->histogram[octave * histogram::steps], 0, histogram::steps * sizeof(uint32));
        visit(key, *copy, argument);
    }
    pfree(copy);
}

void visit_texts(void (*visit)(uint64 key)) {
    for (uint32 i = 0; i < table->most; ++i) {
        Entry &entry = entries[i];
        if (entry.generation == 0)
            continue;
        uint64 name = 0;
        const uint64 fingerprint = with_spinlock(&entry.mutex, [&entry, &name] {
            name = entry.generation == 0 ? 0 : entry.key.name;
            return entry.generation == 0 ? 0 : entry.key.fingerprint;
        });
        if (fingerprint != 0)
            visit(fingerprint);
        if (name != 0)
            visit(name);
    }
}

uint32 freed() {
    return pg_atomic_read_u32(&table->freed);
}

bool evict_outside_runs() {
    const uint32 outside = pg_atomic_read_u32(&table->outside);
    bool any = false;
    for (uint32 left = (outside + 19) / 20; left > 0; --left) {
        const uint32 number = evict_one(table->most * 2);
        if (number == none)
            break;
        give_back(number);
        any = true;
    }
    return any;
}

void free_run(uint32 run) {
    free_those([run](const StatementKey &key) { return key.run == run; });
}

void reset() {
    free_those([](const StatementKey &) { return true; });
    pg_atomic_write_u64(&table->dropped, 0);
    pg_atomic_write_u64(&table->evicted, 0);
}

State state() {
    return State{pg_atomic_read_u32(&table->used), table->most, pg_atomic_read_u64(&table->dropped),
                 pg_atomic_read_u64(&table->evicted)};
}

} // namespace dbperf::statements::statement_table
