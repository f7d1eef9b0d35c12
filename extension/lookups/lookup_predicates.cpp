#include "core/pg.h"

#include "lookups/lookup_predicates.h"

#include <algorithm>

#include "core/compat.h"
#include "lookups/key_value.h"

namespace dbperf::lookups::lookup_predicates {
using namespace core;
using namespace lookup_expression;
using namespace lookup_walk;

namespace {

// Which side is the column; false when none is, or both are.
bool sides_of(const Walk *walk, const Node **left, const Node **right, Column *column, bool *plain, bool *swapped) {
    *swapped = false;
    if (column_within(walk->query, *left, column, plain))
        return true;
    std::swap(*left, *right);
    *swapped = true;
    return column_within(walk->query, *left, column, plain);
}

// The usual one: the column of a table, and a value of its own type.
bool take_plain(Walk *walk, const Node *left, const Node *right) {
    if (!IsA(left, Var))
        return false;
    const Var *var = reinterpret_cast<const Var *>(left);
    if (var->varlevelsup != 0 || var->varattno <= 0)
        return false;
    const RangeTblEntry *table = rt_fetch(var->varno, walk->query->rtable);
    if (table->rtekind != RTE_RELATION || table->relid < FirstNormalObjectId)
        return false;
    Value value{};
    value.declared = var->vartype;
    value.type = value_type::of(var->vartype);
    if (value.type.reading == Reading::none)
        return false;
    if (IsA(right, Const)) {
        const Const *known = reinterpret_cast<const Const *>(right);
        if (known->consttype != var->vartype)
            return false;
        value.constant = key_value::hash_long(value.type, known->constvalue, known->constisnull);
    } else if (IsA(right, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(right);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1 || parameter->paramtype != var->vartype)
            return false;
        value.parameter = parameter->paramid;
    } else {
        return false;
    }
    add(walk, {table->relid, var->varattno, static_cast<int>(var->varno), value.type}, value);
    return true;
}

bool same_column(const Column &one, const Column &other) {
    return one.relation == other.relation && one.number == other.number && one.table == other.table;
}

struct RangeSearch {
    const Walk *walk;
    AttrNumber number;
    Oid relation;
};

bool is_range_on(Node *node, void *context) {
    const auto *search = static_cast<const RangeSearch *>(context);
    if (!node || IsA(node, Query) || IsA(node, SubLink))
        return false;
    if (IsA(node, OpExpr)) {
        const OpExpr *expression = reinterpret_cast<const OpExpr *>(node);
        const Comparison comparison = value_type::comparison_of(expression->opno);
        if (list_length(expression->args) == 2 && comparison >= Comparison::less_equal &&
            comparison <= Comparison::range) {
            const Node *left = first_of(expression->args);
            const Node *right = static_cast<const Node *>(lsecond(expression->args));
            Column column;
            bool plain;
            bool swapped;
            if (sides_of(search->walk, &left, &right, &column, &plain, &swapped) &&
                column.relation == search->relation && column.number == search->number)
                return true;
        }
    }
    return compat::walk_expression(node, is_range_on, context);
}

} // namespace

void take_comparison(Walk *walk, const Node *left, const Node *right) {
    if (likely(take_plain(walk, left, right)))
        return;
    left = single_value(walk->query, left);
    right = single_value(walk->query, right);
    Column column;
    bool plain;
    bool swapped;
    Value value;
    if (sides_of(walk, &left, &right, &column, &plain, &swapped) && column.type.reading != Reading::none &&
        value_of(right, column, plain, left, &value))
        add(walk, column, value);
}

void take_bound(Walk *walk, const Node *left, const Node *right, Comparison comparison) {
    Bound bound;
    bool plain;
    bool swapped;
    if (!sides_of(walk, &left, &right, &bound.column, &plain, &swapped) || !plain ||
        !value_of(right, bound.column, plain, nullptr, &bound.value) || bound.value.form != KeyForm::scalar)
        return;
    bound.comparison = !swapped                                  ? comparison
                       : comparison == Comparison::greater_equal ? Comparison::less_equal
                                                                 : Comparison::greater_equal;
    for (int i = 0; i < walk->bound_count; ++i) {
        const Bound &other = walk->bounds[i];
        if (other.comparison == bound.comparison || !same_column(other.column, bound.column) ||
            other.value.declared != bound.value.declared ||
            (other.value.parameter == 0) != (bound.value.parameter == 0))
            continue;
        Value value = other.value;
        if (value.parameter == 0) {
            // A real range has its place, but no value.
            if (value.constant != bound.value.constant)
                value.constant = 0;
        } else if (value.parameter != bound.value.parameter) {
            value.form = KeyForm::range;
            value.others = static_cast<uint32>(bound.value.parameter);
        }
        add(walk, bound.column, value);
        walk->bounds[i] = walk->bounds[--walk->bound_count];
        return;
    }
    if (walk->bound_count < max_bounds)
        walk->bounds[walk->bound_count++] = bound;
}

void take_content(Walk *walk, const Node *left, const Node *right) {
    Column column;
    bool plain;
    Value value;
    if (!column_within(walk->query, left, &column, &plain))
        return;
    bool as_text = false;
    const Node *stripped = strip(right, &as_text);
    if (stripped && IsA(stripped, ArrayExpr) &&
        list_length(reinterpret_cast<const ArrayExpr *>(stripped)->elements) == 1) {
        const Node *only = first_of(reinterpret_cast<const ArrayExpr *>(stripped)->elements);
        if (value_of(only, column, false, nullptr, &value))
            add(walk, column, value);
        return;
    }
    if (!value_of(right, column, false, nullptr, &value))
        return;
    if (value.form == KeyForm::scalar && value.declared == JSONBOID) {
        value.form = KeyForm::document;
        if (IsA(stripped, Const)) {
            const Const *known = reinterpret_cast<const Const *>(stripped);
            value.constant = key_value::hash_of_document(known->constvalue, known->constisnull);
        }
    } else if (value.form == KeyForm::scalar && OidIsValid(value_type::element_of(value.declared))) {
        uint64 list = 0;
        if (IsA(stripped, Const)) {
            const Const *known = reinterpret_cast<const Const *>(stripped);
            const uint64 only =
                key_value::hash_only_element(known->consttype, known->constvalue, known->constisnull, &list);
            value.constant = only != 0 ? only : list;
        }
    }
    add(walk, column, value);
}

void take_any(Walk *walk, const ScalarArrayOpExpr *any) {
    if (!any->useOr || list_length(any->args) != 2 || value_type::comparison_of(any->opno) != Comparison::equal)
        return;
    const Node *left = first_of(any->args);
    const Node *right = static_cast<const Node *>(lsecond(any->args));
    Column column;
    bool plain;
    Value value{};
    if (!column_within(walk->query, left, &column, &plain)) {
        // value = ANY (column)
        if (column_within(walk->query, right, &column, &plain) && value_of(left, column, false, nullptr, &value))
            add(walk, column, value);
        return;
    }
    bool as_text = false;
    const Node *list = strip(right, &as_text);
    if (list && IsA(list, ArrayCoerceExpr))
        list = strip(reinterpret_cast<const Node *>(reinterpret_cast<const ArrayCoerceExpr *>(list)->arg), &as_text);
    if (!list)
        return;
    if (IsA(list, ArrayExpr)) {
        const List *elements = reinterpret_cast<const ArrayExpr *>(list)->elements;
        if (list_length(elements) == 1) {
            if (value_of(first_of(elements), column, plain, left, &value))
                add(walk, column, value);
            return;
        }
        ListCell *cell;
        foreach (cell, elements) {
            if (value_of(static_cast<const Node *>(lfirst(cell)), column, plain, left, &value))
                add_to_list(walk, value);
            else
                walk->keys->is_batch = true;
        }
        add(walk, column, list_value());
        return;
    }
    if (IsA(list, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(list);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1)
            return;
        const Oid element = value_type::element_of(parameter->paramtype);
        value.form = KeyForm::element;
        value.parameter = parameter->paramid;
        value.declared = parameter->paramtype;
        value.type = value_type::of(element);
        // A text that is cast to an array is none yet.
        if (!OidIsValid(element)) {
            add_to_list(walk, value);
            value = list_value();
        }
        add(walk, column, value);
        return;
    }
    if (IsA(list, Const)) {
        const Const *known = reinterpret_cast<const Const *>(list);
        uint64 several = 0;
        if (!OidIsValid(value_type::element_of(known->consttype))) {
            several = key_value::hash_long(value_type::of(known->consttype), known->constvalue, known->constisnull) | 1;
        } else {
            value.constant =
                key_value::hash_only_element(known->consttype, known->constvalue, known->constisnull, &several);
        }
        if (several != 0) {
            add_list_hash(walk, several);
            value = list_value();
        }
        add(walk, column, value);
        return;
    }
    const Leaves leaves = leaves_of(list);
    if (leaves.reads_more || leaves.too_many) {
        walk->keys->is_batch = true;
        return;
    }
    walk->keys->list_parameters |= leaves.parameters;
    add_list_hash(walk, leaves.constants);
    add(walk, column, list_value());
}

bool has_range_on(const Walk *walk, const Node *condition, const LookupKey &key) {
    RangeSearch search{walk, key.column, key.relation};
    return is_range_on(const_cast<Node *>(condition), &search);
}

} // namespace dbperf::lookups::lookup_predicates
