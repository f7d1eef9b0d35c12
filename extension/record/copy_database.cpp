// See the header.
#include "server/pg.h"

#include "record/copy_database.h"

#include "observe/test_databases.h"
#include "server/guard.h"

namespace dbperf::copy_database {
namespace {

DefElem *text_option(const char *name, const char *value) {
    return makeDefElem(pstrdup(name), reinterpret_cast<Node *>(makeString(pstrdup(value))), -1);
}

DefElem *flag_option(const char *name, bool value) {
    return makeDefElem(pstrdup(name), reinterpret_cast<Node *>(makeBoolean(value)), -1);
}

Form_pg_database form_of(HeapTuple tuple) {
    return reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
}

void copy_settings(Oid from, Oid to) {
    Relation settings = table_open(DbRoleSettingRelationId, RowExclusiveLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(from));
    SysScanDesc scan = systable_beginscan(settings, DbRoleSettingDatidRolidIndexId, true, nullptr, 1, &key);
    while (HeapTuple tuple = systable_getnext(scan)) {
        Datum values[Natts_pg_db_role_setting] = {};
        bool nulls[Natts_pg_db_role_setting] = {};
        bool replaced[Natts_pg_db_role_setting] = {};
        values[Anum_pg_db_role_setting_setdatabase - 1] = ObjectIdGetDatum(to);
        replaced[Anum_pg_db_role_setting_setdatabase - 1] = true;
        CatalogTupleInsert(settings, heap_modify_tuple(tuple, RelationGetDescr(settings), values, nulls, replaced));
    }
    systable_endscan(scan);
    table_close(settings, RowExclusiveLock);
}

bool has_prefix(const char *name) {
    return strncmp(name, test_databases::copy_prefix, strlen(test_databases::copy_prefix)) == 0 ||
           strncmp(name, test_databases::template_prefix, strlen(test_databases::template_prefix)) == 0;
}

void execute(const char *sql) {
    SPI_connect();
    SPI_execute(sql, false, 0);
    SPI_finish();
}

} // namespace

Oid create(const Request &request) {
    HeapTuple original = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(request.original));
    if (!HeapTupleIsValid(original))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_DATABASE), errmsg("the template is gone"));
    CreatedbStmt *statement = makeNode(CreatedbStmt);
    statement->dbname = pstrdup(request.name);
    statement->options =
        list_make3(text_option("template", NameStr(form_of(original)->datname)),
                   text_option("owner", GetUserNameFromId(form_of(original)->datdba, false)),
                   text_option("strategy", request.strategy == CopyStrategy::wal_log ? "wal_log" : "file_copy"));
    if (request.is_template)
        statement->options = lappend(lappend(statement->options, flag_option("is_template", true)),
                                     flag_option("allow_connections", false));
    ParseState *state = make_parsestate(nullptr);
    const Oid database = createdb(state, statement);
    CreateSharedComments(database, DatabaseRelationId, psprintf("%s%s", test_databases::mark, request.note));
    copy_settings(request.original, database);
    return database;
}

bool is_ours(Oid database, const char *name) {
    if (!has_prefix(name))
        return false;
    bool ours = false;
    SPI_connect();
    const char *sql = psprintf("SELECT pg_catalog.starts_with(pg_catalog.shobj_description(%u, 'pg_database'), '%s')",
                               database, test_databases::mark);
    if (SPI_execute(sql, true, 1) == SPI_OK_SELECT && SPI_processed == 1) {
        bool is_null;
        const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
        ours = !is_null && DatumGetBool(value);
    }
    SPI_finish();
    return ours;
}

bool drop(Oid database, ErrorData **error) {
    if (CountDBBackends(database) > 0)
        return false;
    static NameData name;
    static bool ours;
    ours = false;
    const bool prepared = attempt_transaction(
        [database] {
            HeapTuple tuple = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(database));
            if (!HeapTupleIsValid(tuple))
                return;
            name = form_of(tuple)->datname;
            ours = is_ours(database, NameStr(name));
            if (ours && form_of(tuple)->datistemplate)
                execute(psprintf("ALTER DATABASE %s IS_TEMPLATE false", quote_identifier(NameStr(name))));
        },
        error);
    if (!prepared)
        return false;
    // Already gone, or renamed by somebody who wants to keep it.
    if (!ours)
        return true;
    return attempt_transaction([] { dropdb(NameStr(name), true, false); }, error);
}

void visit_all(void (*visit)(Oid, const char *)) {
    Relation databases = table_open(DatabaseRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(databases, InvalidOid, false, nullptr, 0, nullptr);
    while (HeapTuple tuple = systable_getnext(scan)) {
        const Oid database = form_of(tuple)->oid;
        const char *name = pstrdup(NameStr(form_of(tuple)->datname));
        if (is_ours(database, name))
            visit(database, name);
    }
    systable_endscan(scan);
    table_close(databases, AccessShareLock);
}

void make_name(NameData *name, const char *prefix) {
    uint64 random;
    if (!pg_strong_random(&random, sizeof(random)))
        random = static_cast<uint64>(GetCurrentTimestamp());
    snprintf(NameStr(*name), NAMEDATALEN, "%s%012llx", prefix,
             static_cast<unsigned long long>(random & 0xffffffffffffULL));
}

} // namespace dbperf::copy_database
