// The node below is wrapped by ExecSetExecProcNode: ExecProcNode itself belongs to the server's first-call check.
#include "core/pg.h"

#include "deadlock_prediction/row_locks.h"

#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "core/hash.h"
#include "deadlock_prediction/foreign_key_locks.h"
#include "deadlock_prediction/held_locks.h"
#include "deadlock_prediction/insert_locks.h"
#include "deadlock_prediction/lock_trace_relation.h"
#include "deadlock_prediction/row_lock_keys.h"

namespace dbperf::deadlock_prediction::row_locks {
using namespace core;

namespace {

using lock_trace::RelationFacts;

enum class Duty : uint8_t { lock_rows, insert, change, read_locks };

// The last row that was handed out, where a BEFORE trigger or an action of MERGE decides what is done with it.
struct Changed {
    bool pending;
    ItemPointerData at;
    RowAction taken;
    uint64 resource;
};

struct Watched {
    PlanState *node; // below the one that locks; null: free
    ExecProcNodeMtd next;
    Duty duty;
    lock_trace::Source source;
    const QueryDesc *query;
    ModifyTableState *modify;
    LockRowsState *locks;
    // Of the last row's table.
    const ResultRelInfo *target;
    const RelationFacts *facts;
    RowAction mode;
    bool changes_key;
    bool settles; // what a row came to is known when the next one is asked for
    Changed changed;
    ScanState *scan;
    TupleTableSlot *fetched;
    Insert insert;
    MemoryContextCallback callback;
};

constexpr size_t max_watched = 32;
std::array<Watched, max_watched> all{};
size_t top = 0; // behind the last one in use
uint64 missed = 0;

void forget(void *argument) {
    static_cast<Watched *>(argument)->node = nullptr;
    while (top > 0 && all[top - 1].node == nullptr)
        --top;
}

Watched &find(const PlanState *node) {
    size_t at = top - 1;
    while (all[at].node != node)
        --at;
    return all[at];
}

void stop(Watched &watched) {
    ExecSetExecProcNode(watched.node, watched.next);
}

// --- which row ---

// The node that has just read the row from its table, if the plan has one for it.
ScanState *find_scan(PlanState *node, Index relation) {
    for (int depth = 0; node && depth < 8; ++depth, node = node->lefttree) {
        switch (nodeTag(node)) {
        case T_SeqScanState:
        case T_IndexScanState:
        case T_BitmapHeapScanState:
        case T_TidScanState:
        case T_TidRangeScanState:
            if (reinterpret_cast<const Scan *>(node->plan)->scanrelid == relation)
                return reinterpret_cast<ScanState *>(node);
            break;
        default:
            break;
        }
        if (node->righttree && !stack_is_too_deep())
            if (ScanState *found = find_scan(node->righttree, relation))
                return found;
    }
    return nullptr;
}

// The row at this ctid; null when it is not to be had. What was fetched has to be cleared.
TupleTableSlot *row_at(Watched &watched, Relation relation, ItemPointer ctid) {
    if (watched.scan) {
        TupleTableSlot *slot = watched.scan->ss_ScanTupleSlot;
        if (slot && !TTS_EMPTY(slot) && slot->tts_tableOid == RelationGetRelid(relation) &&
            ItemPointerEquals(&slot->tts_tid, ctid))
            return slot;
    }
    // What fails here fails the statement just as well, which reads the same row next.
    if (!watched.fetched || watched.fetched->tts_tableOid != RelationGetRelid(relation))
        with_memory_context(watched.node->state->es_query_cxt, [&] {
            watched.fetched = table_slot_create(relation, &watched.node->state->es_tupleTable);
        });
    return table_tuple_fetch_row_version(relation, ctid, SnapshotAny, watched.fetched) ? watched.fetched : nullptr;
}

// --- UPDATE, DELETE, MERGE ---

RowAction mode_of_merge(const ModifyTable *plan) {
    RowAction mode = RowAction::key_share; // none that changes the row
    const ListCell *lists;
    foreach (lists, plan->mergeActionLists) {
        const ListCell *cell;
        foreach (cell, static_cast<const List *>(lfirst(lists))) {
            const auto *action = static_cast<const MergeAction *>(lfirst(cell));
            if (action->commandType == CMD_DELETE)
                return RowAction::write_key;
            if (action->commandType == CMD_UPDATE)
                mode = RowAction::write;
        }
    }
    return mode;
}

void aim_at(Watched &watched, const ResultRelInfo *target) {
    watched.target = target;
    const Relation relation = target->ri_RelationDesc;
    const char kind = relation->rd_rel->relkind;
    watched.facts = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW
                        ? lock_trace::facts_of(RelationGetRelid(relation))
                        : nullptr;
    watched.scan = find_scan(watched.node, target->ri_RangeTableIndex);
    watched.changes_key = false;
    watched.settles = false;
    switch (watched.modify->operation) {
    case CMD_DELETE:
        watched.mode = RowAction::write_key;
        break;
    case CMD_MERGE:
        watched.mode = mode_of_merge(reinterpret_cast<const ModifyTable *>(watched.modify->ps.plan));
        watched.settles = true;
        if (watched.facts)
            begin_insert(&watched.insert, watched.modify, watched.facts);
        break;
    default:
        watched.mode = RowAction::write;
        watched.changes_key =
            watched.facts &&
            sets_key(*watched.facts,
                     compat::updated_columns(watched.modify, static_cast<int>(target - watched.modify->resultRelInfo)));
        // With a BEFORE trigger the row is locked first, as the columns that are named call for.
        if (target->ri_TrigDesc && target->ri_TrigDesc->trig_update_before_row) {
            watched.settles = true;
            watched.mode = watched.changes_key ? RowAction::write_key : RowAction::write;
            watched.changes_key = false;
        }
    }
}

const ResultRelInfo *target_of(Watched &watched, TupleTableSlot *slot) {
    ModifyTableState *modify = watched.modify;
    if (modify->mt_nrels == 1 || modify->mt_resultOidAttno == 0)
        return modify->resultRelInfo;
    bool is_null;
    const Datum table = slot_getattr(slot, modify->mt_resultOidAttno, &is_null);
    if (is_null)
        return nullptr;
    for (int i = 0; i < modify->mt_nrels; ++i)
        if (RelationGetRelid(modify->resultRelInfo[i].ri_RelationDesc) == DatumGetObjectId(table))
            return &modify->resultRelInfo[i];
    return nullptr;
}

// The version of a row that this transaction put in its place, if it did; *changes_key: its lock is that of a DELETE.
bool was_changed(const TupleTableSlot *slot, ItemPointer next, bool *changes_key) {
    if (!TTS_IS_BUFFERTUPLE(slot))
        return false;
    const HeapTupleHeader header = reinterpret_cast<const BufferHeapTupleTableSlot *>(slot)->base.tuple->t_data;
    if ((header->t_infomask & HEAP_XMAX_INVALID) != 0 || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) ||
        !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)))
        return false;
    *changes_key = (header->t_infomask2 & HEAP_KEYS_UPDATED) != 0;
    *next = header->t_ctid;
    return true;
}

