#include "core/pg.h"

#include "statistics/extended_statistics.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/compat.h"
#include "statistics/json_members.h"
#include "statistics/table_owner.h"

namespace dbperf::statistics {
using namespace core;

namespace {

constexpr int max_members = STATS_MAX_DIMENSIONS;

// Numbers of the columns there, in the order of the document, and what they are here. Expressions have negative ones.
struct Members {
    std::array<AttrNumber, max_members> there;
    std::array<AttrNumber, max_members> here;
    int count;
};

// A list of numbers with anything else between them.
int read_numbers(const char *text, AttrNumber *into, int room) {
    int count = 0;
    for (const char *at = text; *at != '\0' && count < room;) {
        char *end = nullptr;
        const long number = strtol(at, &end, 10);
        if (end == at) {
            ++at;
            continue;
        }
        if (number < -max_members || number > MaxHeapAttributeNumber || number == 0)
            json::fail("numbers", "has one that is no column's");
        into[count++] = static_cast<AttrNumber>(number);
        at = end;
    }
    return count;
}

Members read_members(JsonbContainer *data, Oid relation) {
    Members members{};
    members.count = read_numbers(json::text(data, "numbers"), members.there.data(), max_members);
    int column = 0;
    json::each(json::array(data, "columns"), [&](const JsonbValue &value) {
        if (value.type != jbvString || column >= members.count)
            json::fail("columns", "are not those of the statistics");
        const char *name = pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
        const AttrNumber number = get_attnum(relation, name);
        if (number <= 0)
            json::fail("columns", "has one that is not here");
        members.here[static_cast<size_t>(column++)] = number;
    });
    if (column != members.count || column == 0)
        json::fail("columns", "are not those of the statistics");
    return members;
}

AttrNumber number_here(const Members &members, AttrNumber there) {
    for (int i = 0; i < members.count; ++i)
        if (members.there[static_cast<size_t>(i)] == there)
            return members.here[static_cast<size_t>(i)];
    return there < 0 ? there : InvalidAttrNumber;
}

// "{"1, 2": 5, "1 => 2": 0.5}": calls visit(numbers, count, value) for each.
template <typename Visit>
void each_combination(const Members &members, const char *text, const Visit &visit) {
    Jsonb *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
    if (!JB_ROOT_IS_OBJECT(object))
        json::fail("extended statistics", "are of another server's form");
    JsonbIterator *iterator = JsonbIteratorInit(&object->root);
    JsonbValue value;
    std::array<AttrNumber, max_members> numbers{};
    int count = 0;
    for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true); token != WJB_DONE;
         token = JsonbIteratorNext(&iterator, &value, true)) {
        if (token == WJB_KEY) {
            const char *key = pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
            count = read_numbers(key, numbers.data(), max_members);
            for (int i = 0; i < count; ++i) {
                AttrNumber &number = numbers[static_cast<size_t>(i)];
                number = number_here(members, number);
                if (number == InvalidAttrNumber)
                    json::fail("extended statistics", "name a column that is not theirs");
            }
        } else if (token == WJB_VALUE && count >= 2) {
            visit(numbers.data(), count, json::as_number(value, "extended statistics"));
        }
    }
}

Datum distinct_of(const Members &members, const char *text) {
    constexpr int most = 1 << max_members;
    auto *distinct = static_cast<MVNDistinct *>(palloc0(offsetof(MVNDistinct, items) + most * sizeof(MVNDistinctItem)));
    distinct->magic = STATS_NDISTINCT_MAGIC;
    distinct->type = STATS_NDISTINCT_TYPE_BASIC;
    each_combination(members, text, [&](AttrNumber *numbers, int count, double value) {
        if (distinct->nitems >= static_cast<uint32>(most) || !(value >= 0))
            json::fail("n_distinct", "is out of range");
        std::sort(numbers, numbers + count);
        MVNDistinctItem *item = &distinct->items[distinct->nitems++];
        item->ndistinct = value;
        item->nattributes = count;
        item->attributes = static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * static_cast<Size>(count)));
        std::copy(numbers, numbers + count, item->attributes);
    });
    return distinct->nitems == 0 ? Datum{0} : PointerGetDatum(statext_ndistinct_serialize(distinct));
}

