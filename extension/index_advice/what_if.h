// The plan of a query if there were other indexes. They exist for one call of the planner, and only for the query that
// was handed to it: what functions do while it is planned, sees none of them. Nothing is executed.
#pragma once

#include "core/pg.h"

#include <span>

#include "index_advice/index_shape.h"

namespace dbperf::index_advice::what_if {

struct Outcome {
    double cost;
    double rows;         // that it returns
    double written_rows; // that it inserts, updates or deletes
    List *used;          // of the shapes, those that the plan has
    List *present;       // OIDs of those that are there and that the plan has
};

// Parameters of type 0 have values that the planner is not to know. Raises what planning raises, and, asked to, when
// the current user lacks a right.
Outcome plan(const Query *query, const char *text, ParamListInfo parameters, std::span<const IndexShape *const> visible,
             bool check_permissions);

// Pages and rows of a table, of all its partitions together, as the planner knows them.
void measure(Oid relation, double *pages, double *rows);

// The part of a table's rows for which a predicate holds (its Vars are of range-table entry 1).
double fraction_of(Oid relation, List *predicate);

} // namespace dbperf::index_advice::what_if
