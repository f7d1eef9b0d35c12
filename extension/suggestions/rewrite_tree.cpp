// Walkers, mutators and constructors over Query trees of all supported versions.
#include "core/pg.h"

#include "suggestions/rewrite_tree.h"

#include "core/compat.h"

namespace dbperf::suggestions::rewrite {
using namespace core;

namespace {

constexpr std::string_view list_marker = " /*, ... */";

struct Uses {
    int *uses;
    int count;
    int lowest;
    int highest;
    bool columns;
};

bool visit_uses(Node *node, void *argument) {
    auto *uses = static_cast<Uses *>(argument);
    if (!node)
        return false;
    if (IsA(node, Query))
        return compat::walk_query(reinterpret_cast<Query *>(node), visit_uses, argument);
    if (IsA(node, Var))
        uses->columns = true;
    if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN) {
        const int number = reinterpret_cast<Param *>(node)->paramid;
        if (uses->lowest == 0 || number < uses->lowest)
            uses->lowest = number;
        if (number > uses->highest)
            uses->highest = number;
        if (number <= uses->count)
            ++uses->uses[number - 1];
    }
    return compat::walk_expression(node, visit_uses, argument);
}

bool is_volatile(Oid function, void *least) {
    return function >= *static_cast<Oid *>(least) && func_volatile(function) == PROVOLATILE_VOLATILE;
}

bool visit_volatile(Node *node, void *least) {
    if (!node)
        return false;
    if (check_functions_in_node(node, is_volatile, least))
        return true;
    if (IsA(node, Query))
        return compat::walk_query(reinterpret_cast<Query *>(node), visit_volatile, least);
    return compat::walk_expression(node, visit_volatile, least);
}

struct Target {
    const RangeTblEntry *entry;
};

bool visit_target(Node *node, void *argument) {
    if (!node || !IsA(node, Query))
        return node && compat::walk_expression(node, visit_target, argument);
    Query *query = reinterpret_cast<Query *>(node);
    const auto *target = static_cast<const Target *>(argument);
    ListCell *cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);
        // ON CONFLICT's row `excluded` has the table's OID and the look of a composite type.
        if (entry != target->entry && entry->rtekind == RTE_RELATION && entry->relid == target->entry->relid &&
            entry->relkind != RELKIND_COMPOSITE_TYPE)
            return true;
    }
    return compat::walk_query(query, visit_target, argument);
}

bool visit_sorting(Node *node, void *context) {
    if (!node)
        return false;
    if (IsA(node, Query))
        return compat::walk_query(reinterpret_cast<Query *>(node), visit_sorting, context);
    if (IsA(node, TargetEntry)) {
        const TargetEntry *target = reinterpret_cast<const TargetEntry *>(node);
        if (target->ressortgroupref != 0 && parameter_of(reinterpret_cast<const Node *>(target->expr)))
            return true;
    }
    return compat::walk_expression(node, visit_sorting, context);
}

Node *mutate(Node *node, void *argument) {
    auto *replacement = static_cast<Replacement *>(argument);
    if (!node)
        return nullptr;
    Node *found = nullptr;
    if (node == replacement->whole)
        found = replacement->instead;
    else if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN)
        found = replacement->parameters[reinterpret_cast<Param *>(node)->paramid - 1];
    if (found) {
        Node *copy = static_cast<Node *>(copyObjectImpl(found));
        // The whole expression was of this tree, its columns are where they were.
        if (node != replacement->whole && replacement->depth > 0)
            IncrementVarSublevelsUp(copy, replacement->depth, 0);
        return copy;
    }
    if (IsA(node, Query)) {
        ++replacement->depth;
        Query *copy = compat::mutate_query(reinterpret_cast<Query *>(node), mutate, argument);
        --replacement->depth;
        return reinterpret_cast<Node *>(copy);
    }
    return compat::mutate_expression(node, mutate, argument);
}

bool visit_parameters(Node *node, void *argument) {
    if (!node)
        return false;
    if (IsA(node, Query))
        return compat::walk_query(reinterpret_cast<Query *>(node), visit_parameters, argument);
    if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN) {
        auto *found = static_cast<List **>(argument);
        *found = lappend(*found, node);
    }
    return compat::walk_expression(node, visit_parameters, argument);
}

struct ColumnsOf {
    int entry;
    int level;
    const List *columns;
};

bool visit_columns(Node *node, void *argument) {
    auto *search = static_cast<ColumnsOf *>(argument);
    if (!node)
        return false;
    if (IsA(node, Query)) {
        ++search->level;
        const bool found = compat::walk_query(reinterpret_cast<Query *>(node), visit_columns, argument);
        --search->level;
        return found;
    }
    if (IsA(node, Var)) {
        const Var *var = reinterpret_cast<const Var *>(node);
        return static_cast<int>(var->varlevelsup) == search->level && static_cast<int>(var->varno) == search->entry &&
               (var->varattno <= 0 || list_member_int(search->columns, var->varattno));
    }
    return compat::walk_expression(node, visit_columns, argument);
}

