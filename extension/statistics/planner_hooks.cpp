#include "core/pg.h"

#include "statistics/planner_hooks.h"

#include "core/compat.h"
#include "core/guard.h"
#include "core/planned_relation.h"
#include "statistics/explain_line.h"
#include "statistics/fine_histogram.h"
#include "statistics/planned_size.h"
#include "statistics/planner_settings.h"
#include "statistics/session_statistics.h"

namespace dbperf::statistics::planner_hooks {
using namespace core;

namespace {

planner_hook_type next_planner = nullptr;
get_relation_stats_hook_type next_relation_stats = nullptr;
get_index_stats_hook_type next_index_stats = nullptr;
get_attavgwidth_hook_type next_average_width = nullptr;

int depth = 0; // of planning: functions are planned while their callers are

template <typename... Arguments>
PlannedStmt *plan(Arguments... arguments) {
    const auto next = next_planner ? next_planner : standard_planner;
    if (!session_statistics::active)
        return next(arguments...);
    if (depth == 0)
        session_statistics::forget_stale();
    PlannedStmt *result = nullptr;
    const int before = depth;
    const int level = planner_settings::apply();
    depth = before + 1;
    with_cleanup([&] { result = next(arguments...); },
                 [before, level] {
                     depth = before;
                     planner_settings::put_back(level);
                 });
    return result;
}

int number_of(const PlannerInfo *root, const RangeTblEntry *entry) {
    for (int i = 1; i < root->simple_rel_array_size; ++i)
        if (root->simple_rte_array[i] == entry)
            return i;
    return 0;
}

// Whether the user may read every row of this column, as selfuncs.c asks before it gives values to functions that might
// let them out: by the table that the query names, which is an ancestor of the partition.
bool may_read_all(PlannerInfo *root, const RangeTblEntry *entry, AttrNumber column) {
    int number = number_of(root, entry);
    if (number == 0)
        return false;
    while (root->append_rel_array && root->append_rel_array[number]) {
        const AppendRelInfo *child = root->append_rel_array[number];
        if (root->simple_rte_array[child->parent_relid]->rtekind != RTE_RELATION)
            break;
        if (column > child->num_child_cols)
            return false;
        column = child->parent_colnos[column - 1];
        if (column == 0)
            return false;
        number = static_cast<int>(child->parent_relid);
    }
    const RangeTblEntry *named = root->simple_rte_array[number];
    if (named->securityQuals != NIL)
        return false;
    const Oid user = compat::reader_of(root, number);
    return pg_class_aclcheck(named->relid, user, ACL_SELECT) == ACLCHECK_OK ||
           pg_attribute_aclcheck(named->relid, column, user, ACL_SELECT) == ACLCHECK_OK;
}

// For comparisons that reach an end of the column; palloc'd. Null for all others. An error of a function in one of them
// is the statement's own: the planner evaluates it, too. `variable` need not be filled (brincostestimate), so its
// relation is believed only if it is the entry's.
HeapTuple for_its_ends(PlannerInfo *root, const VariableStatData &variable, const RangeTblEntry &entry,
                       AttrNumber number, HeapTuple tuple) {
    HeapTuple fine = nullptr;
    const RelOptInfo *table = root->simple_rel_array[number_of(root, &entry)];
    if (table && table == variable.rel && tuple && fine_histogram::is_needed(root, table, number, tuple))
        catch_errors([&] { fine = fine_histogram::of(tuple, table->tuples); });
    return fine;
}

// A copy: what is kept may go before the planner has read it.
void give(VariableStatData *variable, HeapTuple tuple, HeapTuple made = nullptr) {
    variable->statsTuple = made ? made : tuple ? heap_copytuple(tuple) : nullptr;
    variable->freefunc = heap_freetuple;
}

// The same with statistics of the catalog; false if they do as they are.
bool give_for_ends(PlannerInfo *root, const RangeTblEntry &entry, AttrNumber number, VariableStatData *variable) {
    HeapTuple tuple =
        SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(entry.relid), Int16GetDatum(number), BoolGetDatum(entry.inh));
    if (!HeapTupleIsValid(tuple))
        return false;
    HeapTuple fine = for_its_ends(root, *variable, entry, number, tuple);
    ReleaseSysCache(tuple);
    if (fine)
        give(variable, nullptr, fine);
    return fine != nullptr;
}

bool relation_stats(PlannerInfo *root, RangeTblEntry *entry, AttrNumber number, VariableStatData *variable) {
    if (session_statistics::active && entry->rtekind == RTE_RELATION && number > 0) {
        const ImportedRelation *imported = session_statistics::find(entry->relid);
        const ImportedColumn *column =
            imported ? session_statistics::find_column(imported->columns, number, entry->inh) : nullptr;
        if (imported && !imported->in_catalogs && !(column && column->missing)) {
            HeapTuple tuple = column ? column->tuple : nullptr;
            give(variable, tuple, for_its_ends(root, *variable, *entry, number, tuple));
            variable->acl_ok = !variable->statsTuple || may_read_all(root, entry, number);
            return true;
        }
        if (imported && imported->in_catalogs && give_for_ends(root, *entry, number, variable)) {
            variable->acl_ok = may_read_all(root, entry, number);
            return true;
        }
    }
    return next_relation_stats && next_relation_stats(root, entry, number, variable);
}

bool is_partial(Oid index) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple))
        return false;
    const bool partial = !heap_attisnull(tuple, Anum_pg_index_indpred, nullptr);
    ReleaseSysCache(tuple);
    return partial;
}

