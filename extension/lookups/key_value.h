// Values of lookup keys as hashes: what the types' own equality calls equal meets. The values themselves are never
// kept, and no more than 64 bytes of one are read.
#pragma once

#include "core/pg.h"

#include "lookups/key_hash.h"
#include "lookups/value_type.h"

namespace dbperf::lookups::key_value {

[[gnu::noinline, gnu::cold]] uint64 hash_of_bytes(ValueType type, Datum value);

// 0 for what is not hashed: NULL, other types, what would have to be unpacked. Never raises.
inline uint64 hash(ValueType type, Datum value, bool is_null) {
    if (unlikely(is_null))
        return 0;
    if (likely(type.reading == Reading::int4))
        return key_hash::of_integer(DatumGetInt32(value));
    if (type.reading == Reading::int8)
        return key_hash::of_integer(DatumGetInt64(value));
    if (type.reading == Reading::int2)
        return key_hash::of_integer(DatumGetInt16(value));
    return hash_of_bytes(type, value);
}

// The same, but long values are distinguished by their ends: for comparing what was asked for, not for lineage.
uint64 hash_long(ValueType type, Datum value, bool is_null);

// Whether a text can be read as a value of another type, and the hash of one that is, as in $1::int.
bool is_read_from_text(Reading target);
uint64 hash_text_as(Reading target, Datum value, bool is_null);

// The only element of an array; 0 when it has none or several, then *list is a hash of all of it, never 0.
uint64 hash_only_element(Oid array_type, Datum array, bool is_null, uint64 *list);

// The only value in a jsonb that has one, {"id": 5} or [5]; else of all its bytes.
uint64 hash_of_document(Datum value, bool is_null);

// Any value by its bytes, to separate equal parameters from different ones.
uint64 hash_any(Oid type, Datum value, bool is_null);

} // namespace dbperf::lookups::key_value
