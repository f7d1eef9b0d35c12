// The lookup keys of a statement: comparisons `column = parameter or constant` on plain columns, and their values.
// Values are only ever kept as hashes.
#pragma once

#include "server/pg.h"

namespace dbperf {

constexpr int most_lookup_keys = 4;

struct LookupKey {
    Oid relation;
    AttrNumber column;
    int16 parameter; // number of the external parameter; 0: a constant of the text
    Oid declared;    // type of the value
    Oid type;        // the same with domains resolved
};

// Found once per statement, at parse analysis.
struct LookupKeys {
    int count;
    LookupKey keys[most_lookup_keys];
};

struct LookupValues {
    int count;
    uint64 hashes[most_lookup_keys]; // 0: not known
};

namespace lookup_keys {

// Reads the keys, and the values of constant ones, from a query tree.
void extract(const Query *query, LookupKeys *keys, LookupValues *constants);

// One hash over all key values of this execution; 0 when there is no key or a value is unknown. Parameters are read
// from the execution, fetched lazily where they are lazy.
uint64 hash_values(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters);

// Equal values of integer types of any width, of uuid, and of short texts hash equally; 0 for all else and for NULL.
uint64 hash_value(Oid type, Datum value, bool is_null);

} // namespace lookup_keys
} // namespace dbperf
