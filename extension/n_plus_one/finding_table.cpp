#include "core/pg.h"

#include "n_plus_one/finding_table.h"

#include <algorithm>

#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/shared_table.h"
#include "statements/execution.h"

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

uint64 Finding::hash_of(const FindingKey &key) {
    Hash64 hash;
    hash.add(key.scope);
    hash.add(key.child);
    hash.add(key.parent);
    hash.add((static_cast<uint64>(key.database) << 32) | key.role);
    hash.add((static_cast<uint64>(key.run) << 32) | static_cast<uint32>(key.kind));
    return hash.value();
}

namespace finding_table {
namespace {

struct Head {
    pg_atomic_uint32 clock; // moves with every new finding
    pg_atomic_uint32 full;  // 1: nothing can go, so that asking for room is in vain until something is freed or stored
    pg_atomic_uint32 dirty;
    pg_atomic_uint64 dropped;
    pg_atomic_uint64 reset_at;
    pg_atomic_uint64 reset_stored; // the last one that the recorder knows
};
static_assert(std::is_trivially_copyable_v<Finding>);

SharedTable<Head, Finding> table;

uint32 capacity() {
    return static_cast<uint32>(settings::max_findings);
}

Size size() {
    return table.size(capacity());
}

void attach(void *memory, bool fresh) {
    table.attach(memory, capacity(), fresh);
    if (!fresh)
        return;
    pg_atomic_init_u32(&table->clock, 0);
    pg_atomic_init_u32(&table->full, 0);
    pg_atomic_init_u32(&table->dirty, 0);
    pg_atomic_init_u64(&table->dropped, 0);
    pg_atomic_init_u64(&table->reset_at, 0);
    pg_atomic_init_u64(&table->reset_stored, 0);
    for (uint32 i = 0; i < capacity(); ++i)
        SpinLockInit(&table[i].mutex);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::findings);
}

// With Lock::findings held exclusively. Only what is stored goes, if asked.
bool free_finding(uint32 number, bool only_stored) {
    Finding &finding = table[number];
    if (!with_spinlock(&finding.mutex, [&finding, only_stored] {
            if (only_stored && finding.dirty)
                return false;
            finding.generation = 0;
            return true;
        }))
        return false;
    table.release(number);
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
    table.for_each([&](uint32, const Finding &finding) {
        if (!may_go(finding))
            return;
        const uint32 age = now - finding.last_grown;
        sum += age;
        oldest = std::max(oldest, age);
        ++count;
    });
    if (count == 0)
        return;
    const uint32 old_age = oldest - (oldest - static_cast<uint32>(sum / count)) / 4;
    uint32 left = std::max<uint32>(1, count / 20);
    for (uint32 i = 0; i < table.capacity() && left > 0; ++i)
        if (may_go(table[i]) && now - table[i].last_grown >= old_age && free_finding(i, true))
            --left;
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

// What this time of the unit alone amounts to. With the finding's spinlock held.
void grow_in_unit(Finding &finding, const FindingGrowth &growth, TimestampTz now) {
    if (finding.unit != growth.unit.id) {
        finding.unit = growth.unit.id;
        finding.unit_name = growth.unit.name;
        finding.unit_calls = finding.unit_keys = 0;
        finding.unit_confidence = Confidence::none;
        // Another line may do it now.
        strlcpy(finding.text.call_site, growth.unit.call_site, sizeof(finding.text.call_site));
    }
    finding.grown_at = now;
    finding.unit_calls += growth.work.calls;
    finding.unit_keys = std::max(finding.unit_keys, growth.distinct_keys);
    finding.unit_confidence = std::max(finding.unit_confidence, growth.confidence);
}

// With Lock::findings held exclusively; false when there is no room.
bool add_new(const FindingKey &key, uint64 parent, const FindingText &text, Handle *handle) {
    uint32 number = table.find(key);
    if (number == table.none) {
        if (table.is_full())
            evict();
        number = table.add(key);
        if (number == table.none) {
            pg_atomic_write_u32(&table->full, 1);
            return false;
        }
        Finding &finding = table[number];
        constexpr size_t fresh = offsetof(Finding, key) + sizeof(FindingKey);
        memset(reinterpret_cast<char *>(&finding) + fresh, 0, sizeof(Finding) - fresh);
        finding.parent = parent;
        finding.text = text;
        finding.first_at = GetCurrentTimestamp(); // under the lock, so after the last reset
        finding.dirty = true;                     // it is about to grow, and is not to go before that
        finding.last_grown = pg_atomic_add_fetch_u32(&table->clock, 1);
    }
    *handle = {number, table[number].generation};
    return true;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf findings", size, attach});
}

bool grow(const FindingKey &key, Handle *handle, const FindingGrowth &growth) {
    if (handle->generation == 0 || handle->finding >= table.capacity())
        return false;
    Finding &finding = table[handle->finding];
    const TimestampTz now = growth.unit.id != 0 ? GetCurrentTimestamp() : 0;
    const uint64 ticks = statements::execution::clock();
    SpinLockAcquire(&finding.mutex);
    // The entry may have been taken for another finding by now.
    const bool current =
        finding.generation == handle->generation && memcmp(&finding.key, &key, sizeof(FindingKey)) == 0;
    if (current) {
        finding.confidence = std::max(finding.confidence, growth.confidence);
        finding.calls += growth.work.calls;
        finding.exec_time += growth.work.exec;
        if (finding.began == 0)
            finding.began = ticks - std::min(ticks - 1, growth.work.exec + growth.work.wait);
        finding.wait_time = std::min(finding.wait_time + growth.work.wait, ticks - std::min(ticks, finding.began));
        finding.loops += growth.new_loop;
        finding.loop_sizes.move(growth.new_loop ? 0 : growth.loop - growth.work.calls, growth.loop);
        finding.largest_loop = std::max(finding.largest_loop, growth.loop);
        if (growth.distinct_keys > finding.distinct_keys) {
            finding.distinct_keys = growth.distinct_keys;
            take_keys(finding, growth.keys);
        }
        if (growth.unit.id != 0)
            grow_in_unit(finding, growth, now);
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
            const uint32 number = table.find(key);
            if (number != table.none)
                *handle = {number, table[number].generation};
            full = pg_atomic_read_u32(&table->full) != 0;
            return number != table.none;
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
        table.for_each([visit](uint32, const Finding &finding) {
            visit(finding.key.child);
            if (finding.parent != 0)
                visit(finding.parent);
        });
    });
}

void visit(bool only_dirty, void (*visit)(const Finding &finding, void *argument), void *argument) {
    Finding *copy = static_cast<Finding *>(palloc(sizeof(Finding)));
    if (only_dirty)
        pg_atomic_write_u32(&table->dirty, 0);
    for (uint32 i = 0; i < table.capacity(); ++i) {
        Finding &finding = table[i];
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
        table.for_each(
            [](uint32, Finding &finding) { with_spinlock(&finding.mutex, [&finding] { finding.dirty = true; }); });
        pg_atomic_write_u32(&table->dirty, 1);
    });
}

bool any_dirty() {
    return pg_atomic_read_u32(&table->dirty) != 0;
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        table.for_each([run](uint32 number, const Finding &finding) {
            if (finding.key.run == run)
                free_finding(number, false);
        });
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        table.for_each([](uint32 number, const Finding &) { free_finding(number, false); });
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
