// Values of lookup keys as hashes: equal values of integer types of any width, of uuid and of short texts meet. The
// values themselves are never kept.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::key_value {

// Types whose values are hashed; domains must be resolved.
inline bool is_key_type(Oid type) {
    return type == INT4OID || type == INT8OID || type == INT2OID || type == UUIDOID || type == TEXTOID ||
           type == VARCHAROID;
}

// Domains resolved; what is built in is no domain.
inline Oid base_type(Oid type) {
    return likely(type < FirstNormalObjectId) ? type : getBaseType(type);
}

inline uint64 hash_of_integer(int64 number) {
    // A bijection: keys of one type never collide. Only one number in 2^64 hashes to 0.
    return (static_cast<uint64>(number) ^ 0x243f6a8885a308d3u) * 0x9e3779b97f4a7c15u;
}

uint64 hash_of_bytes(Oid type, Datum value);

// 0 for what is not hashed: NULL, other types, long or toasted texts.
inline uint64 hash(Oid type, Datum value, bool is_null) {
    if (unlikely(is_null))
        return 0;
    if (likely(type == INT4OID))
        return hash_of_integer(DatumGetInt32(value));
    if (type == INT8OID)
        return hash_of_integer(DatumGetInt64(value));
    if (type == INT2OID)
        return hash_of_integer(DatumGetInt16(value));
    return hash_of_bytes(type, value);
}

// The same for a text that stands for a value of type `target`, as in $1::int.
uint64 hash_text_as(Oid target, Datum value, bool is_null);

// The only element of an array; 0 when it has none or several, then *is_list is set.
uint64 hash_only_element(Oid element, Datum array, bool is_null, bool *is_list);

// Any value by its bytes, to separate equal parameters from different ones.
uint64 hash_any(Oid type, Datum value, bool is_null);

} // namespace dbperf::statements::key_value
