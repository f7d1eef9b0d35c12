#include "core/pg.h"

#include "n_plus_one/finding_table.h"

#include <algorithm>

#include "core/guard.h"
#include "core/hash.h"
#include "core/open_index.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::n_plus_one {
using namespace core;

const char *name_of(FindingKind kind) {
    switch (kind) {
    case FindingKind::n_plus_one:
        return "n_plus_one";
    case FindingKind::n_plus_one_write:
        return "n_plus_one_write";
    case FindingKind::server_loop:
        return "server_loop";
    case FindingKind::redundant:
        return "redundant";
    }
    return "unknown";
}

const char *name_of(Confidence confidence) {
    switch (confidence) {
    case Confidence::proven:
        return "proven";
    case Confidence::likely:
        return "likely";
    case Confidence::possible:
        return "possible";
    case Confidence::none:
        break;
    }
    return "unknown";
}

namespace finding_table {
namespace {

struct Table {
    uint32 most;
    uint32 slots;
    uint32 used;
    uint32 last_generation;
    pg_atomic_uint32 clock; // moves with every new finding
    pg_atomic_uint32 full;  // 1: nothing can go, so that asking for room is in vain until something is freed or stored
    pg_atomic_uint32 dirty;
    pg_atomic_uint64 dropped;
    pg_atomic_uint64 reset_at;
    pg_atomic_uint64 reset_stored; // the last one that the recorder knows
    Finding findings[FLEXIBLE_ARRAY_MEMBER];
};
static_assert(std::is_trivially_copyable_v<Finding>);

Table *table = nullptr;
uint32 *slots = nullptr;

Size findings_size() {
    return MAXALIGN(offsetof(Table, findings) + mul_size(static_cast<Size>(settings::max_findings), sizeof(Finding)));
}

Size size() {
    return findings_size() + OpenIndex::slots_for(static_cast<uint32>(settings::max_findings)) * sizeof(uint32);
}

void attach(void *memory, bool fresh) {
    table = static_cast<Table *>(memory);
    slots = reinterpret_cast<uint32 *>(static_cast<char *>(memory) + findings_size());
    if (!fresh)
        return;
    table->most = static_cast<uint32>(settings::max_findings);
    table->slots = OpenIndex::slots_for(table->most);
    memset(slots, 0, table->slots * sizeof(uint32));
    table->used = 0;
    table->last_generation = 0;
    pg_atomic_init_u32(&table->clock, 0);
    pg_atomic_init_u32(&table->full, 0);
    for (uint32 i = 0; i < table->most; ++i) {
        SpinLockInit(&table->findings[i].mutex);
        table->findings[i].generation = 0;
    }
    pg_atomic_init_u32(&table->dirty, 0);
    pg_atomic_init_u64(&table->dropped, 0);
    pg_atomic_init_u64(&table->reset_at, 0);
    pg_atomic_init_u64(&table->reset_stored, 0);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::findings);
}

OpenIndex index() {
    return OpenIndex({slots, table->slots});
}

uint64 hash_of_key(const FindingKey &key) {
    Hash64 hash;
    hash.add(key.scope);
    hash.add(key.child);
    hash.add(key.parent);
    hash.add((static_cast<uint64>(key.database) << 32) | key.role);
    hash.add((static_cast<uint64>(key.run) << 32) | static_cast<uint32>(key.kind));
    return hash.value();
}

uint32 find(const FindingKey &key) {
    return index().find(hash_of_key(key), [&key](uint32 number) {
        return memcmp(&table->findings[number].key, &key, sizeof(FindingKey)) == 0;
    });
}

// With Lock::findings held exclusively.
uint32 find_free() {
    for (uint32 i = 0; i < table->most; ++i)
        if (table->findings[i].generation == 0)
            return i;
    return table->most;
}

// With Lock::findings held exclusively. Only what is stored goes, if asked.
bool free_finding(uint32 number, bool only_stored) {
    Finding &finding = table->findings[number];
    if (!with_spinlock(&finding.mutex, [&finding, only_stored] {
            if (only_stored && finding.dirty)
                return false;
            finding.generation = 0;
            return true;
        }))
        return false;
    index().erase(hash_of_key(finding.key), number,
                  [](uint32 other) { return hash_of_key(table->findings[other].key); });
    --table->used;
    pg_atomic_write_u32(&table->full, 0);
    return true;
}

bool may_go(const Finding &finding) {
    return finding.generation != 0 && finding.key.run == runs::no_run && !finding.dirty;
}

// Gives up a twentieth of what is stored and belongs to no run, of that which did not grow for longest. With
// Lock::findings held exclusively.
void evict() {
    const uint32 now = pg_atomic_read_u32(&table->clock);
    uint64 sum = 0;
    uint32 count = 0;
    uint32 oldest = 0;
    for (uint32 i = 0; i < table->most; ++i) {
        if (!may_go(table->findings[i]))
            continue;
        const uint32 age = now - table->findings[i].last_grown;
        sum += age;
        oldest = std::max(oldest, age);
        ++count;
    }
    if (count == 0)
        return;
    const uint32 old_age = oldest - (oldest - static_cast<uint32>(sum / count)) / 4;
    uint32 left = std::max<uint32>(1, count / 20);
    for (uint32 i = 0; i < table->most && left > 0; ++i)
        if (may_go(table->findings[i]) && now - table->findings[i].last_grown >= old_age && free_finding(i, true))
            --left;
}

// With Lock::findings held exclusively; `most` when there is no room.
uint32 place_for_another() {
    if (table->used >= table->most)
        evict();
    if (table->used < table->most)
        return find_free();
    pg_atomic_write_u32(&table->full, 1);
    return table->most;
}

void add_backend(Finding &finding, int pid) {
    finding.last_backend = pid;
    for (uint32 i = 0; i < std::min<uint32>(finding.backend_count, lengthof(finding.backends)); ++i)
        if (finding.backends[i] == pid)
            return;
    if (finding.backend_count < lengthof(finding.backends))
        finding.backends[finding.backend_count] = pid;
    ++finding.backend_count;
}

// With the finding's spinlock held.
void take_keys(Finding &finding, std::span<const uint64> keys) {
    if (keys.empty())
        return;
    finding.key_count = 0;
    for (const uint64 key : keys)
        if (key != 0 && finding.key_count < max_key_hashes)
            finding.key_hashes[finding.key_count++] = key;
}

// With Lock::findings held exclusively; false when there is no room.
bool add_new(const FindingKey &key, uint64 parent, const FindingText &text, Handle *handle) {
    uint32 number = find(key);
    if (number == OpenIndex::none) {
        number = place_for_another();
        if (number == table->most)
            return false;
        Finding &finding = table->findings[number];
        memset(reinterpret_cast<char *>(&finding) + offsetof(Finding, key), 0,
               sizeof(Finding) - offsetof(Finding, key));
        finding.key = key;
        finding.parent = parent;
        finding.text = text;
        finding.first_at = GetCurrentTimestamp(); // under the lock, so after the last reset
        finding.dirty = true;                     // it is about to grow, and is not to go before that
        finding.last_grown = pg_atomic_add_fetch_u32(&table->clock, 1);
        if (++table->last_generation == 0)
            ++table->last_generation;
        const uint32 generation = table->last_generation;
        with_spinlock(&finding.mutex, [&finding, generation] { finding.generation = generation; });
        ++table->used;
        index().insert(hash_of_key(key), number);
    }
    *handle = {number, table->findings[number].generation};
    return true;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf findings", size, attach});
}

bool grow(const FindingKey &key, Handle *handle, const FindingGrowth &growth) {
    if (handle->generation == 0 || handle->finding >= table->most)
        return false;
    Finding &finding = table->findings[handle->finding];
    SpinLockAcquire(&finding.mutex);
    // The place may have been taken for another finding, or be another's by now.
    const bool current =
        finding.generation == handle->generation && memcmp(&finding.key, &key, sizeof(FindingKey)) == 0;
    if (current) {
        finding.confidence = std::max(finding.confidence, growth.confidence);
        finding.calls += growth.work.calls;
        finding.exec_time += growth.work.exec;
        finding.wait_time += growth.work.wait;
        finding.loops += growth.new_loop;
        finding.loop_sizes.move(growth.new_loop ? 0 : growth.loop - growth.work.calls, growth.loop);
        finding.largest_loop = std::max(finding.largest_loop, growth.loop);
        if (growth.distinct_keys > finding.distinct_keys) {
            finding.distinct_keys = growth.distinct_keys;
            take_keys(finding, growth.keys);
        }
        finding.dirty = true;
        finding.last_grown = pg_atomic_read_u32(&table->clock);
        for (const int pid : growth.backends)
            if (finding.last_backend != pid)
                add_backend(finding, pid);
    }
    SpinLockRelease(&finding.mutex);
    if (current && pg_atomic_read_u32(&table->dirty) == 0)
        pg_atomic_write_u32(&table->dirty, 1);
    return current;
}

void add(const FindingKey &key, uint64 parent, const FindingText &text, Handle *handle) {
    *handle = {0, 0};
    // A statement that is executed again and again asks for the same finding each time.
    bool full = false;
    if (with_lock(table_lock(), LW_SHARED, [&key, handle, &full] {
            const uint32 number = find(key);
            if (number != OpenIndex::none)
                *handle = {number, table->findings[number].generation};
            full = pg_atomic_read_u32(&table->full) != 0;
            return number != OpenIndex::none;
        }))
        return;
    if (!runs::is_open(key.run))
        return;
    if (full || !with_lock(table_lock(), LW_EXCLUSIVE, [&] { return add_new(key, parent, text, handle); })) {
        pg_atomic_fetch_add_u64(&table->dropped, 1);
        runs::count_lost(key.run, runs::Loss::findings);
    }
}

void visit_texts(void (*visit)(uint64 key)) {
    with_lock(table_lock(), LW_SHARED, [visit] {
        for (uint32 i = 0; i < table->most; ++i) {
            const Finding &finding = table->findings[i];
            if (finding.generation == 0)
                continue;
            visit(finding.key.child);
            if (finding.parent != 0)
                visit(finding.parent);
        }
    });
}

void visit(bool only_dirty, void (*visit)(const Finding &finding, void *argument), void *argument) {
    Finding *copy = static_cast<Finding *>(palloc(sizeof(Finding)));
    if (only_dirty)
        pg_atomic_write_u32(&table->dirty, 0);
    for (uint32 i = 0; i < table->most; ++i) {
        Finding &finding = table->findings[i];
        if (finding.generation == 0)
            continue;
        const bool taken = with_lock(table_lock(), LW_SHARED, [&finding, copy, only_dirty] {
            return with_spinlock(&finding.mutex, [&finding, copy, only_dirty] {
                if (finding.generation == 0 || finding.calls == 0 || (only_dirty && !finding.dirty))
                    return false;
                *copy = finding;
                if (only_dirty)
                    finding.dirty = false;
                return true;
            });
        });
        if (taken)
            visit(*copy, argument);
    }
    pfree(copy);
    // What is stored may go.
    if (only_dirty)
        pg_atomic_write_u32(&table->full, 0);
}

void mark_all_dirty() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        for (uint32 i = 0; i < table->most; ++i)
            with_spinlock(&table->findings[i].mutex, [i] { table->findings[i].dirty = true; });
        pg_atomic_write_u32(&table->dirty, 1);
    });
}

bool any_dirty() {
    return pg_atomic_read_u32(&table->dirty) != 0;
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        for (uint32 i = 0; i < table->most; ++i)
            if (table->findings[i].generation != 0 && table->findings[i].key.run == run)
                free_finding(i, false);
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        for (uint32 i = 0; i < table->most; ++i)
            if (table->findings[i].generation != 0)
                free_finding(i, false);
        pg_atomic_write_u64(&table->reset_at, static_cast<uint64>(GetCurrentTimestamp()));
    });
    pg_atomic_write_u32(&table->dirty, 0);
    pg_atomic_write_u64(&table->dropped, 0);
}

TimestampTz reset_at() {
    return static_cast<TimestampTz>(pg_atomic_read_u64(&table->reset_at));
}

bool reset_pending() {
    return pg_atomic_read_u64(&table->reset_stored) != pg_atomic_read_u64(&table->reset_at);
}

void reset_stored(TimestampTz up_to) {
    pg_atomic_write_u64(&table->reset_stored, static_cast<uint64>(up_to));
}

uint64 dropped() {
    return pg_atomic_read_u64(&table->dropped);
}

} // namespace finding_table
} // namespace dbperf::n_plus_one
