// Reads what the executor has opened already, so that the usual statement costs no lookup in a catalog.
#include "core/pg.h"

#include "deadlocks/statement_locks.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/relation_name.h"
#include "deadlocks/row_key.h"

namespace dbperf::deadlocks::statement_locks {
using namespace core;

namespace {

bool is_user_relation(Oid relation) {
    return relation >= FirstNormalObjectId;
}

void set_table(TrailEntry *entry, Oid relation, int mode) {
    *entry = TrailEntry{};
    entry->lock = {MyDatabaseId, relation, 0, 0, LockType::relation, DEFAULT_LOCKMETHOD};
    entry->table_mode = static_cast<uint8>(mode);
}

[[gnu::noinline]] void name_from_catalog(Oid relation, std::span<char> into) {
    if (!catch_errors([=] { name_relation(relation, into); }))
        into[0] = '\0';
}

void name_table(const QueryDesc *query, Index number, Oid relation, std::span<char> into) {
    const Relation opened = query->estate->es_relations ? query->estate->es_relations[number - 1] : nullptr;
    if (opened && opened->rd_rel->relnamespace == PG_PUBLIC_NAMESPACE)
        write_relation_name(nullptr, RelationGetRelationName(opened), into);
    else
        name_from_catalog(relation, into);
}

RowLockMode row_mode_of(RowMarkType type) {
    switch (type) {
    case ROW_MARK_EXCLUSIVE:
        return RowLockMode::update;
    case ROW_MARK_NOKEYEXCLUSIVE:
        return RowLockMode::no_key_update;
    case ROW_MARK_SHARE:
        return RowLockMode::share;
    case ROW_MARK_KEYSHARE:
        return RowLockMode::key_share;
    default:
        return RowLockMode::none;
    }
}

RowLockMode row_mode_of(const QueryDesc *query, const RangeTblEntry *table, Relation relation) {
    switch (query->operation) {
    case CMD_INSERT:
        return RowLockMode::insert;
    case CMD_UPDATE:
        // Known from the first update on; no index is opened to find out.
        return relation && relation->rd_keyattr &&
                       bms_overlap(compat::updated_columns(query->plannedstmt, table), relation->rd_keyattr)
                   ? RowLockMode::update
                   : RowLockMode::no_key_update;
    default:
        return RowLockMode::update;
    }
}

struct Reader {
    const QueryDesc *query;
    std::span<TrailEntry> entries;
    size_t count;

    bool full() const { return count == entries.size(); }

    TrailEntry *add(Index number) {
        const RangeTblEntry *table = rt_fetch(number, query->plannedstmt->rtable);
        if (full() || table->rtekind != RTE_RELATION || !is_user_relation(table->relid))
            return nullptr;
        for (TrailEntry &known : entries.first(count))
            if (known.lock.field2 == table->relid && known.row_mode == RowLockMode::none)
                return &known;
        TrailEntry *entry = &entries[count++];
        set_table(entry, table->relid, table->rellockmode);
        name_table(query, number, table->relid, entry->relation);
        return entry;
    }

