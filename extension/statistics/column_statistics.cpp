#include "core/pg.h"

#include "statistics/column_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "statistics/json_members.h"
#include "statistics/table_owner.h"

namespace dbperf::statistics {
using namespace core;

namespace {

constexpr int max_values = 200000; // elements of the largest statistics target, and twice that
constexpr int max_text = 64 * 1024 * 1024;

// Kinds of slots by their names, as they stand in documents.
struct SlotKind {
    const char *name;
    int16 kind;
    bool has_values;
    bool has_numbers;
};
constexpr SlotKind slot_kinds[] = {
    {"most_common_values", STATISTIC_KIND_MCV, true, true},
    {"histogram", STATISTIC_KIND_HISTOGRAM, true, false},
    {"correlation", STATISTIC_KIND_CORRELATION, false, true},
    {"most_common_elements", STATISTIC_KIND_MCELEM, true, true},
    {"element_counts", STATISTIC_KIND_DECHIST, false, true},
    {"range_lengths", STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM, true, true},
    {"range_bounds", STATISTIC_KIND_BOUNDS_HISTOGRAM, true, false},
};

const SlotKind &kind_named(const char *name) {
    for (const SlotKind &each : slot_kinds)
        if (strcmp(each.name, name) == 0)
            return each;
    json::fail("kind", psprintf("is \"%.64s\", which is no kind of statistics", name));
}

struct Numbers {
    Datum *values;
    int count;
};

Numbers read_numbers(JsonbContainer *slot) {
    JsonbContainer *array = json::array(slot, "numbers");
    const int size = static_cast<int>(JsonContainerSize(array));
    if (size > max_values)
        json::fail("numbers", "has too many elements");
    Numbers numbers{static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(std::max(size, 1)))), 0};
    json::each(array, [&numbers](const JsonbValue &value) {
        numbers.values[numbers.count++] = Float4GetDatum(json::as_float4(value, "numbers"));
    });
    return numbers;
}

// Frequencies and the like. Null fractions and average counts of elements are among the last ones of their kinds.
void check_numbers(const SlotKind &kind, const Numbers &numbers) {
    const bool fractions = kind.kind == STATISTIC_KIND_MCV || kind.kind == STATISTIC_KIND_MCELEM ||
                           kind.kind == STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM;
    double sum = 0;
    for (int i = 0; i < numbers.count; ++i) {
        const double value = static_cast<double>(DatumGetFloat4(numbers.values[i]));
        sum += value;
        const double least = kind.kind == STATISTIC_KIND_CORRELATION ? -1 : 0;
        const double most = fractions || kind.kind == STATISTIC_KIND_CORRELATION ? 1 : 1e9;
        if (!(value >= least && value <= most))
            json::fail(kind.name, "has a number out of range");
    }
    if (kind.kind == STATISTIC_KIND_MCV && sum > 1.001)
        json::fail(kind.name, "has frequencies of more than 1 in all");
    const bool single = kind.kind == STATISTIC_KIND_CORRELATION || kind.kind == STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM;
    if (numbers.count == 0 || (single && numbers.count != 1))
        json::fail(kind.name, "has a wrong count of numbers");
}

// What the values of a slot are, and by which operator and collation they were put in order.
struct SlotType {
    Oid element;
    Oid domain; // InvalidOid, or what the element is called
    Oid comparison;
    Oid collation;
};

SlotType type_of_elements(const StatisticsColumn &column, Oid base) {
    if (base == TSVECTOROID)
        return {TEXTOID, InvalidOid, TextEqualOperator, DEFAULT_COLLATION_OID};
    const Oid element = get_base_element_type(base);
    if (!OidIsValid(element))
        json::fail("most_common_elements", "is for arrays, which this column is not");
    return {element, InvalidOid, lookup_type_cache(element, TYPECACHE_EQ_OPR)->eq_opr, column.collation};
}

