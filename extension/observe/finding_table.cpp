// See the header.
#include "server/pg.h"

#include "observe/finding_table.h"

#include <algorithm>

#include "server/guard.h"
#include "server/runs.h"
#include "server/settings.h"
#include "server/shared_memory.h"

namespace dbperf::finding_table {
namespace {

struct Table {
    uint32 most;
    uint32 last_generation;
    pg_atomic_uint32 dirty;
    pg_atomic_uint64 dropped;
    Finding findings[FLEXIBLE_ARRAY_MEMBER];
};
static_assert(std::is_trivially_copyable_v<Finding>);

Table *table = nullptr;

Size size() {
    return offsetof(Table, findings) + mul_size(static_cast<Size>(settings::max_findings), sizeof(Finding));
}

void attach(void *memory, bool fresh) {
    table = static_cast<Table *>(memory);
    if (!fresh)
        return;
    table->most = static_cast<uint32>(settings::max_findings);
    table->last_generation = 0;
    for (uint32 i = 0; i < table->most; ++i) {
        SpinLockInit(&table->findings[i].mutex);
        table->findings[i].generation = 0;
    }
    pg_atomic_init_u32(&table->dirty, 0);
    pg_atomic_init_u64(&table->dropped, 0);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::findings);
}

uint32 find(const FindingKey &key) {
    for (uint32 i = 0; i < table->most; ++i) {
        const Finding &finding = table->findings[i];
        if (finding.generation != 0 && memcmp(&finding.key, &key, sizeof(FindingKey)) == 0)
            return i;
    }
    return table->most;
}

uint32 find_free() {
    for (uint32 i = 0; i < table->most; ++i)
        if (table->findings[i].generation == 0)
            return i;
    return table->most;
}

// With Lock::findings held exclusively.
void free_finding(Finding &finding) {
    with_spinlock(&finding.mutex, [&finding] { finding.generation = 0; });
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

} // namespace

void install() {
    shared_memory::register_area({"dbperf findings", size, attach});
}

bool grow(const FindingKey &key, Place *place, const FindingGrowth &growth) {
    if (place->generation == 0)
        return false;
    Finding &finding = table->findings[place->finding];
    const int pid = MyProcPid;
    SpinLockAcquire(&finding.mutex);
    // The run may have changed since the place was taken.
    const bool current = finding.generation == place->generation && finding.key.run == key.run;
    if (current) {
        finding.confidence = std::max(finding.confidence, growth.confidence);
        finding.calls += growth.calls;
        finding.distinct_keys = std::max(finding.distinct_keys, growth.distinct_keys);
        finding.exec_time += growth.exec_time;
        finding.wait_time += growth.wait_time;
        finding.scopes += growth.new_scope;
        finding.dirty = true;
        if (finding.last_backend != pid)
            add_backend(finding, pid);
    }
    SpinLockRelease(&finding.mutex);
    if (current && pg_atomic_read_u32(&table->dirty) == 0)
        pg_atomic_write_u32(&table->dirty, 1);
    return current;
}

void add(const FindingKey &key, std::string_view scope, Oid relation, AttrNumber column, Place *place) {
    *place = {0, 0};
    if (!runs::is_open(key.run))
        return;
    // Names are looked up outside the lock: catalogs may have to be read.
    char relation_column[NAMEDATALEN * 2] = "";
    if (IsTransactionState()) {
        attempt([&relation_column, relation, column] {
            const char *relation_name = get_rel_name(relation);
            const char *column_name = get_attname(relation, column, true);
            if (relation_name && column_name)
                snprintf(relation_column, sizeof(relation_column), "%s.%s", relation_name, column_name);
        });
    }
    const TimestampTz at = GetCurrentTimestamp();
    with_lock(table_lock(), LW_EXCLUSIVE, [&] {
        uint32 number = find(key);
        if (number == table->most) {
            number = find_free();
            if (number == table->most) {
                pg_atomic_fetch_add_u64(&table->dropped, 1);
                *place = {0, 0};
                return;
            }
            Finding &finding = table->findings[number];
            memset(reinterpret_cast<char *>(&finding) + offsetof(Finding, key), 0,
                   sizeof(Finding) - offsetof(Finding, key));
            finding.key = key;
            finding.relation = relation;
            finding.column = column;
            finding.first_at = at;
            memcpy(finding.scope, scope.data(), std::min(scope.size(), sizeof(finding.scope) - 1));
            strlcpy(finding.relation_column, relation_column, sizeof(finding.relation_column));
            if (++table->last_generation == 0)
                ++table->last_generation;
            const uint32 generation = table->last_generation;
            with_spinlock(&finding.mutex, [&finding, generation] { finding.generation = generation; });
        }
        *place = {number, table->findings[number].generation};
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
                free_finding(table->findings[i]);
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        for (uint32 i = 0; i < table->most; ++i)
            free_finding(table->findings[i]);
    });
    pg_atomic_write_u32(&table->dirty, 0);
    pg_atomic_write_u64(&table->dropped, 0);
}

uint64 dropped() {
    return pg_atomic_read_u64(&table->dropped);
}

} // namespace dbperf::finding_table
