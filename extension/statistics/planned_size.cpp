#include "core/pg.h"

#include "statistics/planned_size.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "statistics/gin_cost.h"
#include "statistics/index_size.h"
#include "statistics/new_index.h"

namespace dbperf::statistics::planned_size {
using namespace core;

namespace {

BlockNumber as_blocks(double pages) {
    return static_cast<BlockNumber>(std::clamp(pages, 0.0, static_cast<double>(MaxBlockNumber)));
}

// Of rows as wide as columns are on average: what the server takes where nobody has counted.
double rows_per_page(Oid relation) {
    Relation opened = table_open(relation, NoLock);
    const int32 width = get_rel_data_width(opened, nullptr) + static_cast<int32>(MAXALIGN(SizeofHeapTupleHeader)) +
                        static_cast<int32>(sizeof(ItemIdData));
    int32 usable = BLCKSZ - static_cast<int32>(SizeOfPageHeaderData);
    if (compat::width_counts_fillfactor)
        usable = usable * RelationGetFillFactor(opened, HEAP_DEFAULT_FILLFACTOR) / 100;
    table_close(opened, NoLock);
    return std::max(usable / std::max(width, 1), 1);
}

void set_table(Oid relation, const ImportedRelation &imported, RelOptInfo *planned) {
    if (OidIsValid(planned->serverid)) { // nobody looks at files of foreign tables
        planned->pages = as_blocks(imported.size.pages);
        planned->tuples = imported.size.rows;
        return;
    }
    double density = 0;
    if (needs_width(imported.size))
        catch_errors([&] { density = rows_per_page(relation); });
    const PlannedSize size = table_size(imported.size, density, imported.has_children);
    planned->pages = as_blocks(size.pages);
    planned->tuples = size.rows;
    planned->allvisfrac = size.visible_fraction;
}

void set_index(const ImportedIndex &imported, const RelOptInfo &table, IndexOptInfo *index) {
    index->pages = as_blocks(imported.size.blocks);
    index->tuples =
        index->indpred == NIL ? table.tuples : std::min(partial_index_rows(imported.size, table.tuples), table.tuples);
    if (index->relam == BTREE_AM_OID)
        index->tree_height = imported.height >= 0
                                 ? imported.height
                                 : btree_height(imported.size.blocks, new_index::key_width(table, *index));
    if (imported.pending_pages >= 0 && index->relam == GIN_AM_OID)
        gin_cost::set(index);
}

// Of indexes that cost the same the planner takes the first one, and they come in the order in which they were made,
// the newest first.
void put_in_order(const ImportedRelation &imported, RelOptInfo *planned) {
    List *known = NIL;
    List *ordered = NIL;
    for (int i = 0; i < list_length(planned->indexlist); ++i) {
        auto *index = static_cast<IndexOptInfo *>(list_nth(planned->indexlist, i));
        const ImportedIndex *found = session_statistics::find_index(imported, index->indexoid);
        if (!found || found->size.blocks < 0) {
            ordered = lappend(ordered, index);
            continue;
        }
        if (!found->valid)
            continue;
        int at = 0;
        while (at < list_length(known) &&
               session_statistics::find_index(imported, static_cast<IndexOptInfo *>(list_nth(known, at))->indexoid)
                       ->position > found->position)
            ++at;
        known = list_insert_nth(known, at, index);
    }
    planned->indexlist = list_concat(ordered, known);
}

} // namespace

void set(PlannerInfo *root, Oid relation, const ImportedRelation &imported, RelOptInfo *planned) {
    const double rows_here = planned->tuples;
    set_table(relation, imported, planned);
    for (int i = 0; i < list_length(planned->indexlist); ++i) {
        auto *index = static_cast<IndexOptInfo *>(list_nth(planned->indexlist, i));
        const ImportedIndex *found = session_statistics::find_index(imported, index->indexoid);
        if (found && found->size.blocks >= 0)
            set_index(*found, *planned, index);
        else
            catch_errors([&] { new_index::set_size(root, planned, rows_here, index); });
        // The planner reads the ends of real indexes where a bound is the first or the last one: those of the data that
        // is here. It leaves hypothetical ones alone, and asks of a btree nothing else by that name.
        if (index->relam == BTREE_AM_OID)
            index->hypothetical = true;
    }
    if (list_length(planned->indexlist) > 1 || !imported.indexes.empty())
        put_in_order(imported, planned);
}

} // namespace dbperf::statistics::planned_size
