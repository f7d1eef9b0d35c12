// The lookup keys of a statement: the predicates that pick rows by a value of a user table's column, or of an
// expression of it, the columns of a single-row INSERT, the arguments of a function called for itself; and their
// values, as hashes.
#pragma once

#include "core/pg.h"

#include "lookups/lookup_expression.h"
#include "lookups/value_type.h"

namespace dbperf::lookups {

// Of more predicates the likelier keys: parameters before constants, numbers and uuids before others. The rest counts
// only for whether two executions asked for the same.
constexpr int max_lookup_keys = 6;

struct LookupKey {
    Oid relation; // 0: argument of a function
    AttrNumber column;
    KeyForm form;
    uint8 rank;     // the higher, the likelier to be what a loop goes over
    int parameter;  // number of the external parameter; 0: a constant of the text
    uint32 offset;  // of the parameter in the list of them, in bytes
    Oid declared;   // type of the parameter; invalid for other forms than scalar
    Oid whole_type; // type of the parameter of other forms
    ValueType type; // the value's, or what a text is read as
    uint32 other;   // the second parameter, of a range; of computed ones the parameters, 1 being bit 0
};

// Found once per plan.
struct LookupKeys {
    int count;
    Oid table;               // the first user table; invalid without
    bool is_batch;           // rows, or a list that cannot be compared: several keys at once
    bool is_insert;          // of one row
    bool is_call;            // of a function: proves nothing without lineage
    bool locks_rows;         // FOR UPDATE and the like
    bool has_constants;      // whose values are those of one text
    uint64 list_parameters;  // those that stand in lists, parameter 1 being bit 0
    uint64 other_parameters; // those of predicates beyond the most
    LookupKey keys[max_lookup_keys];
};

// Only what is set: keys are copied for every text that is parsed.
inline void copy(const LookupKeys &from, LookupKeys *to) {
    const int used = from.count > 0 ? from.count : 1;
    memcpy(static_cast<void *>(to), &from, offsetof(LookupKeys, keys) + static_cast<size_t>(used) * sizeof(LookupKey));
}

struct LookupValues {
    int count;                      // 0: no key, or none of a known value
    bool is_batch;                  // a list that was another one before
    uint64 all;                     // one hash over all of them
    uint64 list;                    // of the lists beside the keys, 0 without
    uint64 rest;                    // of constants of predicates beyond the most
    uint64 hashes[max_lookup_keys]; // 0: not known
};

} // namespace dbperf::lookups
