// Walks the conditions of every level of a query. Where a predicate stands among the keys depends on the statement's
// structure alone, never on its values, so that one text after another has its keys in the same places.
#include "core/pg.h"

#include "lookups/lookup_search.h"

#include <algorithm>

#include "core/compat.h"
#include "lookups/lookup_predicates.h"
#include "lookups/lookup_walk.h"

namespace dbperf::lookups::lookup_search {
using namespace core;
using namespace lookup_expression;
using namespace lookup_predicates;
using namespace lookup_walk;

namespace {

constexpr int max_insert_keys = 4;

// What initdb made is the catalog: reading it is introspection, which libraries do once and keep.
bool is_user_object(Oid object) {
    return object >= FirstNormalObjectId;
}

void visit_condition(Walk *walk, const Node *node);

// Either side of an OR. One column in several of them is a list; one that is also compared by its order is a cursor:
// (a > 1 OR (a = 1 AND b > 2)) is a page.
[[gnu::noinline]] void visit_or(Walk *walk, const BoolExpr *either) {
    const int before = walk->keys->count;
    int arms_of[max_lookup_keys] = {};
    ListCell *cell;
    foreach (cell, either->args) {
        const int from = walk->keys->count;
        const int bounds = walk->bound_count;
        visit_condition(walk, static_cast<const Node *>(lfirst(cell)));
        walk->bound_count = std::min(walk->bound_count, bounds);
        for (int i = from; i < walk->keys->count; ++i)
            arms_of[i] = foreach_current_index(cell);
    }
    for (int i = walk->keys->count - 1; i >= before; --i) {
        if (has_range_on(walk, reinterpret_cast<const Node *>(either), walk->keys->keys[i])) {
            for (int j = i; j + 1 < walk->keys->count; ++j)
                arms_of[j] = arms_of[j + 1];
            remove_key(walk, i);
        }
    }
    for (int i = before; i < walk->keys->count; ++i) {
        LookupKey &key = walk->keys->keys[i];
        uint64 *own = &walk->constants->hashes[i];
        bool is_list = key.form == KeyForm::list;
        for (int j = walk->keys->count - 1; j > i; --j) {
            const LookupKey &other = walk->keys->keys[j];
            if (other.relation != key.relation || other.column != key.column || arms_of[i] == arms_of[j])
                continue;
            const uint64 hash = walk->constants->hashes[j];
            const bool same = other.form == key.form && other.parameter == key.parameter && hash == *own && !is_list;
            if (!same) {
                if (!is_list) {
                    Value first{};
                    first.form = key.form;
                    first.parameter = key.parameter;
                    first.others = key.other;
                    first.constant = *own;
                    add_to_list(walk, first);
                }
                if (other.form != KeyForm::list) {
                    Value next{};
                    next.form = other.form;
                    next.parameter = other.parameter;
                    next.others = other.other;
                    next.constant = hash;
                    add_to_list(walk, next);
                }
                is_list = true;
            }
            for (int k = j; k + 1 < walk->keys->count; ++k)
                arms_of[k] = arms_of[k + 1];
            remove_key(walk, j);
        }
        if (is_list && key.form != KeyForm::list) {
            key.form = KeyForm::list;
            key.parameter = beyond_parameters;
            key.declared = InvalidOid;
            *own = 0;
        }
    }
}

void visit_operator(Walk *walk, const OpExpr *expression) {
    if (list_length(expression->args) != 2)
        return;
    const Node *left = first_of(expression->args);
    const Node *right = static_cast<const Node *>(lsecond(expression->args));
    switch (const Comparison comparison = value_type::comparison_of(expression->opno)) {
    case Comparison::equal:
        take_comparison(walk, left, right);
        break;
    case Comparison::greater_equal:
    case Comparison::less_equal:
        take_bound(walk, left, right, comparison);
        break;
    case Comparison::contains:
        take_content(walk, left, right);
        break;
    default:
        break;
    }
}

void visit_condition(Walk *walk, const Node *node) {
    if (!node)
        return;
    if (IsA(node, List)) {
        ListCell *cell;
        foreach (cell, reinterpret_cast<const List *>(node))
            visit_condition(walk, static_cast<const Node *>(lfirst(cell)));
    } else if (IsA(node, BoolExpr)) {
        const BoolExpr *expression = reinterpret_cast<const BoolExpr *>(node);
        if (expression->boolop == AND_EXPR) {
            visit_condition(walk, reinterpret_cast<const Node *>(expression->args));
        } else if (expression->boolop == OR_EXPR) {
            visit_or(walk, expression);
        } else if (IsA(linitial(expression->args), DistinctExpr)) {
            // IS NOT DISTINCT FROM
            const auto *distinct = static_cast<const DistinctExpr *>(linitial(expression->args));
            if (list_length(distinct->args) == 2 && value_type::comparison_of(distinct->opno) == Comparison::equal)
                take_comparison(walk, first_of(distinct->args), static_cast<const Node *>(lsecond(distinct->args)));
        }
    } else if (IsA(node, OpExpr)) {
        visit_operator(walk, reinterpret_cast<const OpExpr *>(node));
    } else if (IsA(node, ScalarArrayOpExpr)) {
        take_any(walk, reinterpret_cast<const ScalarArrayOpExpr *>(node));
    }
}

void visit_joins(Walk *walk, const Node *node) {
    if (!node)
        return;
    if (IsA(node, FromExpr)) {
        const FromExpr *from = reinterpret_cast<const FromExpr *>(node);
        ListCell *cell;
        foreach (cell, from->fromlist)
            visit_joins(walk, static_cast<const Node *>(lfirst(cell)));
        visit_condition(walk, from->quals);
    } else if (IsA(node, JoinExpr)) {
        const JoinExpr *join = reinterpret_cast<const JoinExpr *>(node);
        visit_joins(walk, join->larg);
        visit_joins(walk, join->rarg);
        if (join->jointype != JOIN_FULL) // an outer one picks the rows of its inner side
            visit_condition(walk, join->quals);
    }
}

// INSERT of one row: every plain value is a key; parameters first, and numbers, uuids and texts before others.
void visit_insert(Walk *walk) {
    const Query *query = walk->query;
    walk->keys->is_insert = true;
    walk->capacity = max_insert_keys;
    for (const bool usual : {true, false}) {
        for (const bool constants : {false, true}) {
            ListCell *cell;
            foreach (cell, query->targetList) {
                const TargetEntry *entry = static_cast<const TargetEntry *>(lfirst(cell));
                if (walk->keys->count >= max_insert_keys)
                    return;
                const Node *whole = reinterpret_cast<const Node *>(entry->expr);
                bool as_text = false;
                const Node *plain = strip(whole, &as_text);
                if (!plain || entry->resjunk || (constants ? !IsA(plain, Const) : !IsA(plain, Param)))
                    continue;
                Column column{};
                column.type = value_type::of(exprType(whole));
                const Reading reading = column.type.reading;
                const bool is_usual = is_integer(reading) || reading == Reading::uuid || reading == Reading::text;
                if (reading == Reading::none || is_usual != usual)
                    continue;
                column.relation = rt_fetch(query->resultRelation, query->rtable)->relid;
                column.number = entry->resno;
                Value value;
                if (value_of(whole, column, true, nullptr, &value) && value.form != KeyForm::computed)
                    add(walk, column, value);
            }
        }
    }
}

void visit_call(Walk *walk, const FuncExpr *call) {
    if (!is_user_object(call->funcid))
        return;
    ListCell *cell;
    foreach (cell, call->args) {
        const Node *argument = static_cast<const Node *>(lfirst(cell));
        if (walk->keys->count >= walk->capacity)
            return;
        Column column{};
        column.number = static_cast<AttrNumber>(foreach_current_index(cell) + 1);
        column.type = value_type::of(exprType(argument));
        Value value;
        if (value_of(argument, column, true, nullptr, &value) && value.form == KeyForm::scalar) {
            walk->keys->is_call = true;
            add(walk, column, value);
        }
    }
}

bool visit(Node *node, void *context);

void visit_query(Walk *walk, const Query *query) {
    const Query *outer = walk->query;
    walk->query = query;
    walk->bound_count = 0;
    bool has_rows = false;
    bool has_inner = query->hasSubLinks || query->cteList;
    ListCell *cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry *table = static_cast<const RangeTblEntry *>(lfirst(cell));
        if (table->rtekind == RTE_VALUES)
            has_rows = true;
        else if (table->rtekind == RTE_SUBQUERY)
            has_inner = true;
        else if (table->rtekind == RTE_RELATION && is_user_object(table->relid) && !OidIsValid(walk->keys->table))
            walk->keys->table = table->relid;
    }
    if (query->commandType == CMD_INSERT) {
        if (has_rows)
            walk->keys->is_batch = true;
        else if (query->jointree && !query->jointree->fromlist)
            visit_insert(walk);
    }
    if (query->rowMarks)
        walk->keys->locks_rows = true;
    visit_joins(walk, reinterpret_cast<const Node *>(query->jointree));
    visit_condition(walk, query->havingQual);
    visit_condition(walk, compat::merge_condition(query));
    // What is left are inner queries, and calls where there is no table.
    if (has_inner || (!OidIsValid(walk->keys->table) && walk->keys->count == 0))
        compat::walk_query(const_cast<Query *>(query), visit, walk);
    walk->query = outer;
}

bool visit(Node *node, void *context) {
    Walk *walk = static_cast<Walk *>(context);
    if (!node)
        return false;
    if (IsA(node, Query)) {
        visit_query(walk, reinterpret_cast<const Query *>(node));
        return false;
    }
    if (IsA(node, FuncExpr) && !OidIsValid(walk->keys->table) && walk->keys->count == 0)
        visit_call(walk, reinterpret_cast<const FuncExpr *>(node));
    return compat::walk_expression(node, visit, context);
}

} // namespace

void extract(const Query *query, LookupKeys *keys, LookupValues *constants) {
    memset(static_cast<void *>(keys), 0, offsetof(LookupKeys, keys) + sizeof(LookupKey));
    constants->count = 0;
    constants->list = constants->rest = 0;
    Walk walk;
    walk.query = query;
    walk.keys = keys;
    walk.constants = constants;
    walk.capacity = max_lookup_keys;
    visit_query(&walk, query);
    if (OidIsValid(keys->table) && keys->is_call) {
        // The arguments were met before a table was.
        keys->is_call = false;
        keys->count = constants->count = 0;
    }
    // A row of values that are no keys is counted all the same.
    if (keys->is_insert && keys->count == 0) {
        Column column{};
        column.relation = keys->table;
        add(&walk, column, Value{});
    }
    if (keys->is_batch)
        keys->count = constants->count = 0;
}

} // namespace dbperf::lookups::lookup_search
