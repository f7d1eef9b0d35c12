#include "core/pg.h"

#include "statements/internal_statement.h"

#include "core/compat.h"
#include "core/guard.h"

namespace dbperf::statements::internal_statement {
using namespace core;

namespace {

bool is_foreign(Oid catalog, Oid object, Oid extension) {
    return object >= FirstNormalObjectId && getExtensionOfObject(catalog, object) != extension;
}

bool is_foreign_function(Oid function, void *extension) {
    return is_foreign(ProcedureRelationId, function, *static_cast<Oid *>(extension));
}

// Stops at the first thing that is the user's.
bool visit(Node *node, void *extension) {
    if (!node)
        return false;
    if (!IsA(node, Query))
        return check_functions_in_node(node, is_foreign_function, extension) ||
               compat::walk_expression(node, visit, extension);
    auto *query = reinterpret_cast<Query *>(node);
    const ListCell *cell;
    foreach (cell, query->rtable) {
        const auto *table = static_cast<const RangeTblEntry *>(lfirst(cell));
        if (table->rtekind == RTE_RELATION &&
            is_foreign(RelationRelationId, table->relid, *static_cast<Oid *>(extension)))
            return true;
    }
    return compat::walk_query(query, visit, extension);
}

bool sets_own(const char *name) {
    return name && pg_strncasecmp(name, "dbperf.", 7) == 0;
}

bool is_own_node(const Node *query) {
    return query && IsA(query, Query) && is_internal(reinterpret_cast<const Query *>(query));
}

} // namespace

[[gnu::noinline]] bool is_internal(const Query *query) {
    bool foreign = true;
    catch_errors([query, &foreign] {
        Oid extension = get_extension_oid("dbperf", true);
        foreign = !OidIsValid(extension) || visit(reinterpret_cast<Node *>(const_cast<Query *>(query)), &extension);
    });
    return !foreign;
}

[[gnu::noinline]] bool is_internal_command(const Node *statement) {
    // Its script.
    if (creating_extension)
        return true;
    switch (nodeTag(statement)) {
    case T_VariableSetStmt:
        return sets_own(reinterpret_cast<const VariableSetStmt *>(statement)->name);
    case T_VariableShowStmt:
        return sets_own(reinterpret_cast<const VariableShowStmt *>(statement)->name);
    case T_ExplainStmt:
        return is_own_node(reinterpret_cast<const ExplainStmt *>(statement)->query);
    case T_DeclareCursorStmt:
        return is_own_node(reinterpret_cast<const DeclareCursorStmt *>(statement)->query);
    case T_CopyStmt:
        // Its query speaks for itself.
        return !reinterpret_cast<const CopyStmt *>(statement)->is_from;
    default:
        return false;
    }
}

} // namespace dbperf::statements::internal_statement