// What the server did with the last row, by what it wrote into it.
void settle_change(Watched &watched) {
    watched.changed.pending = false;
    const Relation relation = watched.target->ri_RelationDesc;
    const RelationFacts *facts = watched.facts;
    watched.scan = nullptr; // it may have gone on
    TupleTableSlot *row = row_at(watched, relation, &watched.changed.at);
    watched.scan = find_scan(watched.node, watched.target->ri_RangeTableIndex);
    ItemPointerData next;
    bool changes_key = false;
    const bool changed = row && was_changed(row, &next, &changes_key);
    const bool merges = watched.modify->operation == CMD_MERGE;
    LockStep *step = merges ? lock_trace::trace.recorder.find(watched.changed.resource) : nullptr;
    if (step && step->mode == static_cast<uint8_t>(watched.changed.taken)) {
        if (!changed)
            lock_trace::trace.recorder.release(step, true);
        else if (!changes_key)
            step->mode = static_cast<uint8_t>(RowAction::write);
    }
    if (changed && changes_key && watched.changed.taken == RowAction::write)
        take_row(&watched.source, *facts, {row, nullptr, nullptr}, &watched.changed.at, RowAction::write_key, true);
    if (!changed || !changes_key || ItemPointerEquals(&next, &watched.changed.at) ||
        ItemPointerIndicatesMovedPartitions(&next)) {
        if (row)
            ExecClearTuple(row);
        return;
    }
    // The keys it has now.
    uint64 before[RelationFacts::max_keys] = {};
    for (int i = 0; i < facts->key_count; ++i) {
        LockStep key{};
        if (read_key(facts->keys[i], {row, nullptr, nullptr}, &key))
            before[i] = key.resource;
    }
    ExecClearTuple(row);
    if (!table_tuple_fetch_row_version(relation, &next, SnapshotAny, row))
        return;
    const Values now{row, nullptr, nullptr};
    for (int i = 0; i < facts->key_count; ++i) {
        LockStep key = step_of(*facts, RowAction::insert, true);
        if (read_key(facts->keys[i], now, &key) && key.resource != before[i])
            take_key(&watched.source, *facts, i, now, &key);
    }
    ExecClearTuple(row);
}