bool index_stats(PlannerInfo *root, Oid index, AttrNumber number, VariableStatData *variable) {
    const Oid relation = session_statistics::active ? IndexGetRelation(index, true) : InvalidOid;
    const ImportedRelation *imported = OidIsValid(relation) ? session_statistics::find(relation) : nullptr;
    if (imported && !imported->in_catalogs) {
        const ImportedIndex *known = session_statistics::find_index(*imported, index);
        const ImportedColumn *column = known ? session_statistics::find_column(known->columns, number, false) : nullptr;
        if (!(column && column->missing)) {
            // For a variable the statistics of partial indexes do not count; for costs they do.
            give(variable, column && !(variable->var && is_partial(index)) ? column->tuple : nullptr);
            variable->acl_ok =
                !variable->statsTuple || pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
            return true;
        }
    }
    return next_index_stats && next_index_stats(root, index, number, variable);
}

int32 average_width(Oid relation, AttrNumber number) {
    const ImportedRelation *imported = session_statistics::active ? session_statistics::find(relation) : nullptr;
    if (imported && !imported->in_catalogs && number > 0) {
        const ImportedColumn *column = session_statistics::find_column(imported->columns, number, false);
        if (column && column->tuple)
            return reinterpret_cast<Form_pg_statistic>(GETSTRUCT(column->tuple))->stawidth;
        Oid type = InvalidOid;
        int32 modifier = -1;
        Oid collation = InvalidOid;
        if (!(column && column->missing) && get_attname(relation, number, true)) {
            get_atttypetypmodcoll(relation, number, &type, &modifier, &collation);
            return get_typavgwidth(type, modifier);
        }
    }
    return next_average_width ? next_average_width(relation, number) : 0;
}

void planned_relation(PlannerInfo *root, Oid relation, bool is_parent, RelOptInfo *planned) {
    if (!session_statistics::active)
        return;
    const ImportedRelation *imported = session_statistics::find(relation);
    if (!imported)
        return;
    ++session_statistics::uses;
    if (!is_parent && imported->has_size)
        planned_size::set(root, relation, *imported, planned);
}

} // namespace

void install_once() {
    next_planner = planner_hook;
    planner_hook = plan;
    next_relation_stats = get_relation_stats_hook;
    get_relation_stats_hook = relation_stats;
    next_index_stats = get_index_stats_hook;
    get_index_stats_hook = index_stats;
    next_average_width = get_attavgwidth_hook;
    get_attavgwidth_hook = average_width;
    planned_relation::visit_at(planned_relation::Turn::sizes, planned_relation);
    explain_line::install();
}

} // namespace dbperf::statistics::planner_hooks
