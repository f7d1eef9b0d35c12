// First the filters of the outermost level that compare the column itself with the key, then filters of other forms,
// then conditions anywhere below it.
#include "core/pg.h"

#include "suggestions/rewrite_key.h"

#include "core/compat.h"
#include "suggestions/rewrite_form.h"
#include "suggestions/rewrite_tree.h"
#include "lookups/equality.h"

namespace dbperf::suggestions::rewrite {
using namespace core;
using namespace lookups;

namespace {

struct Search {
    List *levels; // queries around the place, innermost first
    const char *wanted;
    Key *key;
    List **equated; // of OIDs: column, operator and collation in turn
    struct Bounds *bounds;
};

// A comparison for equality, its sides sorted out.
struct Comparison {
    Oid operation;
    Oid collation;
    const Node *column;
    const Node *value;
    bool with_list;
};

const RangeTblEntry *table_of(const Search &search, const Node *node) {
    if (!node || !IsA(node, Var))
        return nullptr;
    const Var *var = reinterpret_cast<const Var *>(node);
    if (var->varattno <= 0 || static_cast<int>(var->varlevelsup) >= list_length(search.levels))
        return nullptr;
    const auto *query = static_cast<const Query *>(list_nth(search.levels, static_cast<int>(var->varlevelsup)));
    const RangeTblEntry *entry = rt_fetch(var->varno, query->rtable);
    return entry->rtekind == RTE_RELATION ? entry : nullptr;
}

bool split(const Search &search, const Node *node, Comparison *comparison) {
    if (IsA(node, OpExpr)) {
        const OpExpr *expression = reinterpret_cast<const OpExpr *>(node);
        if (list_length(expression->args) != 2 || !is_named_equality(expression->opno))
            return false;
        const auto *left = static_cast<const Node *>(linitial(expression->args));
        const auto *right = static_cast<const Node *>(lsecond(expression->args));
        *comparison = {expression->opno, expression->inputcollid, left, right, false};
        if (table_of(search, without_relabel(left)))
            return true;
        comparison->operation = get_commutator(expression->opno);
        comparison->column = right;
        comparison->value = left;
        return table_of(search, without_relabel(right)) && OidIsValid(comparison->operation);
    }
    if (IsA(node, ScalarArrayOpExpr)) {
        const ScalarArrayOpExpr *expression = reinterpret_cast<const ScalarArrayOpExpr *>(node);
        *comparison = {expression->opno, expression->inputcollid, static_cast<const Node *>(linitial(expression->args)),
                       static_cast<const Node *>(lsecond(expression->args)), true};
        return expression->useOr && is_named_equality(expression->opno) &&
               table_of(search, without_relabel(comparison->column));
    }
    return false;
}

// ARRAY[$1], the list of one element.
const Param *element_of(const Node *node) {
    const Node *inner = without_relabel(node);
    if (!inner || !IsA(inner, ArrayExpr))
        return nullptr;
    const ArrayExpr *array = reinterpret_cast<const ArrayExpr *>(inner);
    return !array->multidims && list_length(array->elements) == 1
               ? parameter_of(static_cast<const Node *>(linitial(array->elements)))
               : nullptr;
}

bool take(const Search &search, const Node *node, bool is_filter) {
    Comparison comparison;
    if (!split(search, node, &comparison))
        return false;
    const auto *column = reinterpret_cast<const Var *>(without_relabel(comparison.column));
    const RangeTblEntry *table = table_of(search, without_relabel(comparison.column));
    const char *name = get_attname(table->relid, column->varattno, true);
    if (!name || !is_wanted(search.wanted, table->relid, table->eref->aliasname, name))
        return false;
    Key key{};
    key.is_filter = is_filter;
    const Param *parameter = parameter_of(comparison.value);
    const Param *element = comparison.with_list ? element_of(comparison.value) : nullptr;
    if (parameter && comparison.with_list) {
        // A list that the text only hints at was of several elements.
        if (IsA(comparison.value, RelabelType))
            return false;
        key.type = get_base_element_type(parameter->paramtype);
        key.is_list = true;
    } else if (parameter || element) {
        key.type = (parameter ? parameter : element)->paramtype;
    } else {
        auto *value = const_cast<Node *>(comparison.value);
        const int only = reads_columns(value) ? 0 : only_parameter(value);
        if (is_filter || only == 0)
            return false;
        key.parameter = only;
    }
    if (parameter || element)
        key.parameter = (parameter ? parameter : element)->paramid;
    key.column = column;
    key.relation = table->relid;
    key.name = name;
    // f(key) may be one value for several keys.
    key.picked = parameter || element ? Picked::by_one : Picked::by_several;
    if (is_filter) {
        key.filter = node;
        key.operation = comparison.operation;
        key.collation = comparison.collation;
        key.operand = comparison.column;
    }
    *search.key = key;
    return true;
}

bool visit_condition(const Search &search, const Node *node, bool (*visit)(const Search &, const Node *, bool)) {
    if (!node)
        return false;
    if (IsA(node, BoolExpr) && reinterpret_cast<const BoolExpr *>(node)->boolop == AND_EXPR) {
        ListCell *cell;
        foreach (cell, reinterpret_cast<const BoolExpr *>(node)->args)
            if (visit_condition(search, static_cast<const Node *>(lfirst(cell)), visit))
                return true;
        return false;
    }
    return visit(search, node, true);
}

bool visit_joins(const Search &search, const Node *node, bool (*visit)(const Search &, const Node *, bool)) {
    if (IsA(node, FromExpr)) {
        const FromExpr *from = reinterpret_cast<const FromExpr *>(node);
        if (visit_condition(search, from->quals, visit))
            return true;
        ListCell *cell;
        foreach (cell, from->fromlist)
            if (visit_joins(search, static_cast<const Node *>(lfirst(cell)), visit))
                return true;
    } else if (IsA(node, JoinExpr)) {
        const JoinExpr *join = reinterpret_cast<const JoinExpr *>(node);
        // Below the side that an outer join fills up, a condition does not take rows away.
        return (join->jointype == JOIN_INNER && visit_condition(search, join->quals, visit)) ||
               ((join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT) &&
                visit_joins(search, join->larg, visit)) ||
               ((join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT) &&
                visit_joins(search, join->rarg, visit));
    }
    return false;
}

// A condition in any form that picks rows by the column.
bool take_form(const Search &search, const Node *node, bool is_filter) {
    if (search.levels == NIL)
        return false;
    Form form{};
    if (!form_of(static_cast<const Query *>(linitial(search.levels)), node, search.wanted, &form))
        return false;
    Key key{};
    key.parameter = form.parameter->paramid;
    key.type = form.with_list ? get_base_element_type(form.parameter->paramtype) : form.parameter->paramtype;
    key.is_list = form.with_list;
    key.relation = form.relation;
    key.name = form.name;
    key.companions = form.companions;
    key.picked = Picked::by_several;
    key.is_filter = is_filter;
    if (!OidIsValid(key.type))
        return false;
    *search.key = key;
    return true;
}

bool visit_everywhere(Node *node, void *argument) {
    auto *search = static_cast<Search *>(argument);
    if (!node)
        return false;
    if (IsA(node, Query)) {
        search->levels = lcons(node, search->levels);
        const bool found = compat::walk_query(reinterpret_cast<Query *>(node), visit_everywhere, argument);
        search->levels = list_delete_first(search->levels);
        return found;
    }
    return take(*search, node, false) || take_form(*search, node, false) ||
           compat::walk_expression(node, visit_everywhere, argument);
}

// A bound of a range over the wanted column: column >= parameter, column <= parameter, or the other way round.
struct Bound {
    const OpExpr *expression;
    const Node *column;
    const Param *parameter;
    int strategy;
    Oid equality;
};

bool bound_of(const Search &search, const Node *node, Bound *bound) {
    if (!IsA(node, OpExpr) || list_length(reinterpret_cast<const OpExpr *>(node)->args) != 2)
        return false;
    bound->expression = reinterpret_cast<const OpExpr *>(node);
    Oid operation = bound->expression->opno;
    const auto *left = static_cast<const Node *>(linitial(bound->expression->args));
    const auto *right = static_cast<const Node *>(lsecond(bound->expression->args));
    if (!table_of(search, without_relabel(left))) {
        std::swap(left, right);
        operation = get_commutator(operation);
    }
    const RangeTblEntry *table = table_of(search, without_relabel(left));
    bound->parameter = parameter_of(right);
    if (!table || !bound->parameter || !OidIsValid(operation))
        return false;
    const char *name = get_attname(table->relid, reinterpret_cast<const Var *>(without_relabel(left))->varattno, true);
    if (!name || !is_wanted(search.wanted, table->relid, table->eref->aliasname, name))
        return false;
    bound->column = left;
    ListCell *cell;
    foreach (cell, compat::order_meanings(operation)) {
        const auto *meaning = static_cast<const compat::OrderMeaning *>(lfirst(cell));
        const int strategy = compat::strategy_of(meaning);
        if (strategy != BTGreaterEqualStrategyNumber && strategy != BTLessEqualStrategyNumber)
            continue;
        bound->strategy = strategy;
        bound->equality =
            get_opfamily_member(meaning->opfamily_id, meaning->oplefttype, meaning->oprighttype, BTEqualStrategyNumber);
        if (OidIsValid(bound->equality))
            return true;
    }
    return false;
}

struct Bounds {
    Bound first;
    Bound second;
};

bool note_bound(const Search &search, const Node *node, bool) {
    Bounds *bounds = search.bounds;
    Bound bound{};
    if (!bound_of(search, node, &bound))
        return false;
    if (!bounds->first.expression)
        bounds->first = bound;
    else if (bound.strategy != bounds->first.strategy && equal(bound.column, bounds->first.column) &&
             bound.parameter->paramtype == bounds->first.parameter->paramtype)
        bounds->second = bound;
    return bounds->second.expression != nullptr;
}

// Notes the columns of the key's table that are compared with a value.
bool note_equated(const Search &search, const Node *node, bool) {
    Comparison comparison;
    if (split(search, node, &comparison) && !reads_columns(const_cast<Node *>(comparison.value)) &&
        (!comparison.with_list || node == search.key->filter)) {
        const auto *column = reinterpret_cast<const Var *>(without_relabel(comparison.column));
        if (column->varno == search.key->column->varno && column->varlevelsup == 0) {
            *search.equated = lappend_oid(*search.equated, static_cast<Oid>(column->varattno));
            *search.equated = lappend_oid(*search.equated, comparison.operation);
            *search.equated = lappend_oid(*search.equated, comparison.collation);
        }
    }
    return false;
}

bool is_equated(const List *columns, AttrNumber number, Oid family, Oid collation) {
    for (int i = 0; i + 2 < list_length(columns); i += 3)
        if (list_nth_oid(columns, i) == static_cast<Oid>(number) &&
            op_in_opfamily(list_nth_oid(columns, i + 1), family) &&
            (!OidIsValid(collation) || list_nth_oid(columns, i + 2) == collation))
            return true;
    return false;
}

bool is_decided_by(Oid index_oid, const List *columns) {
    Relation index = index_open(index_oid, AccessShareLock);
    const FormData_pg_index *form = index->rd_index;
    bool decided = form->indisunique && form->indisvalid && form->indimmediate &&
                   heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
    for (int i = 0; decided && i < form->indnkeyatts; ++i)
        decided = is_equated(columns, form->indkey.values[i], index->rd_opfamily[i], index->rd_indcollation[i]);
    index_close(index, AccessShareLock);
    return decided;
}

} // namespace

Key find_key(Query *query, const char *key_column) {
    Key key{};
    Search search{list_make1(query), key_column, &key, nullptr, nullptr};
    const auto *conditions = reinterpret_cast<const Node *>(query->jointree);
    if (visit_joins(search, conditions, take) || visit_joins(search, conditions, take_form))
        return key;
    search.levels = NIL;
    if (visit_everywhere(reinterpret_cast<Node *>(query), &search))
        return key;
    if (!key_column)
        key.parameter = only_parameter(reinterpret_cast<Node *>(query));
    return key;
}

Query *with_equal_bounds(Query *query, const char *key_column) {
    if (!key_column)
        return query;
    Key key{};
    Bounds bounds{};
    const Search search{list_make1(query), key_column, &key, nullptr, &bounds};
    const auto *conditions = reinterpret_cast<const Node *>(query->jointree);
    if (visit_joins(search, conditions, take) || !visit_joins(search, conditions, note_bound))
        return query;
    auto *equality = makeNode(OpExpr);
    equality->opno = bounds.first.equality;
    equality->opfuncid = get_opcode(equality->opno);
    equality->opresulttype = BOOLOID;
    equality->inputcollid = bounds.first.expression->inputcollid;
    equality->args = list_make2(copyObjectImpl(bounds.first.column), copyObjectImpl(bounds.first.parameter));
    equality->location = -1;
    auto *before = reinterpret_cast<const Node *>(bounds.first.expression);
    auto *after = reinterpret_cast<const Node *>(bounds.second.expression);
    return without_condition(query, before, reinterpret_cast<Node *>(equality), after);
}

bool finds_one_row(Query *query, const Key &key) {
    if (!key.filter || list_length(query->jointree->fromlist) != 1 ||
        !IsA(linitial(query->jointree->fromlist), RangeTblRef) || get_rel_relkind(key.relation) != RELKIND_RELATION ||
        has_subclass(key.relation))
        return false;
    Key copy = key;
    List *equated = NIL;
    const Search search{list_make1(query), nullptr, &copy, &equated, nullptr};
    visit_joins(search, reinterpret_cast<const Node *>(query->jointree), note_equated);
    Relation table = table_open(key.relation, AccessShareLock);
    bool one = false;
    ListCell *cell;
    foreach (cell, RelationGetIndexList(table))
        one = one || is_decided_by(lfirst_oid(cell), equated);
    table_close(table, AccessShareLock);
    return one;
}

} // namespace dbperf::suggestions::rewrite
