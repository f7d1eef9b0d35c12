#include "core/pg.h"

#include "deadlock_prediction/foreign_key_locks.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "deadlock_prediction/lock_acquisitions.h"
#include "deadlock_prediction/lock_trace.h"
#include "deadlock_prediction/lock_trace_relation.h"
#include "statements/execution.h"

namespace dbperf::deadlock_prediction::foreign_keys {
using namespace core;
using namespace lookups;
using namespace statements;
using row_locks::Values;

namespace {

using KeyValues = std::array<Datum, ForeignKey::max_columns>;

// --- the parent's row ---

struct ParentRow {
    std::array<LockStep, row_locks::max_steps_of_row> steps;
    size_t count;
};

// A value as the operator wants it; false when that takes a function of the user's.
bool convert(Oid from, Oid to, Datum *value) {
    if (from == to || IsBinaryCoercible(from, to))
        return true;
    Oid function;
    if (find_coercion_pathway(to, from, COERCION_IMPLICIT, &function) != COERCION_PATH_FUNC ||
        function >= FirstNormalObjectId)
        return false;
    *value = OidFunctionCall1(function, *value);
    return true;
}

bool make_scan_keys(const ForeignKey &key, Relation index, const KeyValues &values, ScanKeyData *keys) {
    for (int i = 0; i < key.count; ++i) {
        int strategy;
        Oid left, right;
        Datum value = values[static_cast<size_t>(i)];
        get_op_opfamily_properties(key.columns[i].equality, index->rd_opfamily[i], false, &strategy, &left, &right);
        if (!convert(key.columns[i].child_type, right, &value))
            return false;
        ScanKeyEntryInitialize(&keys[i], 0, static_cast<AttrNumber>(i + 1), static_cast<StrategyNumber>(strategy),
                               right, index->rd_indcollation[i], get_opcode(key.columns[i].equality), value);
    }
    return true;
}

void read_parent(const ForeignKey &key, const KeyValues &values, ParentRow *row) {
    const lock_trace::RelationFacts *facts = lock_trace::facts_of(key.parent);
    std::array<ScanKeyData, ForeignKey::max_columns> keys;
    if (!facts)
        return;
    const Relation parent = table_open(key.parent, NoLock);
    const Relation index = index_open(key.index, NoLock);
    if (make_scan_keys(key, index, values, keys.data())) {
        TupleTableSlot *slot = table_slot_create(parent, nullptr);
        const IndexScanDesc scan = compat::begin_index_scan(parent, index, SnapshotSelf, key.count);
        index_rescan(scan, keys.data(), key.count, nullptr, 0);
        if (index_getnext_slot(scan, ForwardScanDirection, slot))
            row->count = row_locks::steps_of_row(*facts, {slot, nullptr, nullptr}, &slot->tts_tid, RowAction::key_share,
                                                 true, row->steps);
        index_endscan(scan);
        ExecDropSingleTupleTableSlot(slot);
    }
    index_close(index, NoLock);
    table_close(parent, NoLock);
}

void take(const ForeignKey &key, const KeyValues &values) {
    // As the server does next, and as long.
    LockRelationOid(key.parent, RowShareLock);
    LockRelationOid(key.index, AccessShareLock);
    lock_trace::acquisitions::settle();
    lock_trace::pause_if_due();
    lock_trace::Source source = lock_trace::source_of_check(execution::stack.top);
    lock_trace::take_table(&source, key.parent, RowShareLock, true);
    static ParentRow row;
    row.count = 0;
    if (!catch_errors([&] { read_parent(key, values, &row); }))
        return;
    lock_trace::trace.together = false;
    for (const LockStep &step : std::span(row.steps).first(row.count))
        lock_trace::take(&source, step);
    lock_trace::trace.together = false;
}

// --- checks to come ---

struct Noted {
    Oid constraint;
    int level;
    KeyValues values;
};
constexpr size_t max_noted = 128;
constexpr size_t longest_value = 256;
std::array<Noted, max_noted> noted;
MemoryContext memory = nullptr; // of values; goes with its transaction

template <typename Condition>
void drop_if(const Condition &condition) {
    const auto end = noted.begin() + static_cast<std::ptrdiff_t>(notes.count);
    notes.count = static_cast<size_t>(std::remove_if(noted.begin(), end, condition) - noted.begin());
}

// False without one: a column is null, or has not changed.
bool read_values(const ForeignKey &key, TupleDesc columns, const Values &old, const Values &now, KeyValues *values) {
    bool changed = !old.row;
    for (int i = 0; i < key.count; ++i) {
        const AttrNumber number = key.columns[i].child;
        const FormData_pg_attribute *attribute = TupleDescAttr(columns, number - 1);
        bool is_null, was_null = false;
        Datum &value = (*values)[static_cast<size_t>(i)];
        value = now.get(number, &is_null);
        if (is_null)
            return false;
        const Datum before = old.row ? old.get(number, &was_null) : Datum{0};
        changed = changed || was_null || !datum_image_eq(before, value, attribute->attbyval, attribute->attlen);
    }
    return changed;
}

bool keep_values(const ForeignKey &key, TupleDesc columns, KeyValues *values) {
    if (!memory)
        memory = AllocSetContextCreate(TopTransactionContext, "dbperf deferred checks", ALLOCSET_SMALL_SIZES);
    for (int i = 0; i < key.count; ++i) {
        const FormData_pg_attribute *attribute = TupleDescAttr(columns, key.columns[i].child - 1);
        Datum &value = (*values)[static_cast<size_t>(i)];
        if (datumGetSize(value, attribute->attbyval, attribute->attlen) > longest_value)
            return false;
        with_memory_context(memory, [&] { value = datumCopy(value, attribute->attbyval, attribute->attlen); });
    }
    return true;
}

size_t note_all(Relation child, const Values &old, const Values &now) {
    size_t count = 0;
    if (notes.transaction != lock_trace::trace.transaction) {
        notes = {0, lock_trace::trace.transaction};
        memory = nullptr;
    }
    const TupleDesc columns = RelationGetDescr(child);
    const ListCell *cell;
    // A copy: lookups may rebuild the relation's own.
    foreach (cell, static_cast<const List *>(copyObjectImpl(RelationGetFKeyList(child)))) {
        const Oid constraint = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell))->conoid;
        const ForeignKey *key = foreign_key(constraint);
        KeyValues values{};
        if (!key || !key->deferrable || !read_values(*key, columns, old, now, &values))
            continue;
        // Every request that is recorded has all locks that were held before it.
        if (notes.count == max_noted || !keep_values(*key, columns, &values)) {
            lock_trace::trace.recorder.truncate();
            return count;
        }
        noted[notes.count++] = {constraint, execution::stack.transaction_level, values};
        ++count;
    }
    return count;
}

