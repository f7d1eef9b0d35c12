#include "core/pg.h"

#include "deadlock_prediction/row_lock_keys.h"

#include <algorithm>
#include <array>

#include "core/hash.h"

namespace dbperf::deadlock_prediction::row_locks {
using namespace core;

using lock_trace::RelationFacts;
using lock_trace::UniqueKey;

// False without one: a column is null.
bool read_key(const UniqueKey &key, const Values &values, LockStep *step) {
    uint64 hash = key.identity;
    Datum first = 0;
    for (int i = 0; i < key.count; ++i) {
        bool is_null;
        const Datum value = values.get(key.columns[i].number, &is_null);
        if (is_null)
            return false;
        const uint64 of_value = lock_trace::hash_of_value(key.columns[i], value);
        if (of_value == 0 && !key.columns[i].by_value)
            return false;
        if (i == 0)
            first = value;
        hash = mix_bits(hash ^ of_value) + static_cast<uint64>(i);
    }
    step->resource = hash;
    const Oid type = key.columns[0].type;
    if (key.count == 1 && (type == INT4OID || type == INT8OID || type == INT2OID)) {
        step->detail_kind = LockDetail::integer;
        step->detail = static_cast<uint64>(type == INT8OID   ? DatumGetInt64(first)
                                           : type == INT4OID ? DatumGetInt32(first)
                                                             : DatumGetInt16(first));
    } else {
        step->detail_kind = LockDetail::none;
    }
    return true;
}

namespace {

void describe(const UniqueKey &key, const Values &values, LockStep *step) {
    std::array<char, 192> text;
    const int begun = snprintf(text.data(), text.size() / 2, "(%s)=(", key.names);
    size_t end = std::min(static_cast<size_t>(begun), text.size() / 2 - 1);
    for (int i = 0; i < key.count; ++i) {
        bool is_null;
        const Datum value = values.get(key.columns[i].number, &is_null);
        if (i > 0 && end + 3 < text.size())
            text[end++] = ',', text[end++] = ' ';
        end += static_cast<size_t>(lock_trace::text_of_value(key.columns[i], value, text.data() + end,
                                                             static_cast<int>(text.size() - end) - 1));
    }
    text[end++] = ')';
    step->detail_kind = LockDetail::text;
    step->detail = lock_trace::keep_text({text.data(), end});
}

} // namespace

bool take_key(lock_trace::Source *source, const RelationFacts &facts, int number, const Values &values,
              LockStep *step) {
    if (number != 0)
        step->detail_kind = LockDetail::none;
    // Only what is new is worth a text.
    if (step->detail_kind == LockDetail::none && !lock_trace::trace.recorder.find(step->resource))
        describe(facts.keys[number], values, step);
    return lock_trace::take(source, *step);
}

bool sets_key(const RelationFacts &facts, const List *columns) {
    const ListCell *cell;
    foreach (cell, columns)
        if (bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber, facts.key_columns))
            return true;
    return false;
}

bool same_key(const UniqueKey &key, const Values &a, const Values &b) {
    LockStep first{}, second{};
    const bool has_first = read_key(key, a, &first), has_second = read_key(key, b, &second);
    return has_first == has_second && first.resource == second.resource;
}

LockStep step_of(const RelationFacts &facts, RowAction mode, bool waits) {
    LockStep step{};
    step.object = facts.relation;
    step.kind = LockKind::row;
    step.mode = static_cast<uint8_t>(mode);
    step.waits = waits;
    return step;
}

// A row that is there: by all its keys, for it can be met by each.
void take_row(lock_trace::Source *source, const RelationFacts &facts, const Values &values, ItemPointer ctid,
              RowAction mode, bool waits) {
    LockStep step = step_of(facts, mode, waits);
    if (values.row && facts.key_count > 0 && facts.keys[0].identifies && read_key(facts.keys[0], values, &step)) {
        take_key(source, facts, 0, values, &step);
    } else {
        step.detail_kind = LockDetail::tuple;
        step.detail =
            static_cast<uint64>(ItemPointerGetBlockNumberNoCheck(ctid)) << 16 | ItemPointerGetOffsetNumberNoCheck(ctid);
        step.resource = mix_bits(facts.identity + mix_bits(facts.relation) + step.detail);
        lock_trace::take(source, step);
    }
    if (!values.row)
        return;
    for (int i = facts.key_count > 0 && facts.keys[0].identifies ? 1 : 0; i < facts.key_count; ++i) {
        step = step_of(facts, mode, waits);
        if (read_key(facts.keys[i], values, &step))
            take_key(source, facts, i, values, &step);
    }
}

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
        TupleTableSlot *slot = insert->deferred;
        insert->deferred = nullptr;
        if (lock_trace::active() && !TupIsNull(slot) &&
            (was_inserted(*insert) || insert->on_conflict != ONCONFLICT_NONE))
            take_keys(insert, source, slot);
    }
    if (insert->pending > 0)
        settle_keys(insert);
}

} // namespace dbperf::deadlock_prediction::row_locks
