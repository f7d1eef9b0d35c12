// Where the columns of an expression come from: through joins, views, subqueries and WITH, down to a table.
#pragma once

#include "core/pg.h"

namespace dbperf::index_advice::column_source {

// A query within others: the innermost first.
using Nesting = List *;

struct Source {
    Node *expression; // with the one table as range-table entry 1; null: there are none, or several
    const RangeTblEntry *entry;
    List *entries; // all that it depends on
    bool is_open;  // it depends on something else, too: an aggregate, a set operation, a function's rows
};

Source of(const Node *expression, Nesting nesting);

} // namespace dbperf::index_advice::column_source
