// Keys, comparison with other shapes and with indexes that are there.
#include "core/pg.h"

#include "index_advice/index_shape.h"

#include <algorithm>
#include <span>

#include "index_advice/column_width.h"

namespace dbperf::index_advice::index_shape {
namespace {

// A quarter of what an entry of a btree may have: wider keys fail some day, and read no faster.
constexpr int widest_entry = 2704 / 4;

bool same_key(const IndexKey &a, const IndexKey &b) {
    return a.opclass == b.opclass && a.collation == b.collation && ::equal(a.expression, b.expression);
}

bool same_direction(const IndexKey &a, const IndexKey &b, bool inverted) {
    return (a.descending != b.descending) == inverted && (a.nulls_first != b.nulls_first) == inverted;
}

// Keys of the narrow one are the first of the wide one, in the same directions or all in the other.
bool is_prefix(std::span<const IndexKey> narrow, std::span<const IndexKey> wide) {
    if (narrow.size() > wide.size())
        return false;
    for (const bool inverted : {false, true}) {
        size_t i = 0;
        while (i < narrow.size() && same_key(narrow[i], wide[i]) && same_direction(narrow[i], wide[i], inverted))
            ++i;
        if (i == narrow.size())
            return true;
    }
    return false;
}

bool stores(const IndexShape &shape, AttrNumber column) {
    const auto keys = shape.all_keys();
    const auto included = shape.all_included();
    return std::any_of(keys.begin(), keys.end(), [column](const IndexKey &key) { return key.attribute == column; }) ||
           std::find(included.begin(), included.end(), column) != included.end();
}

// An index that is there, as a shape; false: it has more than a shape has.
bool shape_of(Relation index, IndexShape *shape) {
    const Form_pg_index form = index->rd_index;
    if (!form->indisvalid || !form->indisready || form->indnkeyatts > max_keys ||
        form->indnatts - form->indnkeyatts > max_included)
        return false;
    shape->relation = form->indrelid;
    shape->method = index->rd_rel->relam;
    shape->predicate = RelationGetIndexPredicate(index);
    bool is_null;
    const Datum classes = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indclass, &is_null);
    if (is_null)
        return false;
    const auto *opclasses = reinterpret_cast<const oidvector *>(DatumGetPointer(classes));
    const List *expressions = RelationGetIndexExpressions(index);
    int expression = 0;
    for (int i = 0; i < form->indnatts; ++i) {
        const AttrNumber column = form->indkey.values[i];
        if (i >= form->indnkeyatts) {
            shape->included[shape->included_count++] = column;
            continue;
        }
        IndexKey &key = shape->keys[shape->key_count++];
        key.attribute = column;
        key.opclass = opclasses->values[i];
        key.collation = index->rd_indcollation[i];
        key.descending = (index->rd_indoption[i] & INDOPTION_DESC) != 0;
        key.nulls_first = (index->rd_indoption[i] & INDOPTION_NULLS_FIRST) != 0;
        if (column != 0) {
            Oid type;
            int32 modifier;
            Oid collation;
            get_atttypetypmodcoll(form->indrelid, column, &type, &modifier, &collation);
            key.expression = reinterpret_cast<Node *>(makeVar(1, column, type, modifier, collation, 0));
        } else if (expression < list_length(expressions)) {
            key.expression = static_cast<Node *>(list_nth(expressions, expression++));
        } else {
            return false;
        }
    }
    return true;
}

// A column of a table in a partition of it, which may have it elsewhere.
AttrNumber translated(Oid from, Oid to, AttrNumber column) {
    const char *name = get_attname(from, column, true);
    return name ? get_attnum(to, name) : InvalidAttrNumber;
}

} // namespace

bool add_key(IndexShape *shape, const Node *expression, Oid collation, Oid opclass, bool descending, bool nulls_first) {
    if (shape->key_count == max_keys)
        return false;
    IndexKey key{};
    key.expression = const_cast<Node *>(expression);
    key.type = exprType(expression);
    key.attribute = IsA(expression, Var) ? reinterpret_cast<const Var *>(expression)->varattno : AttrNumber{0};
    key.opclass = OidIsValid(opclass) ? opclass : GetDefaultOpClass(key.type, shape->method);
    if (!OidIsValid(key.opclass))
        return false;
    // An expression without an order of its own has none as a key either.
    const Oid input = get_opclass_input_type(key.opclass);
    key.collation = OidIsValid(exprCollation(expression)) || type_is_collatable(input) ? collation : InvalidOid;
    if (type_is_collatable(input) && !OidIsValid(key.collation))
        key.collation = exprCollation(expression);
    if (type_is_collatable(input) && !OidIsValid(key.collation))
        return false;
    key.descending = descending;
    key.nulls_first = nulls_first;
    for (const IndexKey &known : shape->all_keys())
        if (same_key(known, key))
            return true;
    int width = column_width::of(shape->relation, expression);
    for (const IndexKey &known : shape->all_keys())
        width += column_width::of(shape->relation, known.expression);
    if (shape->method == BTREE_AM_OID && width > widest_entry)
        return false;
    shape->keys[shape->key_count++] = key;
    return true;
}

