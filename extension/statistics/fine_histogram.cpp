#include "core/pg.h"

#include "statistics/fine_histogram.h"

#include <algorithm>
#include <cmath>

#include "core/compat.h"

namespace dbperf::statistics::fine_histogram {
using namespace core;

namespace {

constexpr int max_values = 100000;
constexpr double trusted = 0.01;                       // of a bin: ineq_histogram_selectivity()
constexpr double exact_in_double = 9007199254740992.0; // 2^53
constexpr double day = 86400e6;                        // microseconds

// Types whose values lie on a line: what convert_to_scalar() makes of them, and back.
bool as_number(Datum value, Oid type, double *number) {
    switch (type) {
    case INT2OID:
        *number = DatumGetInt16(value);
        break;
    case INT4OID:
        *number = DatumGetInt32(value);
        break;
    case INT8OID:
        *number = static_cast<double>(DatumGetInt64(value));
        break;
    case FLOAT4OID:
        *number = static_cast<double>(DatumGetFloat4(value));
        break;
    case FLOAT8OID:
        *number = DatumGetFloat8(value);
        break;
    case DATEOID:
        *number = DatumGetDateADT(value) * day;
        break;
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        *number = static_cast<double>(DatumGetTimestamp(value));
        break;
    default:
        return false;
    }
    return std::isfinite(*number) && std::fabs(*number) < exact_in_double * 128;
}

Datum as_datum(double number, Oid type) {
    switch (type) {
    case INT2OID:
        return Int16GetDatum(static_cast<int16>(std::rint(number)));
    case INT4OID:
        return Int32GetDatum(static_cast<int32>(std::rint(number)));
    case INT8OID:
        return Int64GetDatum(static_cast<int64>(std::rint(number)));
    case FLOAT4OID:
        return Float4GetDatum(static_cast<float4>(number));
    case FLOAT8OID:
        return Float8GetDatum(number);
    case DATEOID:
        return DateADTGetDatum(static_cast<DateADT>(std::rint(number / day)));
    default:
        return TimestampGetDatum(static_cast<Timestamp>(std::rint(number)));
    }
}

bool is_inequality(Oid comparison) {
    const Oid estimator = get_oprrest(comparison);
    return estimator == F_SCALARLTSEL || estimator == F_SCALARLESEL || estimator == F_SCALARGTSEL ||
           estimator == F_SCALARGESEL;
}

struct Search {
    PlannerInfo *root;
    Index relation;
    AttrNumber number;
    double first[2]; // bounds
    double last[2];
    bool found;
};

bool is_column(const Node *node, const Search &search) {
    if (node && IsA(node, RelabelType))
        node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
    if (!node || !IsA(node, Var))
        return false;
    const auto *variable = reinterpret_cast<const Var *>(node);
    return variable->varno == static_cast<decltype(variable->varno)>(search.relation) &&
           variable->varattno == search.number && variable->varlevelsup == 0;
}

bool reaches_end(double value, const Search &search) {
    const double low = trusted * (search.first[1] - search.first[0]);
    const double high = trusted * (search.last[1] - search.last[0]);
    return value < search.first[0] + low || value > search.last[1] - high;
}

bool look(Node *node, void *context) {
    auto *search = static_cast<Search *>(context);
    if (!node || search->found)
        return search->found;
    if (IsA(node, OpExpr) && list_length(reinterpret_cast<OpExpr *>(node)->args) == 2) {
        auto *comparison = reinterpret_cast<OpExpr *>(node);
        auto *left = static_cast<Node *>(linitial(comparison->args));
        auto *right = static_cast<Node *>(lsecond(comparison->args));
        Node *other = is_column(left, *search) ? right : is_column(right, *search) ? left : nullptr;
        if (other && is_inequality(comparison->opno)) {
            other = estimate_expression_value(search->root, other);
            double value = 0;
            if (IsA(other, Const) && !reinterpret_cast<Const *>(other)->constisnull &&
                as_number(reinterpret_cast<Const *>(other)->constvalue, reinterpret_cast<Const *>(other)->consttype,
                          &value))
                search->found = reaches_end(value, *search);
            return search->found;
        }
    }
    if (IsA(node, RestrictInfo))
        return look(reinterpret_cast<Node *>(reinterpret_cast<RestrictInfo *>(node)->clause), context);
    return compat::walk_expression(node, look, context);
}

bool begins_an_index(const RelOptInfo *table, AttrNumber number) {
    for (int i = 0; i < list_length(table->indexlist); ++i) {
        const auto *index = static_cast<IndexOptInfo *>(list_nth(table->indexlist, i));
        if (index->relam == BTREE_AM_OID && index->indpred == NIL && index->indexkeys[0] == number)
            return true;
    }
    return false;
}

} // namespace

bool is_needed(PlannerInfo *root, const RelOptInfo *table, AttrNumber number, HeapTuple tuple) {
    if (!tuple || table->baserestrictinfo == NIL || !begins_an_index(table, number))
        return false;
    AttStatsSlot slot;
    if (!get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
        return false;
    Search search{root, table->relid, number, {}, {}, false};
    const int last = slot.nvalues - 1;
    if (last >= 1 && as_number(slot.values[0], slot.valuetype, &search.first[0]) &&
        as_number(slot.values[1], slot.valuetype, &search.first[1]) &&
        as_number(slot.values[last - 1], slot.valuetype, &search.last[0]) &&
        as_number(slot.values[last], slot.valuetype, &search.last[1]))
        look(reinterpret_cast<Node *>(table->baserestrictinfo), &search);
    free_attstatsslot(&slot);
    return search.found;
}

HeapTuple of(HeapTuple tuple, double rows) {
    AttStatsSlot slot;
    if (!get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
        return heap_copytuple(tuple);
    const int bins = slot.nvalues - 1;
    const double wanted = std::ceil(rows * trusted * 2 / std::max(bins, 1));
    const int parts = static_cast<int>(std::clamp(wanted, 1.0, static_cast<double>(max_values / std::max(bins, 1))));
    auto *values = static_cast<Datum *>(palloc_extended(
        sizeof(Datum) * (static_cast<Size>(std::max(bins, 1)) * static_cast<Size>(std::max(parts, 1)) + 1),
        MCXT_ALLOC_HUGE));
    int count = 0;
    for (int i = 0; i < bins; ++i) {
        double low = 0;
        double high = 0;
        if (!as_number(slot.values[i], slot.valuetype, &low) || !as_number(slot.values[i + 1], slot.valuetype, &high)) {
            free_attstatsslot(&slot);
            return heap_copytuple(tuple);
        }
        values[count++] = slot.values[i];
        for (int j = 1; j < parts; ++j)
            values[count++] = as_datum(low + (high - low) * j / parts, slot.valuetype);
    }
    values[count++] = slot.values[bins];
    int16 length = 0;
    bool by_value = false;
    char alignment = 0;
    get_typlenbyvalalign(slot.valuetype, &length, &by_value, &alignment);
    Datum replaced[Natts_pg_statistic] = {};
    bool nulls[Natts_pg_statistic] = {};
    bool replaces[Natts_pg_statistic] = {};
    const auto *statistic = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple));
    for (int i = 0; i < STATISTIC_NUM_SLOTS; ++i)
        if ((&statistic->stakind1)[i] == STATISTIC_KIND_HISTOGRAM) {
            const int column = Anum_pg_statistic_stavalues1 - 1 + i;
            replaces[column] = true;
            replaced[column] =
                PointerGetDatum(construct_array(values, count, slot.valuetype, length, by_value, alignment));
        }
    free_attstatsslot(&slot);
    Relation statistics = table_open(StatisticRelationId, AccessShareLock);
    HeapTuple fine = heap_modify_tuple(tuple, RelationGetDescr(statistics), replaced, nulls, replaces);
    table_close(statistics, AccessShareLock);
    return fine;
}

} // namespace dbperf::statistics::fine_histogram
