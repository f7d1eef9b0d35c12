// Sizes of indexes that are not there, from the widths and numbers of their keys. A btree is as CREATE INDEX leaves it:
// leaves nine tenths full, equal keys once with a list of their rows.
#include "core/pg.h"

#include <algorithm>
#include <cmath>

#include "index_advice/column_width.h"
#include "index_advice/index_shape.h"

namespace dbperf::index_advice::index_size {
namespace {

constexpr double leaf_bytes = (BLCKSZ - SizeOfPageHeaderData - 16) * 0.9;
constexpr double inner_bytes = (BLCKSZ - SizeOfPageHeaderData - 16) * 0.7;
constexpr double row_address = 6;
constexpr double longest_list = 130; // addresses behind one key, when it is built

// Types whose equal values may look different are stored one by one.
bool is_listed_once(Oid type) {
    return type != NUMERICOID && type != FLOAT4OID && type != FLOAT8OID && type != JSONBOID;
}

double entry_bytes(const IndexShape &shape, Oid relation, bool with_included) {
    double width = sizeof(IndexTupleData);
    const auto add = [&width](Oid type, int bytes) {
        width = att_align_nominal(static_cast<int64>(std::ceil(width)), lookup_type_cache(type, 0)->typalign) + bytes;
    };
    for (const IndexKey &key : shape.all_keys())
        add(key.type, column_width::of(relation, key.expression));
    if (with_included)
        for (const AttrNumber each : shape.all_included()) {
            const int known = get_attavgwidth(relation, each);
            const Oid type = get_atttype(relation, each);
            add(type, known > 0 ? known : get_typavgwidth(type, -1));
        }
    return MAXALIGN(static_cast<size_t>(width)) + sizeof(ItemIdData);
}

double distinct_keys(const IndexShape &shape, Oid relation, double rows) {
    double combined = 1;
    for (const IndexKey &key : shape.all_keys()) {
        if (key.attribute == 0 || !is_listed_once(key.type))
            return rows;
        const double distinct = distinct_values(relation, key.attribute, rows);
        combined *= distinct > 0 ? distinct : rows;
    }
    return std::min(combined, rows);
}

IndexSize of_btree(const IndexShape &shape, Oid relation, double rows) {
    const double entry = entry_bytes(shape, relation, true);
    double bytes = entry * rows;
    if (shape.included_count == 0) {
        const double list = std::min(rows / std::max(1.0, distinct_keys(shape, relation, rows)), longest_list);
        if (list >= 2)
            bytes = rows * (row_address + entry / list);
    }
    IndexSize size{std::ceil(bytes / leaf_bytes), rows, 0};
    const double fan_out = std::max(2.0, inner_bytes / entry_bytes(shape, relation, false));
    for (double level = size.pages; level > 1;) {
        level = std::ceil(level / fan_out);
        size.pages += level;
        ++size.height;
    }
    size.pages += 1; // the page that says where the root is
    return size;
}

// An index of the parts of values: words, elements, keys, trigrams. Only building says how many there are.
IndexSize of_parts(const IndexShape &shape, Oid relation, double rows) {
    double width = 0;
    for (const IndexKey &key : shape.all_keys())
        width += column_width::of(relation, key.expression);
    return {std::ceil(rows * width * 1.2 / leaf_bytes) + 2, rows, 0};
}

} // namespace

double distinct_values(Oid relation, AttrNumber column, double rows) {
    HeapTuple found =
        SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation), Int16GetDatum(column), BoolGetDatum(false));
    if (!HeapTupleIsValid(found)) // of a partitioned table there are only those of all its partitions
        found = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation), Int16GetDatum(column), BoolGetDatum(true));
    if (!HeapTupleIsValid(found))
        return 0;
    const double stated = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(found))->stadistinct;
    ReleaseSysCache(found);
    return stated < 0 ? -stated * rows : stated;
}

IndexSize of(const IndexShape &shape, Oid relation, double rows) {
    rows = std::max(1.0, rows * shape.fraction);
    switch (shape.method) {
    case BTREE_AM_OID:
        return of_btree(shape, relation, rows);
    case HASH_AM_OID:
        return {std::ceil(rows * 20 / (leaf_bytes * 0.75)) + 2, rows, 0};
    case BRIN_AM_OID:
        return {3 + std::ceil(rows / 1e6), rows, 0};
    default:
        return of_parts(shape, relation, rows);
    }
}

} // namespace dbperf::index_advice::index_size
