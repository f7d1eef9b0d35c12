// What is known of a type or an operator, once per backend: how a value of it is read as a key, and which comparison it
// is. The catalogs are asked when it is met first, and again after it was altered.
#pragma once

#include "core/pg.h"

namespace dbperf::lookups {

// The layout and the equality of a type's values; those of the usual keys come first.
enum class Reading : uint8 {
    none, // no key: booleans, composites, ...
    int4,
    int8,
    int2,
    uuid,
    text, // varchar too
    blank_padded,
    folded_text, // citext
    name,
    single_char,
    label, // of an enum
    oid,
    numeric,
    float4,
    float8,
    date,
    timestamp,
    timestamptz,
    time,
    timetz,
    interval,
    bytes,
    bits,
    network,
    money,
    word, // by value, equal when its bits are
    fixed,
    other // of any length: known by its bytes
};

struct ValueType {
    Oid type; // domains resolved
    int16 length;
    Reading reading;
};

inline bool is_number(Reading reading) {
    return reading == Reading::int4 || reading == Reading::int8 || reading == Reading::int2 ||
           reading == Reading::oid || reading == Reading::numeric || reading == Reading::float4 ||
           reading == Reading::float8;
}
inline bool is_integer(Reading reading) {
    return reading == Reading::int4 || reading == Reading::int8 || reading == Reading::int2;
}
// With the layout of a text.
inline bool is_stored_as_text(Reading reading) {
    return reading >= Reading::text && reading <= Reading::folded_text;
}
// Values that equal texts are read as the same.
inline bool is_text(Reading reading) {
    return reading >= Reading::text && reading <= Reading::label;
}

enum class Comparison : uint8 { none, equal, less_equal, greater_equal, range, contains };

namespace value_type {

// Asks the catalogs at most once; never raises.
ValueType of_any(Oid type);
inline ValueType of(Oid type) {
    return likely(type == INT4OID) ? ValueType{INT4OID, 4, Reading::int4} : of_any(type);
}
// Domains resolved; what is built in is no domain. May raise.
inline Oid base_of(Oid type) {
    return likely(type < FirstNormalObjectId) ? type : getBaseType(type);
}
// The type of an array's elements; invalid when it is none.
Oid element_of(Oid type);
// As the operator's place in the btree, hash, GIN and GiST operator families says.
Comparison comparison_of(Oid operator_oid);
// The text of an enum's label as the hash of a text; 0 when it is not to be had.
uint64 hash_of_label(Oid label);

} // namespace value_type
} // namespace dbperf::lookups
