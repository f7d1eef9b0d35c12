// What a walk over a statement has found so far: keys with their values, lists, and what there was no room for.
#pragma once

#include "core/pg.h"

#include "lookups/lookup_expression.h"
#include "lookups/lookup_keys.h"

namespace dbperf::lookups::lookup_walk {

constexpr int max_bounds = 4;

// column >= value or column <= value, waiting for the other.
struct Bound {
    lookup_expression::Column column;
    Comparison comparison;
    lookup_expression::Value value;
};

struct Walk {
    const Query *query;
    LookupKeys *keys;
    LookupValues *constants;
    int capacity;
    int bound_count;
    Bound bounds[max_bounds];
};

// A key more; of too many the least likely one counts only in the whole.
void add(Walk *walk, const lookup_expression::Column &column, const lookup_expression::Value &value);

void remove_key(Walk *walk, int at);

// Takes a value for one of several.
void add_to_list(Walk *walk, const lookup_expression::Value &value);
void add_list_hash(Walk *walk, uint64 hash);

// Stands for a list among the keys.
lookup_expression::Value list_value();

} // namespace dbperf::lookups::lookup_walk