    void add_row(Index number, RowLockMode mode, bool never_waits) {
        TrailEntry *entry = add(number);
        if (!entry)
            return;
        const Relation opened = query->estate->es_relations ? query->estate->es_relations[number - 1] : nullptr;
        entry->row_mode =
            mode == RowLockMode::none ? row_mode_of(query, rt_fetch(number, query->plannedstmt->rtable), opened) : mode;
        entry->never_waits = never_waits;
        if (entry->row_mode == RowLockMode::insert)
            entry->several = !row_key::of_insert(query, entry->key);
        else
            entry->several = !opened || !row_key::of_scan(query, number, opened, entry->key);
    }
};

} // namespace

size_t of_query(const QueryDesc *query, std::span<TrailEntry> entries) {
    const PlannedStmt *plan = query->plannedstmt;
    Reader reader{query, entries, 0};
    ListCell *cell;
    // Of a partitioned table the statement's own is noted, not its partitions.
    if (compat::count_result_relations(plan) > 1 && IsA(plan->planTree, ModifyTable))
        reader.add_row(reinterpret_cast<const ModifyTable *>(plan->planTree)->nominalRelation, RowLockMode::none,
                       false);
    else if (compat::count_result_relations(plan) > 0)
        reader.add_row(compat::first_result_relation(plan), RowLockMode::none, false);
    foreach (cell, plan->rowMarks) {
        const PlanRowMark *mark = static_cast<const PlanRowMark *>(lfirst(cell));
        const RowLockMode mode = row_mode_of(mark->markType);
        if (mode != RowLockMode::none && mark->rti == mark->prti)
            reader.add_row(mark->rti, mode, mark->waitPolicy != LockWaitBlock);
    }
    foreach (cell, plan->rtable) {
        const RangeTblEntry *table = static_cast<const RangeTblEntry *>(lfirst(cell));
        if (table->rtekind != RTE_RELATION || !is_user_relation(table->relid) || reader.full())
            continue;
        const bool known = std::any_of(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(reader.count),
                                       [table](const TrailEntry &each) { return each.lock.field2 == table->relid; });
        if (!known)
            reader.add(static_cast<Index>(foreach_current_index(cell) + 1));
    }
    return reader.count;
}

namespace {

// The names as written; what they stand for is looked up without a lock, so it may be gone.
size_t add_named(const RangeVar *named, int mode, std::span<TrailEntry> entries, size_t count) {
    if (count == entries.size() || !named)
        return count;
    const Oid relation = RangeVarGetRelid(named, NoLock, true);
    if (!OidIsValid(relation) || !is_user_relation(relation))
        return count;
    set_table(&entries[count], relation, mode);
    return name_relation(relation, entries[count].relation) ? count + 1 : count;
}

size_t add_all_named(const List *names, int mode, std::span<TrailEntry> entries) {
    size_t count = 0;
    ListCell *cell;
    foreach (cell, names)
        count = add_named(static_cast<const RangeVar *>(lfirst(cell)), mode, entries, count);
    return count;
}

size_t add_utility(const Node *statement, std::span<TrailEntry> entries) {
    switch (nodeTag(statement)) {
    case T_LockStmt:
        return add_all_named(reinterpret_cast<const LockStmt *>(statement)->relations,
                             reinterpret_cast<const LockStmt *>(statement)->mode, entries);
    case T_TruncateStmt:
        return add_all_named(reinterpret_cast<const TruncateStmt *>(statement)->relations, AccessExclusiveLock,
                             entries);
    case T_AlterTableStmt:
        return add_named(reinterpret_cast<const AlterTableStmt *>(statement)->relation,
                         AlterTableGetLockLevel(reinterpret_cast<const AlterTableStmt *>(statement)->cmds), entries, 0);
    case T_RenameStmt:
        return add_named(reinterpret_cast<const RenameStmt *>(statement)->relation, AccessExclusiveLock, entries, 0);
    case T_IndexStmt:
        return add_named(reinterpret_cast<const IndexStmt *>(statement)->relation,
                         reinterpret_cast<const IndexStmt *>(statement)->concurrent ? ShareUpdateExclusiveLock
                                                                                    : ShareLock,
                         entries, 0);
    case T_CreateTrigStmt:
        return add_named(reinterpret_cast<const CreateTrigStmt *>(statement)->relation, ShareRowExclusiveLock, entries,
                         0);
    case T_CopyStmt:
        return add_named(reinterpret_cast<const CopyStmt *>(statement)->relation,
                         reinterpret_cast<const CopyStmt *>(statement)->is_from ? RowExclusiveLock : AccessShareLock,
                         entries, 0);
    default:
        return 0;
    }
}

} // namespace

size_t of_utility(const Node *statement, std::span<TrailEntry> entries) {
    size_t count = 0;
    if (!IsTransactionState() || !catch_errors([=, &count] { count = add_utility(statement, entries); }))
        return 0;
    return count;
}

} // namespace dbperf::deadlocks::statement_locks
