// Which operators compare for equality. Those of common types are known by their fixed OIDs: no catalog is read for
// every parsed statement.
#pragma once

#include "core/pg.h"

namespace dbperf::lookups {

// Of integers of any width, text and uuid: the types that look like keys, whose values are hashed.
constexpr bool is_key_equality(Oid operation) {
    switch (operation) {
    case 94:   // int2 = int2
    case 96:   // int4 = int4
    case 410:  // int8 = int8
    case 532:  // int2 = int4
    case 533:  // int4 = int2
    case 1862: // int2 = int8
    case 1868: // int8 = int2
    case 15:   // int4 = int8
    case 416:  // int8 = int4
    case 98:   // text = text, varchar too
    case 2972: // uuid = uuid
        return true;
    default:
        return false;
    }
}

// Of these and of other types that unique keys are made of.
constexpr bool is_common_equality(Oid operation) {
    switch (operation) {
    case 93:   // name = name
    case 607:  // oid = oid
    case 1054: // bpchar = bpchar
    case 1093: // date = date
    case 1320: // timestamptz = timestamptz
    case 1752: // numeric = numeric
    case 2060: // timestamp = timestamp
    case 3516: // enum = enum
        return true;
    default:
        return is_key_equality(operation);
    }
}

// Of any type, by its name. Reads the catalog.
inline bool is_named_equality(Oid operation) {
    const char *name = get_opname(operation);
    return name && strcmp(name, "=") == 0;
}

} // namespace dbperf::lookups