SlotType type_of_slot(const StatisticsColumn &column, const SlotKind &kind) {
    const Oid base = getBaseType(column.type);
    const TypeCacheEntry *type = lookup_type_cache(base, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
    const Oid domain = base == column.type ? InvalidOid : column.type;
    switch (kind.kind) {
    case STATISTIC_KIND_MCV:
        return {base, domain, type->eq_opr, column.collation};
    case STATISTIC_KIND_HISTOGRAM:
    case STATISTIC_KIND_CORRELATION:
        return {base, domain, type->lt_opr, column.collation};
    case STATISTIC_KIND_MCELEM:
    case STATISTIC_KIND_DECHIST:
        return type_of_elements(column, base);
    case STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM:
        return {FLOAT8OID, InvalidOid, Float8LessOperator, InvalidOid};
    default: {
        const Oid range = type_is_multirange(base) ? get_multirange_range(base) : base;
        if (!type_is_range(range))
            json::fail(kind.name, "is for ranges, which this column is not");
        return {range, InvalidOid, InvalidOid, InvalidOid};
    }
    }
}

void check_order(const SlotKind &kind, const SlotType &type, Datum *values, int count) {
    TypeCacheEntry *cache = lookup_type_cache(type.element, TYPECACHE_CMP_PROC_FINFO);
    if (!OidIsValid(cache->cmp_proc_finfo.fn_oid))
        json::fail(kind.name, "is of a type that has no order here");
    for (int i = 1; i < count; ++i)
        if (DatumGetInt32(FunctionCall2Coll(&cache->cmp_proc_finfo, type.collation, values[i - 1], values[i])) > 0)
            json::fail(kind.name, "is in another order than this database sorts in (another collation?)");
}

void check_values(const SlotKind &kind, const SlotType &type, Datum *values, int count, int numbers) {
    switch (kind.kind) {
    case STATISTIC_KIND_MCV:
        if (numbers != count)
            json::fail(kind.name, "has as many values as frequencies only in a document that is unchanged");
        break;
    case STATISTIC_KIND_MCELEM:
        // Behind the frequencies: the least and the greatest one, and of arrays that of null.
        if (numbers !=
                count + (type.comparison == TextEqualOperator && type.collation == DEFAULT_COLLATION_OID ? 2 : 3) &&
            numbers != count + 3)
            json::fail(kind.name, "has a wrong count of frequencies");
        break;
    case STATISTIC_KIND_BOUNDS_HISTOGRAM:
        for (int i = 0; i < count; ++i)
            if (RangeIsEmpty(DatumGetRangeTypeP(values[i])))
                json::fail(kind.name, "has an empty range");
        break;
    default:
        break;
    }
    const bool histogram = kind.kind == STATISTIC_KIND_HISTOGRAM ||
                           kind.kind == STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM ||
                           kind.kind == STATISTIC_KIND_BOUNDS_HISTOGRAM;
    if (histogram && count < 2)
        json::fail(kind.name, "has fewer than two bounds");
    if (kind.kind == STATISTIC_KIND_HISTOGRAM || kind.kind == STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM)
        check_order(kind, type, values, count);
}

struct Elements {
    Datum *values;
    int count;
    int16 length;
    bool by_value;
    char alignment;
};

Elements elements_of(ArrayType *array) {
    Elements elements{};
    get_typlenbyvalalign(ARR_ELEMTYPE(array), &elements.length, &elements.by_value, &elements.alignment);
    deconstruct_array(array, ARR_ELEMTYPE(array), elements.length, elements.by_value, elements.alignment,
                      &elements.values, nullptr, &elements.count);
    return elements;
}

// The ends of the real index in place of those that ANALYZE saw: what the planner does when it comes to the first or
// the last bound, which it then cannot do, since the index here has other ends.
ArrayType *with_index_ends(ArrayType *histogram, const char *ends, const SlotKind &kind, Oid collation) {
    Elements bounds = elements_of(histogram);
    const Elements real = elements_of(read_values(ARR_ELEMTYPE(histogram), ends, "ends"));
    if (real.count != 2)
        json::fail("ends", "are not two");
    check_order(kind, {ARR_ELEMTYPE(histogram), InvalidOid, InvalidOid, collation}, real.values, 2);
    bounds.values[0] = real.values[0];
    bounds.values[bounds.count - 1] = real.values[1];
    return construct_array(bounds.values, bounds.count, ARR_ELEMTYPE(histogram), bounds.length, bounds.by_value,
                           bounds.alignment);
}

bool is_plain_text(Oid type) {
    return type == TEXTOID || type == VARCHAROID || type == BPCHAROID;
}

// Values that nobody has, for frequencies whose values were left out.
const char *unknown_values(int count) {
    StringInfoData text;
    initStringInfo(&text);
    for (int i = 0; i < count; ++i)
        appendStringInfo(&text, "%c\"(left out %d)\"", i == 0 ? '{' : ',', i + 1);
    appendStringInfoChar(&text, '}');
    return text.data;
}

struct Slot {
    int16 kind;
    Oid comparison;
    Oid collation;
    Datum numbers; // 0: none
    Datum values;  // 0: none
};

// False if the slot says nothing without the values that were left out of it.
bool read_slot(const StatisticsColumn &column, JsonbContainer *data, JsonbContainer *source, Slot *slot) {
    const SlotKind &kind = kind_named(json::text(source, "kind"));
    const SlotType type = type_of_slot(column, kind);
    *slot = {kind.kind, type.comparison, type.collation, Datum{0}, Datum{0}};
    Numbers numbers{nullptr, 0};
    if (kind.has_numbers) {
        numbers = read_numbers(source);
        slot->numbers = PointerGetDatum(
            construct_array(numbers.values, numbers.count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
    }
    if (!kind.has_values)
        return true;
    const char *text = json::text_if_any(source, "values");
    if (!text && kind.kind == STATISTIC_KIND_MCV && is_plain_text(type.element))
        text = unknown_values(numbers.count);
    if (!text)
        return false;
    ArrayType *values = read_values(type.element, text, kind.name);
    const Elements elements = elements_of(values);
    check_values(kind, type, elements.values, elements.count, numbers.count);
    const char *ends = kind.kind == STATISTIC_KIND_HISTOGRAM ? json::text_if_any(data, "ends") : nullptr;
    if (ends)
        values = with_index_ends(values, ends, kind, type.collation);
    if (OidIsValid(type.domain))
        values->elemtype = type.domain;
    slot->values = PointerGetDatum(values);
    return true;
}

} // namespace

const char *name_of_type(Oid type) {
    constexpr const char *prefix = "pg_catalog.";
    const char *name = format_type_be_qualified(type);
    return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : name;
}

ArrayType *read_values(Oid type, const char *text, const char *name) {
    if (strlen(text) > static_cast<size_t>(max_text))
        json::fail(name, "is too long");
    ArrayType *array = DatumGetArrayTypeP(
        OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(text), ObjectIdGetDatum(type), Int32GetDatum(-1)));
    if (ARR_NDIM(array) != 1 || array_contains_nulls(array))
        json::fail(name, "is no list of values");
    if (ARR_DIMS(array)[0] > max_values)
        json::fail(name, "has too many elements");
    return array;
}

void check_column_statistics(JsonbContainer *data) {
    constexpr double widest = 1e9;
    json::number(data, "null_fraction", 0, 1);
    json::number(data, "average_width", 0, widest);
    json::number(data, "distinct", -1, 1e18);
    json::text_if_any(data, "ends");
    JsonbContainer *slots = json::array(data, "slots");
    if (JsonContainerSize(slots) > STATISTIC_NUM_SLOTS)
        json::fail("slots", "are more than a column has");
    uint32 seen = 0;
    json::each(slots, [&seen](const JsonbValue &value) {
        JsonbContainer *slot = json::object(value, "slots");
        const SlotKind &kind = kind_named(json::text(slot, "kind"));
        if ((seen & 1u << kind.kind) != 0)
            json::fail(kind.name, "stands there twice");
        seen |= 1u << kind.kind;
        if (kind.has_numbers)
            check_numbers(kind, read_numbers(slot));
        const char *text = json::text_if_any(slot, "values");
        if (text && !kind.has_values)
            json::fail(kind.name, "has no values");
        if (text && text[0] != '{')
            json::fail("values", "is no array in PostgreSQL's form");
    });
}

namespace {

HeapTuple form(const StatisticsColumn &column, JsonbContainer *data) {
    std::array<Slot, STATISTIC_NUM_SLOTS> slots{};
    size_t count = 0;
    json::each(json::array(data, "slots"), [&](const JsonbValue &value) {
        if (count < slots.size() && read_slot(column, data, json::object(value, "slots"), &slots[count]))
            ++count;
    });
    for (size_t i = count; i < slots.size(); ++i)
        slots[i] = {};
    Datum values[Natts_pg_statistic];
    bool nulls[Natts_pg_statistic] = {};
    values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(column.relation);
    values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(column.number);
    values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(column.inherited);
    const auto fraction = static_cast<float>(json::number(data, "null_fraction", 0, 1));
    values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(fraction);
    const auto width = static_cast<int32>(json::number(data, "average_width", 0, 1e9));
    values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(width);
    const auto distinct = static_cast<float>(json::number(data, "distinct", -1, 1e18));
    values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(distinct);
    for (size_t i = 0; i < slots.size(); ++i) {
        const Slot &slot = slots[i];
        values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(slot.kind);
        values[Anum_pg_statistic_staop1 - 1 + i] = ObjectIdGetDatum(slot.comparison);
        values[Anum_pg_statistic_stacoll1 - 1 + i] = ObjectIdGetDatum(slot.collation);
        values[Anum_pg_statistic_stanumbers1 - 1 + i] = slot.numbers;
        nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = slot.numbers == 0;
        values[Anum_pg_statistic_stavalues1 - 1 + i] = slot.values;
        nulls[Anum_pg_statistic_stavalues1 - 1 + i] = slot.values == 0;
    }
    Relation statistics = table_open(StatisticRelationId, AccessShareLock);
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(statistics), values, nulls);
    table_close(statistics, AccessShareLock);
    return tuple;
}

} // namespace

HeapTuple try_column_statistics(const StatisticsColumn &column, JsonbContainer *data, char **message) {
    HeapTuple tuple = nullptr;
    const auto form_as_owner = [&] { as_owner_of(column.relation, [&] { tuple = form(column, data); }); };
    *message = nullptr;
    // No subtransaction begins while workers run; nothing that calls a function of a language is planned then but by
    // another function of one.
    if (!IsInParallelMode())
        attempt_in_subtransaction(form_as_owner, message);
    else if (!catch_errors(form_as_owner))
        *message = pstrdup("they cannot be read while a query runs in parallel");
    return *message ? nullptr : tuple;
}

} // namespace dbperf::statistics
