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

namespace {

// Only what is new is worth a text.
void describe_if_new(const RelationFacts &facts, int number, const Values &values, LockStep *step) {
    if (number != 0)
        step->detail_kind = LockDetail::none;
    if (step->detail_kind == LockDetail::none && !lock_trace::trace.recorder.find(step->resource))
        describe(facts.keys[number], values, step);
}

} // namespace

bool take_key(lock_trace::Source *source, const RelationFacts &facts, int number, const Values &values,
              LockStep *step) {
    describe_if_new(facts, number, values, step);
    return lock_trace::take(source, *step);
}

size_t steps_of_row(const RelationFacts &facts, const Values &values, ItemPointer ctid, RowAction mode, bool waits,
                    std::span<LockStep, max_steps_of_row> steps) {
    size_t count = 1;
    steps[0] = step_of(facts, mode, waits);
    const bool by_key =
        values.row && facts.key_count > 0 && facts.keys[0].identifies && read_key(facts.keys[0], values, &steps[0]);
    if (by_key) {
        describe_if_new(facts, 0, values, &steps[0]);
    } else {
        steps[0].detail_kind = LockDetail::tuple;
        steps[0].detail =
            static_cast<uint64>(ItemPointerGetBlockNumberNoCheck(ctid)) << 16 | ItemPointerGetOffsetNumberNoCheck(ctid);
        steps[0].resource = mix_bits(facts.identity + mix_bits(facts.relation) + steps[0].detail);
    }
    if (!values.row)
        return count;
    for (int i = facts.key_count > 0 && facts.keys[0].identifies ? 1 : 0; i < facts.key_count; ++i) {
        steps[count] = step_of(facts, mode, waits);
        if (read_key(facts.keys[i], values, &steps[count]))
            describe_if_new(facts, i, values, &steps[count++]);
    }
    return count;
}

void take_row(lock_trace::Source *source, const RelationFacts &facts, const Values &values, ItemPointer ctid,
              RowAction mode, bool waits) {
    std::array<LockStep, max_steps_of_row> steps;
    const size_t count = steps_of_row(facts, values, ctid, mode, waits, steps);
    for (const LockStep &step : std::span(steps).first(count))
        lock_trace::take(source, step);
}

} // namespace dbperf::deadlock_prediction::row_locks
