// Values are the constants and parameters of the plan; what would have to be computed is unknown.
#include "core/pg.h"

#include "deadlocks/row_key.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "lookups/equality.h"

namespace dbperf::deadlocks::row_key {
using namespace core;
using namespace lookups;

namespace {

constexpr int max_columns = 16;
constexpr size_t longest_value = 40; // bytes

struct Column {
    AttrNumber number;
    const Node *value;
};

struct Columns {
    std::array<Column, max_columns> all;
    int count;

    void add(AttrNumber number, const Node *value) {
        if (count < max_columns && !find(number))
            all[static_cast<size_t>(count++)] = {number, value};
    }
    const Node *find(AttrNumber number) const {
        for (int i = 0; i < count; ++i)
            if (all[static_cast<size_t>(i)].number == number)
                return all[static_cast<size_t>(i)].value;
        return nullptr;
    }
};

const Node *plain_value(const Node *node) {
    while (node && IsA(node, RelabelType))
        node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
    if (!node)
        return nullptr;
    const bool is_known =
        IsA(node, Const) || (IsA(node, Param) && reinterpret_cast<const Param *>(node)->paramkind == PARAM_EXTERN);
    return is_known ? node : nullptr;
}

AttrNumber column_of(const Node *node, Index relation_number) {
    while (node && IsA(node, RelabelType))
        node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
    if (!node || !IsA(node, Var))
        return 0;
    const Var *var = reinterpret_cast<const Var *>(node);
    return static_cast<Index>(var->varno) == relation_number && var->varattno > 0 ? var->varattno
                                                                                  : static_cast<AttrNumber>(0);
}

void add_conditions(const List *conditions, Index relation_number, Columns *columns) {
    ListCell *cell;
    foreach (cell, conditions) {
        const OpExpr *condition = static_cast<const OpExpr *>(lfirst(cell));
        if (!IsA(condition, OpExpr) || list_length(condition->args) != 2 || !is_common_equality(condition->opno))
            continue;
        const Node *left = static_cast<const Node *>(linitial(condition->args));
        const Node *right = static_cast<const Node *>(lsecond(condition->args));
        if (const AttrNumber column = column_of(left, relation_number)) {
            if (const Node *value = plain_value(right))
                columns->add(column, value);
        } else if (const AttrNumber other = column_of(right, relation_number)) {
            if (const Node *value = plain_value(left))
                columns->add(other, value);
        }
    }
}

// The scan of the relation, on the way that rows take to the top; null when it is anywhere else.
const PlanState *scan_of(const PlanState *state, Index relation_number) {
    for (int depth = 0; state && depth < 32; ++depth) {
        switch (nodeTag(state->plan)) {
        case T_SeqScan:
        case T_IndexScan:
        case T_BitmapHeapScan:
            return reinterpret_cast<const Scan *>(state->plan)->scanrelid == relation_number ? state : nullptr;
        case T_NestLoop:
        case T_HashJoin:
        case T_MergeJoin: {
            if (stack_is_too_deep())
                return nullptr;
            const PlanState *found = scan_of(outerPlanState(state), relation_number);
            return found ? found : scan_of(innerPlanState(state), relation_number);
        }
        case T_SubqueryScan:
            state = reinterpret_cast<const SubqueryScanState *>(state)->subplan;
            break;
        default:
            state = outerPlanState(state);
        }
    }
    return nullptr;
}

// Appends text, in whole characters; false when it had to be cut.
bool append(std::span<char> into, size_t *length, std::string_view text) {
    const size_t room = into.size() - 1 - *length;
    size_t fits = std::min(text.size(), room);
    if (fits < text.size())
        fits = static_cast<size_t>(pg_mbcliplen(text.data(), static_cast<int>(text.size()), static_cast<int>(fits)));
    std::copy_n(text.data(), fits, into.data() + *length);
    *length += fits;
    into[*length] = '\0';
    return fits == text.size();
}

[[gnu::noinline]] bool append_by_output_function(std::span<char> into, size_t *length, Oid type, Datum value) {
    volatile bool whole = false;
    return catch_errors([=, &whole] {
               Oid output;
               bool is_varlena;
               getTypeOutputInfo(type, &output, &is_varlena);
               whole = append(into, length, OidOutputFunctionCall(output, value));
           }) &&
           whole;
}

bool append_value(std::span<char> into, size_t *length, Oid type, Datum value) {
    char digits[24];
    switch (type) {
    case INT2OID:
        return append(into, length, {digits, static_cast<size_t>(pg_itoa(DatumGetInt16(value), digits))});
    case INT4OID:
        return append(into, length, {digits, static_cast<size_t>(pg_ltoa(DatumGetInt32(value), digits))});
    case INT8OID:
        return append(into, length, {digits, static_cast<size_t>(pg_lltoa(DatumGetInt64(value), digits))});
    case TEXTOID:
    case VARCHAROID: {
        const auto *bytes = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
        if (VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes))
            return false;
        const std::string_view text(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
        return text.size() <= longest_value && append(into, length, text);
    }
    default:
        return append_by_output_function(into, length, type, value);
    }
}

// A parameter may be computed by whoever runs the statement, and may fail.
[[gnu::noinline]] bool fetch(ParamListInfo parameters, int number, ParamExternData *workspace,
                             const ParamExternData **parameter) {
    return catch_errors([=] { *parameter = parameters->paramFetch(parameters, number, true, workspace); });
}

bool append_node(std::span<char> into, size_t *length, const Node *node, ParamListInfo parameters) {
    if (IsA(node, Const)) {
        const Const *known = reinterpret_cast<const Const *>(node);
        return !known->constisnull && append_value(into, length, known->consttype, known->constvalue);
    }
    const int number = reinterpret_cast<const Param *>(node)->paramid;
    if (!parameters || number < 1 || number > parameters->numParams)
        return false;
    ParamExternData workspace;
    const ParamExternData *parameter = &parameters->params[number - 1];
    if (parameters->paramFetch && !fetch(parameters, number, &workspace, &parameter))
        return false;
    return !parameter->isnull && OidIsValid(parameter->ptype) &&
           append_value(into, length, parameter->ptype, parameter->value);
}

// Writes the values of an index's columns; false when one of them is not known.
bool write_key(const Form_pg_index index, Relation relation, const Columns &columns, ParamListInfo parameters,
               std::span<char> key) {
    size_t length = 0;
    for (int i = 0; i < index->indnkeyatts; ++i) {
        const AttrNumber number = index->indkey.values[i];
        const Node *value = number > 0 ? columns.find(number) : nullptr;
        const char *name = value ? NameStr(TupleDescAttr(RelationGetDescr(relation), number - 1)->attname) : nullptr;
        if (!value || (i > 0 && !append(key, &length, ", ")) || !append(key, &length, name) ||
            !append(key, &length, "=") || !append_node(key, &length, value, parameters)) {
            key[0] = '\0';
            return false;
        }
    }
    return length > 0;
}

bool is_fit(const Form_pg_index index) {
    return index->indisunique && index->indisvalid && index->indnkeyatts <= max_columns;
}

// The first unique index of which all values are known; the primary key and `preferred` go before others.
bool write_by_any_index(Oid preferred, Relation relation, const Columns &columns, ParamListInfo parameters,
                        std::span<char> key) {
    const auto try_index = [&](Oid index) {
        const HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
        if (!HeapTupleIsValid(tuple))
            return false;
        const Form_pg_index form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
        const bool done = is_fit(form) && write_key(form, relation, columns, parameters, key);
        ReleaseSysCache(tuple);
        return done;
    };
    if (!relation->rd_rel->relhasindex)
        return false;
    if (OidIsValid(preferred) && try_index(preferred))
        return true;
    // A copy: lookups may rebuild the relation's own.
    List *indexes = RelationGetIndexList(relation);
    bool done = OidIsValid(relation->rd_pkindex) && try_index(relation->rd_pkindex);
    ListCell *cell;
    foreach (cell, indexes)
        done = done || try_index(lfirst_oid(cell));
    list_free(indexes);
    return done;
}

[[gnu::noinline]] bool find_index(Oid preferred, Relation relation, const Columns &columns, ParamListInfo parameters,
                                  std::span<char> key) {
    volatile bool found = false;
    if (!catch_errors(
            [=, &columns, &found] { found = write_by_any_index(preferred, relation, columns, parameters, key); }) ||
        !found)
        key[0] = '\0';
    return key[0] != '\0';
}

} // namespace

bool of_scan(const QueryDesc *query, Index relation_number, Relation relation, std::span<char> key) {
    const PlanState *state = scan_of(query->planstate, relation_number);
    if (!state)
        return false;
    Columns columns{};
    if (IsA(state->plan, IndexScan)) {
        add_conditions(reinterpret_cast<const IndexScan *>(state->plan)->indexqualorig, relation_number, &columns);
        const Relation index = reinterpret_cast<const IndexScanState *>(state)->iss_RelationDesc;
        if (index && is_fit(index->rd_index) && write_key(index->rd_index, relation, columns, query->params, key))
            return true;
    } else if (IsA(state->plan, BitmapHeapScan)) {
        add_conditions(reinterpret_cast<const BitmapHeapScan *>(state->plan)->bitmapqualorig, relation_number,
                       &columns);
    }
    add_conditions(state->plan->qual, relation_number, &columns);
    return columns.count > 0 && find_index(InvalidOid, relation, columns, query->params, key);
}

bool of_values(std::span<const Value> values, std::span<char> key) {
    size_t length = 0;
    for (const Value &each : values)
        if ((length > 0 && !append(key, &length, ", ")) || !append(key, &length, each.column) ||
            !append(key, &length, "=") || !append_value(key, &length, each.type, each.value)) {
            key[0] = '\0';
            return false;
        }
    return length > 0;
}

bool of_insert(const QueryDesc *query, std::span<char> key) {
    if (!IsA(query->planstate, ModifyTableState))
        return false;
    const auto *state = reinterpret_cast<const ModifyTableState *>(query->planstate);
    const PlanState *source = outerPlanState(&state->ps);
    if (!source || !IsA(source->plan, Result) || outerPlan(source->plan) || !state->resultRelInfo)
        return false;
    const Relation relation = state->resultRelInfo->ri_RelationDesc;
    const List *arbiters = reinterpret_cast<const ModifyTable *>(state->ps.plan)->arbiterIndexes;
    Columns columns{};
    const auto add_columns_of = [&](const List *entries) {
        ListCell *cell;
        foreach (cell, entries) {
            const TargetEntry *entry = static_cast<const TargetEntry *>(lfirst(cell));
            const Node *value = entry->resjunk ? nullptr : plain_value(reinterpret_cast<const Node *>(entry->expr));
            if (value)
                columns.add(entry->resno, value);
        }
    };
    add_columns_of(source->plan->targetlist);
    return columns.count > 0 &&
           find_index(arbiters ? linitial_oid(arbiters) : InvalidOid, relation, columns, query->params, key);
}

} // namespace dbperf::deadlocks::row_key
