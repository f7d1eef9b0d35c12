#include "core/pg.h"

#include "statistics/gin_cost.h"

#include "core/compat.h"
#include "statistics/session_statistics.h"

namespace dbperf::statistics::gin_cost {
using namespace core;

namespace {

// Pages of the list that the server has counted already.
double pending_here(const IndexOptInfo &index) {
    GinStatsData stats;
    Relation opened = index_open(index.indexoid, NoLock);
    ginGetStats(opened, &stats);
    index_close(opened, NoLock);
    return stats.nPendingPages < index.pages ? stats.nPendingPages : 0;
}

void estimate(PlannerInfo *root, IndexPath *path, double loops, Cost *startup, Cost *total, Selectivity *selectivity,
              double *correlation, double *pages) {
    gincostestimate(root, path, loops, startup, total, selectivity, correlation, pages);
    const IndexOptInfo &index = *path->indexinfo;
    const Oid relation = IndexGetRelation(index.indexoid, true);
    const ImportedRelation *imported = OidIsValid(relation) ? session_statistics::find(relation) : nullptr;
    const ImportedIndex *found = imported ? session_statistics::find_index(*imported, index.indexoid) : nullptr;
    // No cost: nothing matches, so that the list is not read either.
    if (!found || found->pending_pages < 0 || found->pending_pages >= index.pages || *total <= 0)
        return;
    double page_cost = 0;
    get_tablespace_page_costs(index.reltablespace, &page_cost, nullptr);
    // In a loop the same pages are read again, mostly from memory.
    const Cost added = (found->pending_pages - pending_here(index)) * page_cost / (loops > 1 ? loops : 1);
    *startup += added;
    *total += added;
}

} // namespace

void set(IndexOptInfo *index) {
    compat::set_index_cost(index, estimate);
}

} // namespace dbperf::statistics::gin_cost
