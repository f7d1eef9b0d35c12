// One case a kind of statement; see the header for the contract.
#include "core/pg.h"

#include "schema_changes/ddl_objects.h"

#include "core/compat.h"
#include "core/guard.h"

namespace dbperf::schema_changes {
using namespace core;

namespace {

template <typename Statement>
Statement *as(Node *node) {
    return reinterpret_cast<Statement *>(node);
}

void add(DdlObjects *objects, const char *name) {
    if (!name || name[0] == '\0')
        return;
    for (size_t at = 0; at < objects->length; at += strlen(objects->names + at) + 1)
        if (strcmp(objects->names + at, name) == 0)
            return;
    const size_t length = strlen(name) + 1;
    if (objects->length + length > DdlObjects::room)
        return;
    memcpy(objects->names + objects->length, name, length);
    objects->length += length;
}

void add_relation_by_oid(DdlObjects *objects, Oid relation) {
    if (char *name = OidIsValid(relation) ? get_rel_name(relation) : nullptr)
        add(objects, name);
}

// The table, too, when it is an index.
void add_relation(DdlObjects *objects, const RangeVar *relation) {
    if (!relation)
        return;
    add(objects, relation->relname);
    if (relation->relpersistence == RELPERSISTENCE_TEMP) {
        objects->is_temporary = true;
        return;
    }
    const Oid known = RangeVarGetRelid(relation, NoLock, true);
    if (OidIsValid(known) && get_rel_persistence(known) == RELPERSISTENCE_TEMP)
        objects->is_temporary = true;
    else
        objects->is_lasting = true;
    if (!OidIsValid(known))
        return;
    const char kind = get_rel_relkind(known);
    if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
        add_relation_by_oid(objects, IndexGetRelation(known, true));
}

void add_relations(DdlObjects *objects, const List *relations) {
    ListCell *cell;
    foreach (cell, relations)
        if (IsA(lfirst(cell), RangeVar))
            add_relation(objects, static_cast<const RangeVar *>(lfirst(cell)));
}

// What the query of a view reads.
bool add_relations_of_query(Node *node, void *objects) {
    if (!node)
        return false;
    if (IsA(node, RangeVar)) {
        add(static_cast<DdlObjects *>(objects), as<RangeVar>(node)->relname);
        return false;
    }
    return compat::walk_raw(node, add_relations_of_query, objects);
}

void add_last_name(DdlObjects *objects, const List *names) {
    if (names != NIL)
        add(objects, strVal(llast(names)));
}

void add_statistics(DdlObjects *objects, List *names) {
    add_last_name(objects, names);
    const Oid known = get_statistics_object_oid(names, true);
    if (!OidIsValid(known))
        return;
    const HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(known));
    if (!HeapTupleIsValid(tuple))
        return;
    add_relation_by_oid(objects, reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(tuple))->stxrelid);
    ReleaseSysCache(tuple);
}

// The object of a DROP, RENAME or the like, as the grammar gives it for its kind.
void add_object(DdlObjects *objects, ObjectType type, Node *object) {
    if (!object)
        return;
    List *names = IsA(object, List) ? as<List>(object) : NIL;
    switch (type) {
    case OBJECT_TABLE:
    case OBJECT_INDEX:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_FOREIGN_TABLE:
        if (names != NIL)
            add_relation(objects, makeRangeVarFromNameList(names));
        break;
    case OBJECT_STATISTIC_EXT:
        if (names != NIL)
            add_statistics(objects, names);
        break;
    case OBJECT_TRIGGER:
    case OBJECT_RULE:
    case OBJECT_POLICY:
        // table name, then its own
        if (list_length(names) >= 2) {
            add_last_name(objects, names);
            add_relation(objects, makeRangeVarFromNameList(list_copy_head(names, list_length(names) - 1)));
        }
        break;
    default:
        if (IsA(object, ObjectWithArgs))
            add_last_name(objects, as<ObjectWithArgs>(object)->objname);
        else if (names != NIL && IsA(llast(names), String))
            add_last_name(objects, names);
        else if (IsA(object, String))
            add(objects, strVal(object));
    }
}

bool may_hold_secret(const VariableSetStmt *statement) {
    return statement && statement->name &&
           (strstr(statement->name, "conninfo") || strstr(statement->name, "passphrase") ||
            strstr(statement->name, "command") || strstr(statement->name, "password"));
}

void add_setting(DdlObjects *objects, const VariableSetStmt *statement) {
    if (statement)
        add(objects, statement->name);
}