void change(Watched &watched, TupleTableSlot *slot) {
    const ResultRelInfo *target = target_of(watched, slot);
    if (!target)
        return;
    if (unlikely(target != watched.target))
        aim_at(watched, target);
    const RelationFacts *facts = watched.facts;
    if (!facts || !AttributeNumberIsValid(target->ri_RowIdAttNo))
        return;
    bool is_null;
    const Datum ctid = slot_getattr(slot, target->ri_RowIdAttNo, &is_null);
    // MERGE found no row, and may insert one.
    if (is_null) {
        if (watched.settles && facts->key_count > 0)
            await_row(&watched.insert, target->ri_newTupleSlot);
        return;
    }
    if (watched.mode == RowAction::key_share)
        return;
    const auto at = reinterpret_cast<ItemPointer>(DatumGetPointer(ctid));
    TupleTableSlot *row =
        facts->key_count > 0 || unlikely(facts->defers_checks) ? row_at(watched, target->ri_RelationDesc, at) : nullptr;
    const Values old{row, nullptr, nullptr};
    if (unlikely(facts->defers_checks && row && watched.modify->operation == CMD_UPDATE))
        foreign_keys::note_row(
            target->ri_RelationDesc, old,
            {row, slot,
             compat::updated_columns(watched.modify, static_cast<int>(target - watched.modify->resultRelInfo))});
    if (likely(!watched.changes_key || !row)) {
        take_row(&watched.source, *facts, old, at, watched.mode, true);
        if (unlikely(watched.settles)) {
            LockStep step{};
            if (row && facts->key_count > 0 && facts->keys[0].identifies)
                read_key(facts->keys[0], old, &step);
            watched.changed = {true, *at, watched.mode, step.resource};
        }
    } else {
        const Values changed{
            row, slot,
            compat::updated_columns(watched.modify, static_cast<int>(target - watched.modify->resultRelInfo))};
        bool other_key = false;
        for (int i = 0; i < facts->key_count; ++i)
            other_key |= !same_key(facts->keys[i], old, changed);
        take_row(&watched.source, *facts, old, at, other_key ? RowAction::write_key : RowAction::write, true);
        for (int i = 0; i < facts->key_count && other_key; ++i) {
            LockStep step = step_of(*facts, RowAction::insert, true);
            if (!same_key(facts->keys[i], old, changed) && read_key(facts->keys[i], changed, &step))
                take_key(&watched.source, *facts, i, changed, &step);
        }
    }
    if (row && row == watched.fetched)
        ExecClearTuple(row);
}

// --- SELECT FOR UPDATE and the like ---

RowAction mode_of(RowMarkType mark) {
    switch (mark) {
    case ROW_MARK_EXCLUSIVE:
        return RowAction::update;
    case ROW_MARK_NOKEYEXCLUSIVE:
        return RowAction::no_key_update;
    case ROW_MARK_SHARE:
        return RowAction::share;
    default:
        return RowAction::key_share;
    }
}

void lock_rows(Watched &watched, TupleTableSlot *slot) {
    const ListCell *cell;
    foreach (cell, watched.locks->lr_arowMarks) {
        const auto *mark = static_cast<const ExecAuxRowMark *>(lfirst(cell));
        const ExecRowMark *of = mark->rowmark;
        if (!RowMarkRequiresRowShareLock(of->markType) || !of->relation)
            continue;
        bool is_null;
        // Of an inheritance tree only one table has this row.
        if (AttributeNumberIsValid(mark->toidAttNo)) {
            const Datum table = slot_getattr(slot, mark->toidAttNo, &is_null);
            if (is_null || DatumGetObjectId(table) != of->relid)
                continue;
        }
        if (!AttributeNumberIsValid(mark->ctidAttNo))
            continue;
        const Datum ctid = slot_getattr(slot, mark->ctidAttNo, &is_null);
        const RelationFacts *facts = is_null ? nullptr : lock_trace::facts_of(of->relid);
        if (!facts || !facts->is_table)
            continue;
        const auto at = reinterpret_cast<ItemPointer>(DatumGetPointer(ctid));
        watched.scan = find_scan(watched.node, of->rti);
        TupleTableSlot *row = facts->key_count > 0 ? row_at(watched, of->relation, at) : nullptr;
        take_row(&watched.source, *facts, {row, nullptr, nullptr}, at, mode_of(of->markType),
                 of->waitPolicy == LockWaitBlock);
        if (row && row == watched.fetched)
            ExecClearTuple(row);
    }
}