Datum dependencies_of(const Members &members, const char *text) {
    constexpr int most = 10000;
    auto *all = static_cast<MVDependencies *>(palloc0(offsetof(MVDependencies, deps) + most * sizeof(MVDependency *)));
    all->magic = STATS_DEPS_MAGIC;
    all->type = STATS_DEPS_TYPE_BASIC;
    each_combination(members, text, [&](const AttrNumber *numbers, int count, double value) {
        if (all->ndeps >= static_cast<uint32>(most) || !(value >= 0 && value <= 1))
            json::fail("dependencies", "are out of range");
        auto *one = static_cast<MVDependency *>(
            palloc0(offsetof(MVDependency, attributes) + sizeof(AttrNumber) * static_cast<Size>(count)));
        one->degree = value;
        one->nattributes = static_cast<AttrNumber>(count);
        std::copy(numbers, numbers + count, one->attributes);
        all->deps[all->ndeps++] = one;
    });
    return all->ndeps == 0 ? Datum{0} : PointerGetDatum(statext_dependencies_serialize(all));
}

// The columns in the order in which the server keeps them.
struct Dimension {
    AttrNumber number;
    int there; // place in the document
    Oid type;
    Oid input;
    Oid parameter;
    VacAttrStats *analyzed;
};

std::array<Dimension, max_members> dimensions_of(const Members &members, Oid relation) {
    std::array<Dimension, max_members> dimensions{};
    for (int i = 0; i < members.count; ++i) {
        Dimension &each = dimensions[static_cast<size_t>(i)];
        each.number = members.here[static_cast<size_t>(i)];
        each.there = i;
        int32 modifier = -1;
        Oid collation = InvalidOid;
        get_atttypetypmodcoll(relation, each.number, &each.type, &modifier, &collation);
        getTypeInputInfo(each.type, &each.input, &each.parameter);
        each.analyzed = static_cast<VacAttrStats *>(palloc0(sizeof(VacAttrStats)));
        each.analyzed->attrtypid = each.type;
        each.analyzed->attrcollid = collation;
        HeapTuple type = SearchSysCacheCopy1(TYPEOID, ObjectIdGetDatum(each.type));
        each.analyzed->attrtype = reinterpret_cast<Form_pg_type>(GETSTRUCT(type));
    }
    std::sort(dimensions.begin(), dimensions.begin() + members.count,
              [](const Dimension &left, const Dimension &right) { return left.number < right.number; });
    return dimensions;
}

struct McvSource {
    JsonbContainer *values;
    JsonbContainer *nulls;
    JsonbContainer *frequencies;
    JsonbContainer *base_frequencies;
};

JsonbValue element(JsonbContainer *array, uint32 index, const char *name) {
    const JsonbValue *value = getIthJsonbValueFromContainer(array, index);
    if (!value)
        json::fail(name, "has too few elements");
    return *value;
}

JsonbContainer *row_of(JsonbContainer *array, uint32 index, const char *name) {
    const JsonbValue value = element(array, index, name);
    if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
        json::fail(name, "is no list of lists");
    return value.val.binary.data;
}

void read_item(const McvSource &source, std::span<Dimension> dimensions, uint32 number, MCVItem *item) {
    item->frequency = json::as_number(element(source.frequencies, number, "frequencies"), "frequencies");
    item->base_frequency = static_cast<double>(
        json::as_float4(element(source.base_frequencies, number, "base frequencies"), "base frequencies"));
    if (!(item->frequency >= 0 && item->frequency <= 1 && item->base_frequency >= 0 && item->base_frequency <= 1))
        json::fail("frequencies", "are out of range");
    item->isnull = static_cast<bool *>(palloc0(sizeof(bool) * dimensions.size()));
    item->values = static_cast<Datum *>(palloc0(sizeof(Datum) * dimensions.size()));
    JsonbContainer *values = row_of(source.values, number, "most_common_vals");
    JsonbContainer *nulls = row_of(source.nulls, number, "most_common_val_nulls");
    for (size_t i = 0; i < dimensions.size(); ++i) {
        const auto there = static_cast<uint32>(dimensions[i].there);
        const JsonbValue is_null = element(nulls, there, "most_common_val_nulls");
        const JsonbValue value = element(values, there, "most_common_vals");
        item->isnull[i] = is_null.type == jbvBool && is_null.val.boolean;
        if (item->isnull[i])
            continue;
        if (value.type != jbvString)
            json::fail("most_common_vals", "holds something that is no text");
        item->values[i] = OidInputFunctionCall(dimensions[i].input,
                                               pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len)),
                                               dimensions[i].parameter, -1);
    }
}

