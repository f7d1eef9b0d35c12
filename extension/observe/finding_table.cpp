// See the header.
#include "server/pg.h"

#include "observe/finding_table.h"

#include <algorithm>

#include "server/guard.h"
#include "server/settings.h"
#include "server/shared_memory.h"

namespace dbperf::finding_table {
namespace {

struct Table {
    uint32 most;
    uint32 used; // entries below are in use, in no order
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
    table->used = 0;
    pg_atomic_init_u32(&table->dirty, 0);
    pg_atomic_init_u64(&table->dropped, 0);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::findings);
}

Finding *find(const FindingKey &key) {
    for (uint32 i = 0; i < table->used; ++i)
        if (memcmp(&table->findings[i].key, &key, sizeof(FindingKey)) == 0)
            return &table->findings[i];
    return nullptr;
}

void add_backend(Finding &finding, int pid) {
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

void grow(const FindingKey &key, std::string_view scope, Oid relation, AttrNumber column, const FindingGrowth &growth) {
    // Names are looked up only for a finding that is new, and outside the lock: catalogs may have to be read.
    const bool known = with_lock(table_lock(), LW_SHARED, [&key] { return find(key) != nullptr; });
    char relation_column[NAMEDATALEN * 2] = "";
    if (!known) {
        attempt([&relation_column, relation, column] {
            const char *relation_name = get_rel_name(relation);
            const char *column_name = get_attname(relation, column, true);
            if (relation_name && column_name)
                snprintf(relation_column, sizeof(relation_column), "%s.%s", relation_name, column_name);
        });
    }
    const TimestampTz at = GetCurrentTimestamp();
    with_lock(table_lock(), LW_EXCLUSIVE, [&] {
        Finding *finding = find(key);
        if (!finding) {
            if (table->used >= table->most) {
                pg_atomic_fetch_add_u64(&table->dropped, 1);
                return;
            }
            finding = &table->findings[table->used++];
            memset(static_cast<void *>(finding), 0, sizeof(Finding));
            finding->key = key;
            finding->relation = relation;
            finding->column = column;
            finding->first_at = at;
            const size_t length = std::min(scope.size(), sizeof(finding->scope) - 1);
            memcpy(finding->scope, scope.data(), length);
            strlcpy(finding->relation_column, relation_column, sizeof(finding->relation_column));
        }
        finding->confidence = std::max(finding->confidence, growth.confidence);
        finding->calls += growth.calls;
        finding->distinct_keys = std::max(finding->distinct_keys, growth.distinct_keys);
        finding->exec_time += growth.exec_time;
        finding->wait_time += growth.wait_time;
        finding->scopes += growth.new_scope;
        finding->last_at = at;
        add_backend(*finding, MyProcPid);
        finding->dirty = true;
        pg_atomic_write_u32(&table->dirty, 1);
    });
}

void visit(bool only_dirty, void (*visit)(const Finding &finding, void *argument), void *argument) {
    Finding *copies = nullptr;
    uint32 room = 0, count = 0;
    do {
        // Allocated without the lock; grown when more came in between.
        room = table->used + 8;
        copies = static_cast<Finding *>(palloc(room * sizeof(Finding)));
        count = with_lock(table_lock(), LW_EXCLUSIVE, [=] {
            uint32 taken = 0;
            if (table->used > room)
                return UINT32_MAX;
            for (uint32 i = 0; i < table->used; ++i) {
                Finding &finding = table->findings[i];
                if (only_dirty && !finding.dirty)
                    continue;
                copies[taken++] = finding;
                if (only_dirty)
                    finding.dirty = false;
            }
            if (only_dirty)
                pg_atomic_write_u32(&table->dirty, 0);
            return taken;
        });
    } while (count == UINT32_MAX);
    for (uint32 i = 0; i < count; ++i)
        visit(copies[i], argument);
    pfree(copies);
}

void mark_all_dirty() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        for (uint32 i = 0; i < table->used; ++i)
            table->findings[i].dirty = true;
        pg_atomic_write_u32(&table->dirty, table->used > 0 ? 1 : 0);
    });
}

bool any_dirty() {
    return pg_atomic_read_u32(&table->dirty) != 0;
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        uint32 kept = 0;
        for (uint32 i = 0; i < table->used; ++i)
            if (table->findings[i].key.run != run)
                table->findings[kept++] = table->findings[i];
        table->used = kept;
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] { table->used = 0; });
    pg_atomic_write_u32(&table->dirty, 0);
    pg_atomic_write_u64(&table->dropped, 0);
}

uint64 dropped() {
    return pg_atomic_read_u64(&table->dropped);
}

} // namespace dbperf::finding_table