bool collect(Node *statement, DdlObjects *objects) {
    switch (nodeTag(statement)) {
    case T_CreateStmt:
        add_relation(objects, as<CreateStmt>(statement)->relation);
        add_relations(objects, as<CreateStmt>(statement)->inhRelations);
        return true;
    case T_CreateForeignTableStmt:
        add_relation(objects, as<CreateForeignTableStmt>(statement)->base.relation);
        return true;
    case T_CreateTableAsStmt:
        if (as<CreateTableAsStmt>(statement)->into)
            add_relation(objects, as<CreateTableAsStmt>(statement)->into->rel);
        return true;
    case T_IndexStmt:
        add(objects, as<IndexStmt>(statement)->idxname);
        add_relation(objects, as<IndexStmt>(statement)->relation);
        return true;
    case T_AlterTableStmt: {
        const AlterTableStmt *alter = as<AlterTableStmt>(statement);
        add_relation(objects, alter->relation);
        ListCell *cell;
        foreach (cell, alter->cmds) {
            const AlterTableCmd *command = static_cast<const AlterTableCmd *>(lfirst(cell));
            if (IsA(command, AlterTableCmd) && command->def && IsA(command->def, PartitionCmd))
                add_relation(objects, as<PartitionCmd>(command->def)->name);
        }
        return true;
    }
    case T_ViewStmt:
        add_relation(objects, as<ViewStmt>(statement)->view);
        add_relations_of_query(as<ViewStmt>(statement)->query, objects);
        return true;
    case T_CreateStatsStmt:
        add_last_name(objects, as<CreateStatsStmt>(statement)->defnames);
        add_relations(objects, as<CreateStatsStmt>(statement)->relations);
        return true;
    case T_AlterStatsStmt:
        add_statistics(objects, as<AlterStatsStmt>(statement)->defnames);
        return true;
    case T_CreateFunctionStmt:
        add_last_name(objects, as<CreateFunctionStmt>(statement)->funcname);
        return true;
    case T_AlterFunctionStmt:
        if (as<AlterFunctionStmt>(statement)->func)
            add_last_name(objects, as<AlterFunctionStmt>(statement)->func->objname);
        return true;
    case T_CreateTrigStmt:
        add(objects, as<CreateTrigStmt>(statement)->trigname);
        add_relation(objects, as<CreateTrigStmt>(statement)->relation);
        return true;
    case T_RuleStmt:
        add_relation(objects, as<RuleStmt>(statement)->relation);
        return true;
    case T_CreatePolicyStmt:
        add_relation(objects, as<CreatePolicyStmt>(statement)->table);
        return true;
    case T_AlterPolicyStmt:
        add_relation(objects, as<AlterPolicyStmt>(statement)->table);
        return true;
    case T_DropStmt: {
        // What else goes, nobody knows.
        objects->is_lasting = as<DropStmt>(statement)->behavior == DROP_CASCADE;
        ListCell *cell;
        foreach (cell, as<DropStmt>(statement)->objects)
            add_object(objects, as<DropStmt>(statement)->removeType, static_cast<Node *>(lfirst(cell)));
        return true;
    }
    case T_RenameStmt: {
        const RenameStmt *rename = as<RenameStmt>(statement);
        if (rename->renameType == OBJECT_ROLE || rename->renameType == OBJECT_DATABASE)
            return false;
        add_relation(objects, rename->relation);
        if (!rename->relation)
            add_object(objects, rename->renameType, rename->object);
        if (rename->renameType != OBJECT_COLUMN && rename->renameType != OBJECT_TABCONSTRAINT)
            add(objects, rename->newname);
        return true;
    }
    case T_AlterObjectSchemaStmt:
        add_relation(objects, as<AlterObjectSchemaStmt>(statement)->relation);
        if (!as<AlterObjectSchemaStmt>(statement)->relation)
            add_object(objects, as<AlterObjectSchemaStmt>(statement)->objectType,
                       as<AlterObjectSchemaStmt>(statement)->object);
        return true;
    case T_ReindexStmt:
        add_relation(objects, as<ReindexStmt>(statement)->relation);
        return true;
    case compat::cluster_tag:
        add_relation(objects, compat::clustered_relation(statement));
        add(objects, compat::clustering_index(statement));
        return true;
    case T_VacuumStmt: {
        ListCell *cell;
        foreach (cell, as<VacuumStmt>(statement)->rels)
            add_relation(objects, static_cast<const VacuumRelation *>(lfirst(cell))->relation);
        return true;
    }
    case T_AlterSystemStmt:
        add_setting(objects, as<AlterSystemStmt>(statement)->setstmt);
        return !may_hold_secret(as<AlterSystemStmt>(statement)->setstmt);
    case T_AlterDatabaseSetStmt:
        add_setting(objects, as<AlterDatabaseSetStmt>(statement)->setstmt);
        return !may_hold_secret(as<AlterDatabaseSetStmt>(statement)->setstmt);
    case T_AlterRoleSetStmt:
        add_setting(objects, as<AlterRoleSetStmt>(statement)->setstmt);
        return !may_hold_secret(as<AlterRoleSetStmt>(statement)->setstmt);
    case T_CreateExtensionStmt:
        add(objects, as<CreateExtensionStmt>(statement)->extname);
        return true;
    case T_AlterExtensionStmt:
        add(objects, as<AlterExtensionStmt>(statement)->extname);
        return true;
    default:
        return false;
    }
}

} // namespace

bool ddl_objects_of(Node *statement, DdlObjects *objects) {
    objects->length = 0;
    objects->is_temporary = objects->is_lasting = false;
    bool is_ddl = false;
    // Names that cannot be looked up (another database's, a schema without the right to use it) raise: the statement
    // itself will complain. A cancel that arrives meanwhile is served in it, too.
    HOLD_INTERRUPTS();
    const bool done = catch_errors([=, &is_ddl] { is_ddl = collect(statement, objects); });
    RESUME_INTERRUPTS();
    objects->is_temporary = objects->is_temporary && !objects->is_lasting;
    return done && is_ddl;
}

} // namespace dbperf::schema_changes