bool equal(const IndexShape &a, const IndexShape &b) {
    return a.relation == b.relation && a.method == b.method && a.key_count == b.key_count &&
           a.included_count == b.included_count && serves(a, b) && serves(b, a);
}

bool serves(const IndexShape &wide, const IndexShape &narrow) {
    if (wide.relation != narrow.relation || wide.method != narrow.method ||
        (wide.predicate != NIL && !::equal(wide.predicate, narrow.predicate)))
        return false;
    const auto included = narrow.all_included();
    if (!std::all_of(included.begin(), included.end(), [&wide](AttrNumber each) { return stores(wide, each); }))
        return false;
    if (wide.method == BTREE_AM_OID)
        return is_prefix(narrow.all_keys(), wide.all_keys());
    const auto keys = narrow.all_keys();
    return std::all_of(keys.begin(), keys.end(), [&wide](const IndexKey &key) {
        const auto others = wide.all_keys();
        return std::any_of(others.begin(), others.end(),
                           [&key](const IndexKey &other) { return same_key(key, other); });
    });
}

bool orders(const IndexShape &wide, const IndexShape &narrow) {
    return wide.is_ordered && wide.equal_count > 0 && wide.key_count > narrow.key_count &&
           narrow.key_count >= wide.equal_count && ::equal(wide.predicate, narrow.predicate) && serves(wide, narrow);
}

List *present(Oid relation) {
    Relation table = try_table_open(relation, AccessShareLock);
    if (!table)
        return NIL;
    List *found = NIL;
    const List *indexes = RelationGetIndexList(table);
    for (int i = 0; i < list_length(indexes); ++i) {
        CHECK_FOR_INTERRUPTS();
        Relation index = index_open(list_nth_oid(indexes, i), AccessShareLock);
        auto *each = static_cast<PresentIndex *>(palloc0(sizeof(PresentIndex)));
        if (shape_of(index, &each->shape)) {
            each->name = pstrdup(RelationGetRelationName(index));
            found = lappend(found, each);
        }
        index_close(index, AccessShareLock);
    }
    table_close(table, AccessShareLock);
    return found;
}

bool of_partition(IndexShape *shape, Oid table) {
    const Oid from = shape->relation;
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(from));
    if (!HeapTupleIsValid(row))
        return false;
    const int columns = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relnatts;
    ReleaseSysCache(row);
    AttrMap *map = make_attrmap(columns);
    for (int i = 0; i < columns; ++i)
        map->attnums[i] = translated(from, table, static_cast<AttrNumber>(i + 1));
    bool whole_row = false;
    for (IndexKey &key : std::span(shape->keys, static_cast<size_t>(shape->key_count))) {
        if (key.attribute != 0 && map->attnums[key.attribute - 1] == InvalidAttrNumber)
            return false;
        key.expression = map_variable_attnos(key.expression, 1, 0, map, InvalidOid, &whole_row);
        if (key.attribute != 0)
            key.attribute = map->attnums[key.attribute - 1];
    }
    for (AttrNumber &each : std::span(shape->included, static_cast<size_t>(shape->included_count))) {
        each = map->attnums[each - 1];
        if (each == InvalidAttrNumber)
            return false;
    }
    shape->predicate = reinterpret_cast<List *>(
        map_variable_attnos(reinterpret_cast<Node *>(shape->predicate), 1, 0, map, InvalidOid, &whole_row));
    shape->relation = table;
    return !whole_row;
}

Bitmapset *columns_of(const IndexShape &shape) {
    Bitmapset *columns = nullptr;
    for (const IndexKey &key : shape.all_keys())
        pull_varattnos(key.expression, 1, &columns);
    for (const AttrNumber each : shape.all_included())
        columns = bms_add_member(columns, each - FirstLowInvalidHeapAttributeNumber);
    pull_varattnos(reinterpret_cast<Node *>(shape.predicate), 1, &columns);
    return columns;
}

} // namespace dbperf::index_advice::index_shape
