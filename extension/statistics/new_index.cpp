#include "core/pg.h"

#include "statistics/new_index.h"

#include <algorithm>
#include <cmath>

#include "core/guard.h"
#include "statistics/index_size.h"
#include "statistics/session_statistics.h"

namespace dbperf::statistics::new_index {
using namespace core;

namespace {

// Of expressions: those of the index, in their order.
Oid type_of(const IndexOptInfo &index, int column, Oid relation, int32 *modifier) {
    const int number = index.indexkeys[column];
    Oid type = InvalidOid;
    Oid collation = InvalidOid;
    *modifier = -1;
    if (number > 0) {
        get_atttypetypmodcoll(relation, static_cast<AttrNumber>(number), &type, modifier, &collation);
        return type;
    }
    int expression = 0;
    for (int i = 0; i < column; ++i)
        expression += index.indexkeys[i] == 0;
    if (number == 0 && expression < list_length(index.indexprs)) {
        auto *node = static_cast<Node *>(list_nth(index.indexprs, expression));
        *modifier = exprTypmod(node);
        return exprType(node);
    }
    return INT8OID;
}

double column_width(const IndexOptInfo &index, int column, Oid relation) {
    const int number = index.indexkeys[column];
    if (number > 0) {
        const int32 width = get_attavgwidth(relation, static_cast<AttrNumber>(number));
        if (width > 0)
            return width;
    }
    int32 modifier = -1;
    const Oid type = type_of(index, column, relation, &modifier);
    return get_typavgwidth(type, modifier);
}

double aligned_to(double offset, char alignment) {
    const double unit = alignment == TYPALIGN_DOUBLE  ? 8
                        : alignment == TYPALIGN_INT   ? 4
                        : alignment == TYPALIGN_SHORT ? 2
                                                      : 1;
    return std::ceil(offset / unit) * unit;
}

// Rows of each value, by pg_statistic: negative is a share of the rows.
double distinct_of(Oid relation, int number, double rows) {
    if (number <= 0)
        return rows;
    float4 stored = 0;
    const ImportedRelation *imported = session_statistics::find(relation);
    if (imported && !imported->in_catalogs) {
        const ImportedColumn *column =
            session_statistics::find_column(imported->columns, static_cast<AttrNumber>(number), false);
        if (column && column->tuple)
            stored = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(column->tuple))->stadistinct;
    } else {
        HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
                                          Int16GetDatum(static_cast<int16>(number)), BoolGetDatum(false));
        if (HeapTupleIsValid(tuple)) {
            stored = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple))->stadistinct;
            ReleaseSysCache(tuple);
        }
    }
    const auto distinct = static_cast<double>(stored);
    if (distinct == 0)
        return rows;
    return distinct > 0 ? distinct : -distinct * rows;
}

// The planner has not put the relation into its array yet; what estimates selectivity looks for it there.
double rows_of(PlannerInfo *root, RelOptInfo *table, const IndexOptInfo &index) {
    if (index.indpred == NIL)
        return table->tuples;
    RelOptInfo *before = root->simple_rel_array[table->relid];
    double share = 1;
    root->simple_rel_array[table->relid] = table;
    with_cleanup([&] { share = clauselist_selectivity(root, index.indpred, 0, JOIN_INNER, nullptr); },
                 [&] { root->simple_rel_array[table->relid] = before; });
    return std::rint(table->tuples * share);
}

Oid relation_of(const IndexOptInfo &index) {
    return IndexGetRelation(index.indexoid, false);
}

void set_btree(const RelOptInfo &table, double rows, IndexOptInfo *index) {
    const Oid relation = relation_of(*index);
    Relation opened = index_open(index->indexoid, NoLock);
    BtreeKey key{};
    key.rows = rows;
    key.width = key_width(table, *index);
    key.fill = BTGetFillFactor(opened) / 100.0;
    key.deduplicates = !index->unique && BTGetDeduplicateItems(opened) && index->ncolumns == index->nkeycolumns &&
                       _bt_allequalimage(opened, false);
    index_close(opened, NoLock);
    key.distinct = 1;
    for (int i = 0; i < index->nkeycolumns && key.distinct < rows; ++i)
        key.distinct *= std::max(distinct_of(relation, index->indexkeys[i], table.tuples), 1.0);
    if (index->unique || key.distinct > rows)
        key.distinct = rows;
    const BtreeSize size = btree_size(key);
    index->pages = static_cast<BlockNumber>(std::min(size.pages, static_cast<double>(MaxBlockNumber)));
    index->tree_height = size.height;
}

} // namespace

double key_width(const RelOptInfo &table, const IndexOptInfo &index) {
    (void)table;
    const Oid relation = relation_of(index);
    double width = 0;
    for (int i = 0; i < index.ncolumns; ++i) {
        int32 modifier = -1;
        int16 length = 0;
        bool by_value = false;
        char alignment = TYPALIGN_CHAR;
        get_typlenbyvalalign(type_of(index, i, relation, &modifier), &length, &by_value, &alignment);
        const double own = column_width(index, i, relation);
        // Short texts have a header of one byte and are not aligned.
        width = aligned_to(width, length > 0 || own > 127 ? alignment : TYPALIGN_CHAR) + own;
    }
    return width;
}

void set_size(PlannerInfo *root, RelOptInfo *table, double rows_here, IndexOptInfo *index) {
    const double rows = rows_of(root, table, *index);
    const double tuples_here = index->tuples;
    index->tuples = std::min(rows, table->tuples);
    if (index->relam == BTREE_AM_OID) {
        set_btree(*table, index->tuples, index);
        return;
    }
    // Of other kinds each row is believed to take what it takes here.
    const double here = index->indpred == NIL ? rows_here : tuples_here;
    if (here > 0)
        index->pages = static_cast<BlockNumber>(
            std::clamp(std::ceil(index->pages * (index->tuples / here)), 1.0, static_cast<double>(MaxBlockNumber)));
}

} // namespace dbperf::statistics::new_index
