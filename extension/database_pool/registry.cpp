#include "core/pg.h"

#include "database_pool/registry.h"

#include <algorithm>

#include "core/settings.h"

namespace dbperf::database_pool {
using namespace core;

Registry *registry = nullptr;
Watched watched{0, false};

namespace {

Copy *own_copy = nullptr;         // the one this session is connected to
Template *own_template = nullptr; // or the source or template

Size size() {
    return sizeof(Registry);
}

void attach(void *memory, bool fresh) {
    registry = static_cast<Registry *>(memory);
    if (!fresh)
        return;
    memset(memory, 0, sizeof(Registry));
    pg_atomic_init_u32(&registry->generation, 1);
    ConditionVariableInit(&registry->changed);
    for (Copy &copy : registry->copies)
        pg_atomic_init_u32(&copy.seen, 0);
}

void end_leases(int, Datum) {
    bool any = false;
    locked([&any] {
        for (Copy &copy : registry->copies) {
            if (copy.recycler == MyProcPid)
                copy.recycler = 0;
            if (copy.holder == MyProcPid && advance(&copy.state, CopyEvent::ended))
                any = true;
        }
    });
    if (any)
        notify_waiters();
}

template <typename Matches>
Copy *find(Matches matches) {
    for (Copy &copy : registry->copies)
        if (copy.state != CopyState::free && matches(copy))
            return &copy;
    return nullptr;
}

bool is_own_database(const char *name) {
    return name && get_database_oid(name, true) == MyDatabaseId;
}

// What it does to this very database goes with it.
bool is_of_cluster(const Node *statement) {
    switch (nodeTag(statement)) {
    case T_CreateRoleStmt:
    case T_AlterRoleStmt:
    case T_DropRoleStmt:
    case T_GrantRoleStmt:
    case T_AlterSystemStmt:
    case T_CreatedbStmt:
    case T_DropdbStmt:
    case T_CreateTableSpaceStmt:
    case T_DropTableSpaceStmt:
    case T_AlterTableSpaceOptionsStmt:
        return true;
    case T_AlterRoleSetStmt:
        return !is_own_database(reinterpret_cast<const AlterRoleSetStmt *>(statement)->database);
    case T_AlterDatabaseStmt:
        return !is_own_database(reinterpret_cast<const AlterDatabaseStmt *>(statement)->dbname);
    case T_AlterDatabaseSetStmt:
        return !is_own_database(reinterpret_cast<const AlterDatabaseSetStmt *>(statement)->dbname);
    default:
        return false;
    }
}

// Nobody is connected who could have written to it before `position` and does not show in `seen` yet.
bool is_untouched(const Copy &copy) {
    return CountDBBackends(copy.database) == 0 && pg_atomic_read_u32(const_cast<pg_atomic_uint32 *>(&copy.seen)) == 0;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf test databases", size, attach});
}

Copy *find_copy(Oid database) {
    return find([database](const Copy &copy) { return copy.database == database; });
}

Copy *find_copy(const char *name) {
    return find([name](const Copy &copy) { return strcmp(NameStr(copy.name), name) == 0; });
}

Template *find_template(Oid source) {
    for (Template &each : registry->templates)
        if (each.state != TemplateState::free && each.state != TemplateState::retired && each.source == source)
            return &each;
    return nullptr;
}

Copy *free_copy() {
    for (Copy &copy : registry->copies)
        if (copy.state == CopyState::free)
            return &copy;
    return nullptr;
}

// Of those that nobody touched: a connection that came and went without a statement wrote nothing. What somebody writes
// who connects after this look lies behind the position that was taken before it.
Copy *ready_copy(const Template &of) {
    for (Copy &copy : registry->copies) {
        if (copy.state != CopyState::ready || !is_of(copy, of))
            continue;
        const XLogRecPtr position = GetXLogInsertRecPtr();
        if (is_untouched(copy)) {
            copy.clean_since = position;
            return &copy;
        }
        advance(&copy.state, CopyEvent::ended);
    }
    return nullptr;
}

uint32 count_copies(const Template &of) {
    uint32 count = 0;
    for (const Copy &copy : registry->copies)
        count += copy.state != CopyState::free && is_of(copy, of);
    return count;
}

uint32 count_all() {
    uint32 count = 0;
    for (const Copy &copy : registry->copies)
        count += copy.state != CopyState::free;
    return count;
}

uint32 count_in_pool() {
    uint32 count = 0;
    for (const Copy &copy : registry->copies)
        count += copy.state != CopyState::free && !is_stuck(copy);
    return count;
}

uint64 size_in_all() {
    uint64 sum = 0;
    for (const Copy &copy : registry->copies)
        if (copy.state != CopyState::free)
            sum += copy.size;
    return sum;
}

void lease(Copy *copy) {
    advance(&copy->state, CopyEvent::acquired);
    copy->holder = MyProcPid;
    copy->holder_role = GetUserId();
    copy->since = GetCurrentTimestamp();
    ++registry->counts.acquired;
    template_of(*copy).used_at = registry->active_at = copy->since;
}

void notify_waiters() {
    ConditionVariableBroadcast(&registry->changed);
}

void give_up_ready(const Template &of) {
    for (Copy &copy : registry->copies)
        if (copy.state == CopyState::ready && is_of(copy, of)) {
            copy.reason = ResetReason::template_changed;
            advance(&copy.state, CopyEvent::unusable);
        }
}

void retire(Template *old) {
    old->state = TemplateState::retired;
    give_up_ready(*old);
}

void watch_own_exit() {
    static bool watching = false;
    if (watching)
        return;
    watching = true;
    before_shmem_exit(end_leases, Datum{0});
}

void look_up_watched() {
    watched.generation = pg_atomic_read_u32(&registry->generation);
    if (!OidIsValid(MyDatabaseId))
        return;
    // All sessions look when the registry has changed: they must not wait for each other.
    with_lock(registry_lock(), LW_SHARED, [] {
        own_copy = find_copy(MyDatabaseId);
        own_template = nullptr;
        for (Template &each : registry->templates)
            if (each.state != TemplateState::free && (each.source == MyDatabaseId || each.database == MyDatabaseId))
                own_template = &each;
        watched.is_any = own_copy || own_template;
    });
}

void mark_copy(uint32 seen) {
    if (own_copy && (pg_atomic_read_u32(&own_copy->seen) & seen) != seen)
        pg_atomic_fetch_or_u32(&own_copy->seen, seen);
}

void note(uint32 seen, const char *tag) {
    // dbperf's own preparation of a template.
    if ((settings::suppression & settings::suppressed_process) != 0)
        return;
    if (own_template && !own_template->is_changed)
        locked([] {
            for (Template &each : registry->templates)
                if (each.state != TemplateState::free && (each.source == MyDatabaseId || each.database == MyDatabaseId))
                    each.is_changed = true;
        });
    if (!own_copy)
        return;
    if (tag)
        locked([tag] { namestrcpy(&own_copy->statement, tag); });
    mark_copy(seen);
}

void note_commit() {
    if (!is_watched())
        return;
    // Autovacuum changes nothing that a copy of the source would have otherwise.
    if (own_template && MyBackendType == B_AUTOVAC_WORKER)
        return;
    note(seen_anything, nullptr);
}

void note_utility(Node *statement) {
    if (!is_watched())
        return;
    if (is_of_cluster(statement)) {
        note(seen_anything | seen_cluster, GetCommandTagName(CreateCommandTag(statement)));
        return;
    }
    if (IsA(statement, VacuumStmt)) {
        note(seen_anything | seen_maintenance, nullptr);
        return;
    }
    const LogStmtLevel level = GetCommandLogLevel(statement);
    if (level == LOGSTMT_ALL)
        return;
    if (IsA(statement, CopyStmt)) {
        note(seen_anything, nullptr);
        return;
    }
    if (level == LOGSTMT_MOD && !IsA(statement, TruncateStmt)) {
        note(seen_anything, nullptr);
        return;
    }
    note(seen_anything | seen_schema, GetCommandTagName(CreateCommandTag(statement)));
}

} // namespace dbperf::database_pool
