// What a condition of a query compares of its tables.
#pragma once

#include "core/pg.h"

#include "index_advice/column_source.h"
#include "index_advice/table_use.h"

namespace dbperf::index_advice::predicate_use {

// The use of that entry, which is added when it is new; null: no index is to be had on such a table.
RelationUse *use_of(List **uses, const RangeTblEntry *entry);

// Adds what a condition says; null says nothing.
void note(const Node *condition, column_source::Nesting nesting, List **uses);

} // namespace dbperf::index_advice::predicate_use