struct Removal {
    const Node *replaced;
    Node *instead;
    const Node *removed;
};

Node *remove_condition(Node *node, void *argument) {
    auto *removal = static_cast<Removal *>(argument);
    if (!node)
        return nullptr;
    if (node == removal->replaced)
        return removal->instead;
    if (node == removal->removed)
        return makeBoolConst(true, false);
    if (IsA(node, Query))
        return reinterpret_cast<Node *>(
            compat::mutate_query(reinterpret_cast<Query *>(node), remove_condition, argument));
    if (IsA(node, BoolExpr) && reinterpret_cast<BoolExpr *>(node)->boolop == AND_EXPR) {
        List *left = NIL;
        ListCell *cell;
        foreach (cell, reinterpret_cast<BoolExpr *>(node)->args)
            if (lfirst(cell) != removal->removed)
                left = lappend(left, remove_condition(static_cast<Node *>(lfirst(cell)), argument));
        return list_length(left) == 1 ? static_cast<Node *>(linitial(left))
                                      : reinterpret_cast<Node *>(makeBoolExpr(AND_EXPR, left, -1));
    }
    return compat::mutate_expression(node, remove_condition, argument);
}

struct Lists {
    std::string_view text;
    int handled;
};

const Param *collapsed(const Node *node, std::string_view text) {
    const Param *parameter = parameter_of(node);
    if (!parameter || parameter->location < 0 || static_cast<size_t>(parameter->location) >= text.size() ||
        text[static_cast<size_t>(parameter->location)] != '$')
        return nullptr;
    size_t end = static_cast<size_t>(parameter->location) + 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9')
        ++end;
    return text.find(list_marker, end) == end ? parameter : nullptr;
}

Node *expand_list(Node *node, void *argument) {
    auto *lists = static_cast<Lists *>(argument);
    if (!node)
        return nullptr;
    if (IsA(node, Query))
        return reinterpret_cast<Node *>(compat::mutate_query(reinterpret_cast<Query *>(node), expand_list, argument));
    if (IsA(node, OpExpr) && list_length(reinterpret_cast<OpExpr *>(node)->args) == 2) {
        auto *expression = reinterpret_cast<OpExpr *>(node);
        const Param *parameter = collapsed(static_cast<Node *>(lsecond(expression->args)), lists->text);
        const char *name = parameter ? get_opname(expression->opno) : nullptr;
        const bool any = name && strcmp(name, "=") == 0;
        Node *array = any || (name && strcmp(name, "<>") == 0)
                          ? array_parameter(parameter->paramid, parameter->paramtype)
                          : nullptr;
        if (array) {
            ++lists->handled;
            auto *made = makeNode(ScalarArrayOpExpr);
            made->opno = expression->opno;
            made->opfuncid = expression->opfuncid;
            made->useOr = any;
            made->inputcollid = expression->inputcollid;
            made->args = list_make2(expand_list(static_cast<Node *>(linitial(expression->args)), argument), array);
            made->location = -1;
            return reinterpret_cast<Node *>(made);
        }
    }
    return compat::mutate_expression(node, expand_list, argument);
}

} // namespace

const Node *without_relabel(const Node *node) {
    while (node && IsA(node, RelabelType))
        node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
    return node;
}

const Param *parameter_of(const Node *node) {
    const Node *inner = without_relabel(node);
    if (!inner || !IsA(inner, Param))
        return nullptr;
    const Param *parameter = reinterpret_cast<const Param *>(inner);
    return parameter->paramkind == PARAM_EXTERN ? parameter : nullptr;
}

int only_parameter(Node *tree) {
    Uses uses{};
    visit_uses(tree, &uses);
    return uses.lowest == uses.highest ? uses.lowest : 0;
}

List *parameters_within(Node *tree) {
    List *found = NIL;
    visit_parameters(tree, &found);
    List *numbers = NIL;
    ListCell *cell;
    foreach (cell, found)
        numbers = list_append_unique_int(numbers, static_cast<const Param *>(lfirst(cell))->paramid);
    return numbers;
}

const Param *parameter_within(Node *tree) {
    List *found = NIL;
    visit_parameters(tree, &found);
    return list_length(parameters_within(tree)) == 1 ? static_cast<const Param *>(linitial(found)) : nullptr;
}

void count_parameters(Query *query, int *counts, int count) {
    Uses uses{};
    uses.uses = counts;
    uses.count = count;
    visit_uses(reinterpret_cast<Node *>(query), &uses);
}

int distinct_parameters(const int *uses, int count) {
    int distinct = 0;
    for (int i = 0; i < count; ++i)
        distinct += uses[i] > 0;
    return distinct;
}

bool reads_columns(Node *tree) {
    Uses uses{};
    visit_uses(tree, &uses);
    return uses.columns;
}

bool reads_any_of(Node *tree, int entry, const List *columns) {
    ColumnsOf search{entry, 0, columns};
    return visit_columns(tree, &search);
}

