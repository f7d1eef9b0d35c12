// CREATE INDEX of a shape, in words that mean the same under every search_path, and a name for it.
#include "core/pg.h"

#include "core/compat.h"
#include "index_advice/index_shape.h"

namespace dbperf::index_advice::index_shape {
namespace {

// What is a call alone needs no parentheses.
bool is_call(const Node *expression) {
    return IsA(expression, FuncExpr) &&
           reinterpret_cast<const FuncExpr *>(expression)->funcformat == COERCE_EXPLICIT_CALL;
}

void append_key(StringInfo text, const IndexShape &shape, const IndexKey &key, List *context) {
    if (key.attribute != 0) {
        appendStringInfoString(text, quote_identifier(get_attname(shape.relation, key.attribute, false)));
    } else {
        const char *expression = deparse_expression(key.expression, context, false, false);
        appendStringInfo(text, is_call(key.expression) ? "%s" : "(%s)", expression);
    }
    if (OidIsValid(key.collation) && key.collation != exprCollation(key.expression))
        appendStringInfo(text, " COLLATE %s", generate_collation_name(key.collation));
    if (key.opclass != GetDefaultOpClass(key.type, shape.method))
        appendStringInfo(text, " %s", generate_opclass_name(key.opclass));
    if (key.descending)
        appendStringInfoString(text, key.nulls_first ? " DESC" : " DESC NULLS LAST");
    else if (key.nulls_first)
        appendStringInfoString(text, " NULLS FIRST");
}

const char *method_name(Oid method) {
    HeapTuple row = SearchSysCache1(AMOID, ObjectIdGetDatum(method));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for access method %u", method);
    const char *name = pstrdup(NameStr(reinterpret_cast<Form_pg_am>(GETSTRUCT(row))->amname));
    ReleaseSysCache(row);
    return name;
}

bool append_column(Node *node, void *argument) {
    auto *found = static_cast<Var **>(argument);
    if (node && IsA(node, Var)) {
        *found = reinterpret_cast<Var *>(node);
        return true;
    }
    return node && core::compat::walk_expression(node, append_column, argument);
}

bool is_taken(const char *name, const List *taken) {
    for (int i = 0; i < list_length(taken); ++i)
        if (strcmp(name, static_cast<const char *>(list_nth(taken, i))) == 0)
            return true;
    return false;
}

} // namespace

char *definition_of(const IndexShape &shape) {
    StringInfoData text;
    initStringInfo(&text);
    List *context = deparse_context_for(get_rel_name(shape.relation), shape.relation);
    appendStringInfo(
        &text, "%s USING %s (",
        quote_qualified_identifier(get_namespace_name(get_rel_namespace(shape.relation)), get_rel_name(shape.relation)),
        quote_identifier(method_name(shape.method)));
    const char *comma = "";
    for (const IndexKey &key : shape.all_keys()) {
        appendStringInfoString(&text, comma);
        append_key(&text, shape, key, context);
        comma = ", ";
    }
    appendStringInfoChar(&text, ')');
    comma = " INCLUDE (";
    for (const AttrNumber each : shape.all_included()) {
        appendStringInfo(&text, "%s%s", comma, quote_identifier(get_attname(shape.relation, each, false)));
        comma = ", ";
    }
    if (shape.included_count > 0)
        appendStringInfoChar(&text, ')');
    if (shape.predicate != NIL)
        appendStringInfo(
            &text, " WHERE %s",
            deparse_expression(reinterpret_cast<Node *>(make_ands_explicit(shape.predicate)), context, false, false));
    return text.data;
}

char *name_for(const IndexShape &shape, List *taken) {
    StringInfoData columns;
    initStringInfo(&columns);
    for (const IndexKey &key : shape.all_keys()) {
        Var *column = nullptr;
        append_column(key.expression, &column);
        if (column && column->varattno > 0)
            appendStringInfo(&columns, "%s%s", columns.len > 0 ? "_" : "",
                             get_attname(shape.relation, column->varattno, false));
    }
    const char *relation = psprintf("idx_%s", get_rel_name(shape.relation));
    const Oid space = get_rel_namespace(shape.relation);
    for (int number = 1;; ++number) {
        CHECK_FOR_INTERRUPTS();
        char *name = makeObjectName(relation, columns.data, number > 1 ? psprintf("%d", number) : nullptr);
        if (!OidIsValid(get_relname_relid(name, space)) && !is_taken(name, taken))
            return name;
    }
}

} // namespace dbperf::index_advice::index_shape
