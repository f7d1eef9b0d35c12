#include "core/pg.h"

#include "deadlock_prediction/insert_locks.h"

#include "deadlock_prediction/foreign_key_locks.h"

namespace dbperf::deadlock_prediction::row_locks {
using namespace core;

using lock_trace::RelationFacts;
using lock_trace::UniqueKey;

namespace {

const PgStat_TableXactStatus *counts_of(Relation relation) {
    return relation->pgstat_info ? relation->pgstat_info->trans : nullptr;
}

bool is_arbiter(const Insert &insert, const UniqueKey &key) {
    const List *arbiters = insert.target->ri_onConflictArbiterIndexes;
    return arbiters == NIL || list_member_oid(arbiters, key.index);
}

bool was_inserted(const Insert &insert) {
    const Relation relation = insert.target->ri_RelationDesc;
    // Partitions count for themselves.
    if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
        return insert.on_conflict == ONCONFLICT_NOTHING && insert.state->es_processed > insert.processed;
    const PgStat_TableXactStatus *counts = counts_of(relation);
    const int64 before = counts == insert.counts ? insert.inserted : 0;
    return !relation->pgstat_info || (counts && counts->tuples_inserted > before);
}

// Keys of a row that was not inserted are not locked, or are those of the row that is updated instead.
void settle_keys(Insert *insert) {
    const bool inserted = was_inserted(*insert);
    if (!inserted)
        foreign_keys::drop_last(insert->pending_checks);
    insert->pending_checks = 0;
    const bool updates = insert->on_conflict == ONCONFLICT_UPDATE;
    for (int i = 0; i < insert->pending && !inserted; ++i) {
        LockStep *step = lock_trace::trace.recorder.find(insert->pending_resources[i]);
        if (!step)
            continue;
        if (updates && insert->pending_arbiter[i])
            step->mode = static_cast<uint8_t>(insert->changes_key ? RowAction::upsert_key : RowAction::upsert);
        else
            lock_trace::trace.recorder.release(step, true);
    }
    insert->pending = 0;
}

void take_keys(Insert *insert, lock_trace::Source *source, TupleTableSlot *slot) {
    const RelationFacts *facts = insert->facts;
    const Values values{slot, nullptr, nullptr};
    if (unlikely(facts->defers_checks)) {
        const size_t noted =
            foreign_keys::note_row(insert->target->ri_RelationDesc, {nullptr, nullptr, nullptr}, values);
        insert->pending_checks = insert->on_conflict == ONCONFLICT_NONE ? 0 : noted;
    }
    for (int i = 0; i < facts->key_count; ++i) {
        LockStep step = step_of(*facts, RowAction::insert, true);
        if (!read_key(facts->keys[i], values, &step) || !take_key(source, *facts, i, values, &step) ||
            insert->on_conflict == ONCONFLICT_NONE)
            continue;
        insert->pending_resources[insert->pending] = step.resource;
        insert->pending_arbiter[insert->pending++] = is_arbiter(*insert, facts->keys[i]);
    }
}

} // namespace

void begin_insert(Insert *insert, ModifyTableState *modify, const RelationFacts *facts) {
    const auto *plan = reinterpret_cast<const ModifyTable *>(modify->ps.plan);
    insert->target = modify->resultRelInfo;
    insert->facts = facts;
    insert->state = modify->ps.state;
    insert->on_conflict = plan->onConflictAction;
    insert->changes_key = sets_key(*facts, plan->onConflictCols);
}

void await_row(Insert *insert, TupleTableSlot *slot) {
    insert->counts = counts_of(insert->target->ri_RelationDesc);
    insert->inserted = insert->counts ? insert->counts->tuples_inserted : 0;
    insert->processed = insert->state->es_processed;
    insert->deferred = slot;
}

void hand_row(Insert *insert, lock_trace::Source *source, TupleTableSlot *slot) {
    await_row(insert, nullptr);
    const TriggerDesc *triggers = insert->target->ri_TrigDesc;
    if (triggers && triggers->trig_insert_before_row)
        insert->deferred = slot;
    else
        take_keys(insert, source, slot);
}

void finish_row(Insert *insert, lock_trace::Source *source) {
    if (insert->deferred) {
        // The node may have made a row of its own of what it was handed, which triggers then change.
        TupleTableSlot *made = insert->target->ri_newTupleSlot;
        TupleTableSlot *slot = made && !TTS_EMPTY(made) ? made : insert->deferred;
        insert->deferred = nullptr;
        if (lock_trace::active() && !TupIsNull(slot) &&
            (was_inserted(*insert) || insert->on_conflict != ONCONFLICT_NONE))
            take_keys(insert, source, slot);
    }
    if (insert->pending > 0 || insert->pending_checks > 0)
        settle_keys(insert);
}

} // namespace dbperf::deadlock_prediction::row_locks