bool is_named(Oid constraint, const List *names) {
    const char *own = get_constraint_name(constraint);
    const ListCell *cell;
    foreach (cell, names)
        if (own && strcmp(static_cast<const RangeVar *>(lfirst(cell))->relname, own) == 0)
            return true;
    return names == NIL;
}

// In the order of their rows. `names`: of constraints; none stands for all.
void take_noted(const List *names) {
    for (size_t i = 0; i < notes.count && lock_trace::active(); ++i) {
        Noted &each = noted[i];
        const ForeignKey *key = foreign_key(each.constraint);
        if (names != NIL && !is_named(each.constraint, names))
            continue;
        if (key)
            take(*key, each.values);
        each.constraint = InvalidOid;
    }
    drop_if([](const Noted &each) { return !OidIsValid(each.constraint); });
}

} // namespace

Notes notes{0, 0};

void check_begins(const ForeignKey &key, TupleTableSlot *child) {
    if (!lock_trace::active())
        return;
    // It is not deferred, and what was is checked.
    if (key.deferrable && any_noted())
        drop_if([&key](const Noted &each) {
            const ForeignKey *other = foreign_key(each.constraint);
            return other && other->parent == key.parent && other->index == key.index;
        });
    KeyValues values{};
    for (int i = 0; i < key.count; ++i) {
        bool is_null;
        values[static_cast<size_t>(i)] = slot_getattr(child, key.columns[i].child, &is_null);
    }
    take(key, values);
}

size_t note_row(Relation child, const Values &old, const Values &now) {
    size_t count = 0;
    if (lock_trace::active() && !catch_errors([&] { count = note_all(child, old, now); }))
        lock_trace::trace.recorder.truncate();
    return count;
}

void drop_last(size_t count) {
    notes.count -= std::min(count, notes.count);
}

void command_begins(const Node *statement) {
    if (!any_noted() || !IsTransactionState() || !lock_trace::active())
        return;
    if (IsA(statement, ConstraintsSetStmt)) {
        if (!reinterpret_cast<const ConstraintsSetStmt *>(statement)->deferred)
            take_noted(reinterpret_cast<const ConstraintsSetStmt *>(statement)->constraints);
    } else if (IsA(statement, TransactionStmt)) {
        const TransactionStmtKind kind = reinterpret_cast<const TransactionStmt *>(statement)->kind;
        if (kind == TRANS_STMT_COMMIT || kind == TRANS_STMT_PREPARE)
            take_noted(NIL);
    }
}

void transaction_ends() {
    if (any_noted() && lock_trace::active())
        catch_errors([] { take_noted(NIL); });
}

void subtransaction_ended(int level, bool aborted) {
    if (!any_noted())
        return;
    if (aborted)
        drop_if([level](const Noted &each) { return each.level >= level; });
    else
        for (Noted &each : std::span(noted).first(notes.count))
            each.level = std::min(each.level, level - 1);
}

} // namespace dbperf::deadlock_prediction::foreign_keys
