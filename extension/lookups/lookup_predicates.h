// What single predicates add to the keys of a statement: equality, bounds, contents, lists.
#pragma once

#include "core/pg.h"

#include "lookups/lookup_walk.h"

namespace dbperf::lookups::lookup_predicates {

// column = value
void take_comparison(lookup_walk::Walk *walk, const Node *left, const Node *right);

// column >= value or column <= value: a key when both have the same value.
void take_bound(lookup_walk::Walk *walk, const Node *left, const Node *right, Comparison comparison);

// column @> value: a document, an array, or an element of a range.
void take_content(lookup_walk::Walk *walk, const Node *left, const Node *right);

// column = ANY (array): a key when the array has one element. Of several only is remembered whether they stay the same.
void take_any(lookup_walk::Walk *walk, const ScalarArrayOpExpr *any);

// Whether a condition compares the column of a key by its order.
bool has_range_on(const lookup_walk::Walk *walk, const Node *condition, const LookupKey &key);

} // namespace dbperf::lookups::lookup_predicates