// --- the wrapper ---

TupleTableSlot *observe(PlanState *node) {
    Watched &watched = find(node);
    lock_trace::trace.together = false;
    if (is_unfinished(watched.insert))
        finish_row(&watched.insert, &watched.source);
    if (unlikely(watched.changed.pending) && lock_trace::active())
        settle_change(watched);
    TupleTableSlot *slot = watched.next(node);
    if (watched.duty == Duty::read_locks) {
        if (lock_trace::active())
            lock_trace::read_new_held_locks(&watched.source, watched.query);
        return slot;
    }
    if (TupIsNull(slot))
        return slot;
    lock_trace::trace.together = false;
    // Nothing more is recorded of this transaction: what comes now shall cost nothing.
    if (!lock_trace::active()) {
        stop(watched);
        return slot;
    }
    switch (watched.duty) {
    case Duty::lock_rows:
        lock_rows(watched, slot);
        break;
    case Duty::insert:
        hand_row(&watched.insert, &watched.source, slot);
        break;
    default:
        change(watched, slot);
    }
    return slot;
}

Watched *wrap(PlanState *node, Duty duty, const lock_trace::Source &source) {
    if (!node || node->ExecProcNodeReal == observe)
        return nullptr;
    if (top == all.size()) {
        ++missed;
        lock_trace::trace.recorder.truncate();
        return nullptr;
    }
    Watched &watched = all[top++];
    watched.node = node;
    watched.next = node->ExecProcNodeReal;
    watched.duty = duty;
    watched.source = source;
    watched.target = nullptr;
    watched.scan = nullptr;
    watched.fetched = nullptr;
    watched.insert = {};
    watched.changed = {};
    watched.settles = false;
    watched.callback.func = forget;
    watched.callback.arg = &watched;
    MemoryContextRegisterResetCallback(node->state->es_query_cxt, &watched.callback);
    ExecSetExecProcNode(node, observe);
    return &watched;
}

void watch_modify(ModifyTableState *modify, const lock_trace::Source &source) {
    const bool inserts = modify->operation == CMD_INSERT;
    const Relation relation = modify->resultRelInfo->ri_RelationDesc;
    if (relation->rd_rel->relkind == RELKIND_VIEW || relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
        return;
    const RelationFacts *facts = nullptr;
    if (inserts) {
        facts = lock_trace::facts_of(RelationGetRelid(relation));
        if (!facts || (facts->key_count == 0 && !facts->defers_checks))
            return;
    }
    Watched *watched = wrap(outerPlanState(modify), inserts ? Duty::insert : Duty::change, source);
    if (!watched)
        return;
    watched->modify = modify;
    if (inserts)
        begin_insert(&watched->insert, modify, facts);
}

// As a subselect FOR UPDATE does.
bool locks_rows_below(const PlannedStmt *plan) {
    const ListCell *cell;
    foreach (cell, plan->rowMarks)
        if (RowMarkRequiresRowShareLock(static_cast<const PlanRowMark *>(lfirst(cell))->markType))
            return true;
    return false;
}

bool watch_node(PlanState *node, void *argument) {
    const auto &source = *static_cast<const lock_trace::Source *>(argument);
    if (IsA(node, ModifyTableState)) {
        watch_modify(reinterpret_cast<ModifyTableState *>(node), source);
    } else if (IsA(node, LockRowsState)) {
        Watched *watched = wrap(outerPlanState(node), Duty::lock_rows, source);
        if (watched)
            watched->locks = reinterpret_cast<LockRowsState *>(node);
    }
    compat::walk_children(node, watch_node, argument);
    return false;
}

} // namespace

void watch(QueryDesc *query, const lock_trace::Source &source, bool reads_locks) {
    PlanState *state = query->planstate;
    const PlannedStmt *plan = query->plannedstmt;
    lock_trace::Source of = source;
    // The usual shapes have the node that locks at the top.
    if (IsA(state, ModifyTableState) && !plan->hasModifyingCTE && !locks_rows_below(plan))
        watch_modify(reinterpret_cast<ModifyTableState *>(state), of);
    else if (plan->rowMarks != NIL || plan->hasModifyingCTE || plan->commandType != CMD_SELECT)
        watch_node(state, &of);
    const ListCell *cell;
    foreach (cell, query->estate->es_auxmodifytables)
        watch_modify(static_cast<ModifyTableState *>(lfirst(cell)), of);
    if (Watched *watched = reads_locks ? wrap(state, Duty::read_locks, of) : nullptr)
        watched->query = query;
}

uint64 unwatched() {
    return missed;
}

} // namespace dbperf::deadlock_prediction::row_locks
