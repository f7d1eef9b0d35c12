#include "core/pg.h"

#include "index_advice/hypothetical_index.h"

#include <algorithm>

#include "core/compat.h"

namespace dbperf::index_advice::hypothetical_index {
namespace {

bool is_partition_of(Oid table, Oid ancestor) {
    return get_rel_relispartition(table) && list_member_oid(get_partition_ancestors(table), ancestor);
}

template <typename T>
T *array_of(int count) {
    return static_cast<T *>(palloc0(sizeof(T) * static_cast<size_t>(count + 1)));
}

Node *of_entry(const Node *node, Index entry) {
    Node *copy = static_cast<Node *>(copyObjectImpl(node));
    ChangeVarNodes(copy, 1, static_cast<int>(entry), 0);
    return copy;
}

void add_column(IndexOptInfo *index, int position, AttrNumber attribute, Node *expression) {
    index->indexkeys[position] = attribute;
    if (attribute == 0)
        index->indexprs = lappend(index->indexprs, expression);
    index->indextlist =
        lappend(index->indextlist, makeTargetEntry(reinterpret_cast<Expr *>(copyObjectImpl(expression)),
                                                   static_cast<AttrNumber>(position + 1), nullptr, false));
}

void add_columns(IndexOptInfo *index, const IndexShape &shape) {
    index->ncolumns = shape.key_count + shape.included_count;
    index->nkeycolumns = shape.key_count;
    index->indexkeys = array_of<int>(index->ncolumns);
    index->canreturn = array_of<bool>(index->ncolumns);
    index->indexcollations = array_of<Oid>(shape.key_count);
    index->opfamily = array_of<Oid>(shape.key_count);
    index->opcintype = array_of<Oid>(shape.key_count);
    index->opclassoptions = array_of<bytea *>(shape.key_count);
    int position = 0;
    for (const IndexKey &key : shape.all_keys()) {
        index->indexcollations[position] = key.collation;
        index->opfamily[position] = get_opclass_family(key.opclass);
        index->opcintype[position] = get_opclass_input_type(key.opclass);
        add_column(index, position++, key.attribute, of_entry(key.expression, index->rel->relid));
    }
    for (const AttrNumber each : shape.all_included()) {
        Oid type;
        int32 modifier;
        Oid collation;
        get_atttypetypmodcoll(shape.relation, each, &type, &modifier, &collation);
        add_column(
            index, position++, each,
            reinterpret_cast<Node *>(makeVar(static_cast<int>(index->rel->relid), each, type, modifier, collation, 0)));
    }
    index->indpred = reinterpret_cast<List *>(
        shape.predicate == NIL ? nullptr : of_entry(reinterpret_cast<Node *>(shape.predicate), index->rel->relid));
}

void add_method(IndexOptInfo *index, const IndexShape &shape) {
    const IndexAmRoutine *method = GetIndexAmRoutineByAmId(shape.method, false);
    index->relam = shape.method;
    index->amcanorderbyop = method->amcanorderbyop;
    index->amoptionalkey = method->amoptionalkey;
    index->amsearcharray = method->amsearcharray;
    index->amsearchnulls = method->amsearchnulls;
    index->amhasgettuple = method->amgettuple != nullptr;
    index->amhasgetbitmap = method->amgetbitmap != nullptr;
    index->amcanparallel = method->amcanparallel;
    index->amcanmarkpos = method->ammarkpos != nullptr && method->amrestrpos != nullptr;
    index->amcostestimate =
        reinterpret_cast<decltype(index->amcostestimate)>(reinterpret_cast<void *>(method->amcostestimate));
    if (!method->amcanorder || shape.method != BTREE_AM_OID)
        return;
    std::fill_n(index->canreturn, index->ncolumns, true);
    index->sortopfamily = index->opfamily;
    index->reverse_sort = array_of<bool>(shape.key_count);
    index->nulls_first = array_of<bool>(shape.key_count);
    for (int i = 0; i < shape.key_count; ++i) {
        index->reverse_sort[i] = shape.keys[i].descending;
        index->nulls_first[i] = shape.keys[i].nulls_first;
    }
}

} // namespace

IndexOptInfo *of(const IndexShape &shape, RelOptInfo *relation, Oid table) {
    IndexShape own = shape;
    if (shape.relation != table && (!is_partition_of(table, shape.relation) || !index_shape::of_partition(&own, table)))
        return nullptr;
    IndexOptInfo *index = makeNode(IndexOptInfo);
    index->indexoid = shape.oid;
    index->rel = relation;
    index->reltablespace = InvalidOid;
    const IndexSize size = index_size::of(own, table, std::max(1.0, static_cast<double>(relation->tuples)));
    index->pages = static_cast<BlockNumber>(std::min(size.pages, 4e9));
    index->tuples = size.rows;
    index->tree_height = shape.method == BTREE_AM_OID ? size.height : -1;
    add_columns(index, own);
    add_method(index, own);
    index->hypothetical = true;
    index->immediate = true;
    return index;
}

} // namespace dbperf::index_advice::hypothetical_index
