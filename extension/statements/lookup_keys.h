// The lookup keys of a statement: comparisons `column = parameter or constant` on plain columns of user tables, the
// columns of a single-row INSERT, the arguments of a function called for itself; and their values, as hashes.
#pragma once

#include "core/pg.h"

namespace dbperf::statements {

constexpr int max_lookup_keys = 4;

enum class KeyForm : uint8 {
    scalar,
    element, // of an array with one element
    as_text, // a text that is cast to the column's type
    computed // known only to the executor
};

struct LookupKey {
    Oid relation; // 0: argument of a function
    AttrNumber column;
    int parameter;  // number of the external parameter; 0: a constant of the text
    uint32 offset;  // of the parameter in the list of them, in bytes
    Oid declared;   // type of the parameter; invalid for other forms than scalar
    Oid whole_type; // type of the parameter of other forms
    Oid type;       // the value's, with domains resolved; that of the elements of an array
    KeyForm form;
};

// Found once per plan.
struct LookupKeys {
    int count;
    Oid table;       // the first user table; invalid without
    bool is_batch;   // a list of keys or rows: several at once
    bool is_insert;  // of one row
    bool is_call;    // of a function: proves nothing without lineage
    bool locks_rows; // FOR UPDATE and the like
    LookupKey keys[max_lookup_keys];
};

struct LookupValues {
    int count;                      // 0: no key, or one of unknown value
    uint64 all;                     // one hash over all of them
    uint64 hashes[max_lookup_keys]; // 0: not known
};

namespace lookup_keys {

// Reads the keys, and the values of constant ones, from a query tree.
void extract(const Query *query, LookupKeys *keys, LookupValues *constants);

} // namespace lookup_keys
} // namespace dbperf::statements