bool calls_volatile(Query *query, Oid least) {
    return visit_volatile(reinterpret_cast<Node *>(query), &least);
}

bool reads_target(Query *query) {
    Target target{rt_fetch(query->resultRelation, query->rtable)};
    return visit_target(reinterpret_cast<Node *>(query), &target);
}

bool sorts_by_parameter(Query *query) {
    return visit_sorting(reinterpret_cast<Node *>(query), nullptr);
}

Node *scalar_parameter(int number, Oid type) {
    Param *made = makeNode(Param);
    made->paramkind = PARAM_EXTERN;
    made->paramid = number;
    made->paramtype = type;
    made->paramtypmod = -1;
    made->paramcollid = get_typcollation(type);
    made->location = -1;
    return reinterpret_cast<Node *>(made);
}

Node *array_parameter(int number, Oid element) {
    const Oid type = get_array_type(getBaseType(element));
    if (!OidIsValid(type))
        return nullptr;
    auto *parameter = reinterpret_cast<Expr *>(scalar_parameter(number, type));
    // A cast to its own type, so that the statement names it.
    return reinterpret_cast<Node *>(makeRelabelType(parameter, type, -1, get_typcollation(type), COERCE_EXPLICIT_CAST));
}

Var *column_of_entry(int entry, int column, Oid type) {
    return makeVar(entry, static_cast<AttrNumber>(column), type, -1, get_typcollation(type), 0);
}

RangeTblEntry *unnest_entry(const char *alias, List *arrays, List *names, bool with_ordinality) {
    RangeTblEntry *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_FUNCTION;
    ListCell *cell;
    foreach (cell, arrays) {
        Node *array = static_cast<Node *>(lfirst(cell));
        const Oid element = get_element_type(exprType(array));
        RangeTblFunction *function = makeNode(RangeTblFunction);
        auto *call = makeFuncExpr(F_UNNEST_ANYARRAY, element, list_make1(array), get_typcollation(element),
                                  exprCollation(array), COERCE_EXPLICIT_CALL);
        call->funcretset = true;
        function->funcexpr = reinterpret_cast<Node *>(call);
        function->funccolcount = 1;
        entry->functions = lappend(entry->functions, function);
    }
    entry->funcordinality = with_ordinality;
    entry->alias = makeAlias(alias, names);
    entry->eref = makeAlias(alias, static_cast<List *>(copyObjectImpl(names)));
    entry->inFromCl = true;
    return entry;
}

RangeTblEntry *subquery_entry(const char *alias, Query *query, bool lateral) {
    RangeTblEntry *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = query;
    entry->lateral = lateral;
    entry->alias = makeAlias(alias, NIL);
    entry->eref = makeAlias(alias, NIL);
    ListCell *cell;
    foreach (cell, query->targetList) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        if (!target->resjunk)
            entry->eref->colnames =
                lappend(entry->eref->colnames, makeString(pstrdup(target->resname ? target->resname : "?column?")));
    }
    entry->inFromCl = true;
    return entry;
}

void add_from(Query *query, RangeTblEntry *entry) {
    query->rtable = lappend(query->rtable, entry);
    RangeTblRef *reference = makeNode(RangeTblRef);
    reference->rtindex = list_length(query->rtable);
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference);
}

int add_column(List **targets, const Var *column, const char *name) {
    int visible = 0;
    ListCell *cell;
    foreach (cell, *targets) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        if (target->resjunk)
            continue;
        ++visible;
        if (equal(without_relabel(reinterpret_cast<Node *>(target->expr)), column))
            return 0;
    }
    auto *expression = static_cast<Expr *>(copyObjectImpl(column));
    TargetEntry *added = makeTargetEntry(expression, static_cast<AttrNumber>(visible + 1), pstrdup(name), false);
    *targets = list_insert_nth(*targets, visible, added);
    for (int i = visible + 1; i < list_length(*targets); ++i)
        ++list_nth_node(TargetEntry, *targets, i)->resno;
    return visible + 1;
}

Query *replaced(Query *query, Replacement replacement) {
    return compat::mutate_query(query, mutate, &replacement);
}

Node *replaced(Node *expression, Replacement replacement) {
    return mutate(expression, &replacement);
}

Query *without_condition(Query *query, const Node *replaced, Node *instead, const Node *removed) {
    Removal removal{replaced, instead, removed};
    return compat::mutate_query(query, remove_condition, &removal);
}

Query *with_lists(Query *query, const char *text) {
    Lists lists{text, 0};
    int marked = 0;
    for (size_t at = lists.text.find(list_marker); at != std::string_view::npos;
         at = lists.text.find(list_marker, at + list_marker.size()))
        ++marked;
    if (marked == 0)
        return query;
    Query *expanded = compat::mutate_query(query, expand_list, &lists);
    return lists.handled == marked ? expanded : nullptr;
}

} // namespace dbperf::suggestions::rewrite
