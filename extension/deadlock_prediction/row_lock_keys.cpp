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
        if (bms_is_member(lfirst_int(cell), facts.key_columns))
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
void take_row(lock_trace::Source *source, const RelationFacts &facts, const Values &values, ItemPointer place,
              RowAction mode, bool waits) {
    LockStep step = step_of(facts, mode, waits);
    if (values.row && facts.key_count > 0 && facts.keys[0].identifies && read_key(facts.keys[0], values, &step)) {
        take_key(source, facts, 0, values, &step);
    } else {
        step.detail_kind = LockDetail::tuple;
        step.detail = static_cast<uint64>(ItemPointerGetBlockNumberNoCheck(place)) << 16 |
                      ItemPointerGetOffsetNumberNoCheck(place);
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

} // namespace dbperf::deadlock_prediction::row_locks
