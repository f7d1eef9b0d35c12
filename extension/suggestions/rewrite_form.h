// Predicates that pick rows by a value, in other forms than column = value.
#pragma once

#include "core/pg.h"

namespace dbperf::suggestions::rewrite {

struct Form {
    const Param *parameter;
    bool with_list; // the parameter is an array of which one element has to match
    Oid relation;
    const char *name; // of the column
    List *companions; // numbers of parameters on other sides of the same OR
};

// wanted: [schema.][table or alias.]column, with or without quotes; null is every column's.
bool is_wanted(const char *wanted, Oid relation, const char *alias, const char *column);

// The condition as one with a parameter for a value of the wanted column: of an expression of it, IS NOT DISTINCT FROM,
// contained in it, or either side of an OR. False when there is none, or when it is not clear which parameter it is.
bool form_of(const Query *query, const Node *condition, const char *wanted, Form *form);

} // namespace dbperf::suggestions::rewrite
