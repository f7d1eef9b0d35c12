// What is a predicate is decided as where the keys of statements are read: see lookups/lookup_keys.
#include "core/pg.h"

#include "suggestions/rewrite_form.h"

#include "core/compat.h"
#include "lookups/lookup_expression.h"
#include "suggestions/rewrite_tree.h"

namespace dbperf::suggestions::rewrite {
using namespace core;
using namespace lookups;

namespace {

constexpr int max_depth = 16;

bool same_name(const char *wanted, const char *given, std::string_view *rest) {
    const std::string_view name(given);
    const std::string_view quoted(quote_identifier(given));
    std::string_view text(wanted);
    for (const std::string_view each : {name, quoted})
        if (text.size() >= each.size() && text.compare(0, each.size(), each) == 0 &&
            (text.size() == each.size() || text[each.size()] == '.')) {
            text.remove_prefix(each.size());
            *rest = text;
            return true;
        }
    return false;
}

// The parameter that stands for the column's value in an expression without columns. Others, such as a field of
// date_trunc(), are where the column's side has one, too.
const Param *value_parameter(const Node *value, const Node *column_side) {
    for (int depth = 0; depth < max_depth && value; ++depth) {
        bool as_text = false;
        value = lookup_expression::strip(value, &as_text);
        if (const Param *parameter = parameter_of(value))
            return parameter;
        if (IsA(value, ArrayExpr) && list_length(reinterpret_cast<const ArrayExpr *>(value)->elements) == 1) {
            value = static_cast<const Node *>(linitial(reinterpret_cast<const ArrayExpr *>(value)->elements));
            continue;
        }
        if (IsA(value, CoalesceExpr)) {
            value = static_cast<const Node *>(linitial(reinterpret_cast<const CoalesceExpr *>(value)->args));
            continue;
        }
        const Node *beside = column_side ? lookup_expression::strip(column_side, &as_text) : nullptr;
        if (beside && IsA(value, FuncExpr) && IsA(beside, FuncExpr)) {
            const auto *call = reinterpret_cast<const FuncExpr *>(value);
            const auto *other = reinterpret_cast<const FuncExpr *>(beside);
            int at = 0;
            const int count = list_length(other->args);
            while (at < count && !reads_columns(static_cast<Node *>(list_nth(other->args, at))))
                ++at;
            if (call->funcid == other->funcid && at < count && at < list_length(call->args)) {
                value = static_cast<const Node *>(list_nth(call->args, at));
                column_side = static_cast<const Node *>(list_nth(other->args, at));
                continue;
            }
        }
        return parameter_within(const_cast<Node *>(value));
    }
    return nullptr;
}

bool names_column(const Query *query, const Node *node, const char *wanted, Form *form) {
    lookup_expression::Column column;
    bool plain;
    if (!lookup_expression::column_within(query, node, &column, &plain))
        return false;
    const char *name = get_attname(column.relation, column.number, true);
    const char *alias = column.table > 0 ? rt_fetch(column.table, query->rtable)->eref->aliasname : nullptr;
    if (!name || !is_wanted(wanted, column.relation, alias, name))
        return false;
    form->relation = column.relation;
    form->name = name;
    return true;
}

// The operator and both sides of a comparison that can pick rows by a value.
bool sides_of(const Node *node, const Node **left, const Node **right, bool *with_array) {
    *with_array = false;
    const List *arguments = nullptr;
    Oid operation = InvalidOid;
    if (IsA(node, OpExpr)) {
        operation = reinterpret_cast<const OpExpr *>(node)->opno;
        arguments = reinterpret_cast<const OpExpr *>(node)->args;
    } else if (IsA(node, ScalarArrayOpExpr) && reinterpret_cast<const ScalarArrayOpExpr *>(node)->useOr) {
        operation = reinterpret_cast<const ScalarArrayOpExpr *>(node)->opno;
        arguments = reinterpret_cast<const ScalarArrayOpExpr *>(node)->args;
        *with_array = true;
    } else if (IsA(node, BoolExpr) && reinterpret_cast<const BoolExpr *>(node)->boolop == NOT_EXPR) {
        const auto *inner = static_cast<const Node *>(linitial(reinterpret_cast<const BoolExpr *>(node)->args));
        if (!IsA(inner, DistinctExpr))
            return false;
        operation = reinterpret_cast<const DistinctExpr *>(inner)->opno;
        arguments = reinterpret_cast<const DistinctExpr *>(inner)->args;
    }
    if (list_length(arguments) != 2)
        return false;
    const Comparison comparison = value_type::comparison_of(operation);
    *left = static_cast<const Node *>(linitial(arguments));
    *right = static_cast<const Node *>(lsecond(arguments));
    return comparison == Comparison::equal || (comparison == Comparison::contains && !*with_array);
}

bool simple_form_of(const Query *query, const Node *node, const char *wanted, Form *form) {
    const Node *left;
    const Node *right;
    bool with_array;
    if (!sides_of(node, &left, &right, &with_array))
        return false;
    // A list that the text only hints at was of several elements.
    if (with_array && IsA(right, RelabelType) && parameter_of(right))
        return false;
    for (const bool swapped : {false, true}) {
        const Node *column = swapped ? right : left;
        const Node *value = swapped ? left : right;
        if (reads_columns(const_cast<Node *>(value)) || !names_column(query, column, wanted, form))
            continue;
        form->parameter = value_parameter(value, column);
        if (!form->parameter)
            return false;
        form->with_list = with_array && !swapped && OidIsValid(get_base_element_type(form->parameter->paramtype)) &&
                          parameter_of(value);
        return true;
    }
    return false;
}

// Parameters that a condition's values are made of; those on the column's side are constants of the expression.
void collect_values(const Query *query, const Node *node, List **numbers) {
    if (IsA(node, BoolExpr) && reinterpret_cast<const BoolExpr *>(node)->boolop != NOT_EXPR) {
        ListCell *cell;
        foreach (cell, reinterpret_cast<const BoolExpr *>(node)->args)
            collect_values(query, static_cast<const Node *>(lfirst(cell)), numbers);
        return;
    }
    const Node *left;
    const Node *right;
    bool with_array;
    if (sides_of(node, &left, &right, &with_array)) {
        for (const Node *side : {left, right})
            if (!reads_columns(const_cast<Node *>(side)))
                *numbers = list_concat_unique_int(*numbers, parameters_within(const_cast<Node *>(side)));
        return;
    }
    *numbers = list_concat_unique_int(*numbers, parameters_within(const_cast<Node *>(node)));
}

bool form_within(const Query *query, const Node *node, const char *wanted, Form *form) {
    if (IsA(node, BoolExpr) && reinterpret_cast<const BoolExpr *>(node)->boolop != NOT_EXPR) {
        ListCell *cell;
        foreach (cell, reinterpret_cast<const BoolExpr *>(node)->args)
            if (form_within(query, static_cast<const Node *>(lfirst(cell)), wanted, form))
                return true;
        return false;
    }
    return simple_form_of(query, node, wanted, form);
}

} // namespace

bool is_wanted(const char *wanted, Oid relation, const char *alias, const char *column) {
    if (!wanted)
        return true;
    std::string_view rest;
    if (same_name(wanted, column, &rest) && rest.empty())
        return true;
    const char *table = get_rel_name(relation);
    const char *schema = get_namespace_name(get_rel_namespace(relation));
    if (schema && table && same_name(wanted, schema, &rest) && rest.size() > 1) {
        const char *after = rest.data() + 1;
        if (same_name(after, table, &rest) && rest.size() > 1 && same_name(rest.data() + 1, column, &rest) &&
            rest.empty())
            return true;
    }
    for (const char *name : {table, alias})
        if (name && same_name(wanted, name, &rest) && rest.size() > 1 && same_name(rest.data() + 1, column, &rest) &&
            rest.empty())
            return true;
    return false;
}

bool form_of(const Query *query, const Node *condition, const char *wanted, Form *form) {
    *form = Form{};
    if (!IsA(condition, BoolExpr) || reinterpret_cast<const BoolExpr *>(condition)->boolop != OR_EXPR)
        return simple_form_of(query, condition, wanted, form);
    if (!form_within(query, condition, wanted, form))
        return false;
    List *numbers = NIL;
    collect_values(query, condition, &numbers);
    form->companions = list_delete_int(numbers, form->parameter->paramid);
    // One parameter on both sides may be a list on one of them only.
    return !form->with_list || form->companions == NIL;
}

} // namespace dbperf::suggestions::rewrite
