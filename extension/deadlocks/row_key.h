// The one row that a statement is about, as "column=value": known by equality on all columns of a unique index, or by
// the values of a single-row INSERT.
#pragma once

#include "core/pg.h"

#include <span>

namespace dbperf::deadlocks::row_key {

// Of the rows that the plan reads from one of its relations to lock or change them; false when it is not one row, or
// which one is unknown. Never raises.
bool of_scan(const QueryDesc *query, Index relation_number, Relation relation, std::span<char> key);

// Of values that are there already, of all columns of a unique index.
struct Value {
    const char *column;
    Oid type;
    Datum value;
};
bool of_values(std::span<const Value> values, std::span<char> key);

// Of an INSERT.
bool of_insert(const QueryDesc *query, std::span<char> key);

} // namespace dbperf::deadlocks::row_key