Datum mcv_of(const Members &members, Oid relation, JsonbContainer *data) {
    const McvSource source{json::array(data, "most_common_vals"), json::array(data, "most_common_val_nulls"),
                           json::array(data, "most_common_freqs"), json::array(data, "most_common_base_freqs")};
    const uint32 count = JsonContainerSize(source.values);
    if (count == 0 || count > STATS_MCVLIST_MAX_ITEMS)
        json::fail("most_common_vals", "has a wrong number of elements");
    std::array<Dimension, max_members> dimensions = dimensions_of(members, relation);
    std::array<VacAttrStats *, max_members> analyzed{};
    auto *list = static_cast<MCVList *>(palloc0(offsetof(MCVList, items) + sizeof(MCVItem) * count));
    list->magic = STATS_MCV_MAGIC;
    list->type = STATS_MCV_TYPE_BASIC;
    list->nitems = count;
    list->ndimensions = static_cast<AttrNumber>(members.count);
    for (size_t i = 0; i < static_cast<size_t>(members.count); ++i) {
        list->types[i] = dimensions[i].type;
        analyzed[i] = dimensions[i].analyzed;
    }
    for (uint32 i = 0; i < count; ++i) {
        CHECK_FOR_INTERRUPTS();
        read_item(source, std::span(dimensions).first(static_cast<size_t>(members.count)), i, &list->items[i]);
    }
    return PointerGetDatum(statext_mcv_serialize(list, analyzed.data()));
}

bool has(JsonbContainer *data, const char *name) {
    JsonbValue value;
    return json::find(data, name, &value);
}

} // namespace

void write_extended_statistics(Oid object, bool inherited, JsonbContainer *data) {
    HeapTuple definition = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(object));
    if (!HeapTupleIsValid(definition))
        json::fail("extended statistics", "are of an object that is not here");
    const Oid relation = reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(definition))->stxrelid;
    ReleaseSysCache(definition);
    const Members members = read_members(data, relation);
    Datum values[Natts_pg_statistic_ext_data] = {};
    bool nulls[Natts_pg_statistic_ext_data];
    std::fill(std::begin(nulls), std::end(nulls), true);
    const auto put = [&](int column, Datum value) {
        values[column - 1] = value;
        nulls[column - 1] = false;
    };
    put(Anum_pg_statistic_ext_data_stxoid, ObjectIdGetDatum(object));
    put(Anum_pg_statistic_ext_data_stxdinherit, BoolGetDatum(inherited));
    if (has(data, "n_distinct"))
        if (const Datum distinct = distinct_of(members, json::text(data, "n_distinct")))
            put(Anum_pg_statistic_ext_data_stxdndistinct, distinct);
    if (has(data, "dependencies"))
        if (const Datum dependencies = dependencies_of(members, json::text(data, "dependencies")))
            put(Anum_pg_statistic_ext_data_stxddependencies, dependencies);
    if (has(data, "most_common_vals")) {
        Datum values_in_common = 0;
        as_owner_of(relation, [&] { values_in_common = mcv_of(members, relation, data); });
        put(Anum_pg_statistic_ext_data_stxdmcv, values_in_common);
    }
    RemoveStatisticsDataById(object, inherited);
    Relation table = table_open(StatisticExtDataRelationId, RowExclusiveLock);
    CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
    table_close(table, RowExclusiveLock);
    CacheInvalidateRelcacheByRelid(relation);
}

} // namespace dbperf::statistics
