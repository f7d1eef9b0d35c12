#include "core/pg.h"

#include "database_pool/copy_database.h"

#include <algorithm>

#include "core/guard.h"
#include "core/made_database.h"
#include "database_pool/registry.h"

namespace dbperf::database_pool::copy_database {
using namespace core;
using namespace core::made_database;

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

// Rows of a shared catalog that name the database by one column, again for another one.
void copy_rows(Oid catalog, Oid index, AttrNumber column, AttrNumber class_column, Oid from, Oid to) {
    Relation relation = table_open(catalog, RowExclusiveLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(from));
    if (class_column != 0)
        ScanKeyInit(&keys[1], class_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(DatabaseRelationId));
    SysScanDesc scan = systable_beginscan(relation, index, true, nullptr, class_column == 0 ? 1 : 2, keys);
    const auto width = static_cast<size_t>(RelationGetNumberOfAttributes(relation));
    auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * width));
    auto *nulls = static_cast<bool *>(palloc0(width));
    auto *replaced = static_cast<bool *>(palloc0(width));
    values[column - 1] = ObjectIdGetDatum(to);
    replaced[column - 1] = true;
    while (HeapTuple tuple = systable_getnext(scan))
        CatalogTupleInsert(relation, heap_modify_tuple(tuple, RelationGetDescr(relation), values, nulls, replaced));
    systable_endscan(scan);
    table_close(relation, RowExclusiveLock);
}

// Who may connect and create, and how many may; a new database is open to everybody.
void copy_rights(HeapTuple from, Oid to) {
    Relation databases = table_open(DatabaseRelationId, RowExclusiveLock);
    HeapTuple tuple = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(to));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for database %u", to);
    Datum values[Natts_pg_database] = {};
    bool nulls[Natts_pg_database] = {};
    bool replaced[Natts_pg_database] = {};
    bool is_null;
    const Datum rights = SysCacheGetAttr(DATABASEOID, from, Anum_pg_database_datacl, &is_null);
    values[Anum_pg_database_datacl - 1] = rights;
    nulls[Anum_pg_database_datacl - 1] = is_null;
    values[Anum_pg_database_datconnlimit - 1] = Int32GetDatum(form_of(from)->datconnlimit);
    replaced[Anum_pg_database_datacl - 1] = replaced[Anum_pg_database_datconnlimit - 1] = true;
    HeapTuple changed = heap_modify_tuple(tuple, RelationGetDescr(databases), values, nulls, replaced);
    CatalogTupleUpdate(databases, &tuple->t_self, changed);
    if (!is_null) {
        Oid *roles;
        const int count = aclmembers(DatumGetAclP(rights), &roles);
        updateAclDependencies(DatabaseRelationId, to, 0, form_of(from)->datdba, 0, nullptr, count, roles);
    }
    table_close(databases, RowExclusiveLock);
}

constexpr const char *find_all_sql = R"(
SELECT d.oid, d.datdba, d.datname, pg_catalog.substring(c.comment, 'a copy of (.*)$'),
       pg_catalog.substring(c.comment, ': kept since (\d{4}-\d\d-\d\dT[0-9:.]+\+00:00),')::timestamptz,
       pg_catalog.pg_database_size(d.oid)
  FROM pg_catalog.pg_database d
  CROSS JOIN LATERAL pg_catalog.shobj_description(d.oid, 'pg_database') AS c (comment)
 WHERE (pg_catalog.starts_with(d.datname::text, '%s') OR pg_catalog.starts_with(d.datname::text, '%s'))
   AND pg_catalog.starts_with(c.comment, '%s')
 ORDER BY d.oid LIMIT %d)";

void execute(const char *sql) {
    SPI_connect();
    SPI_execute(sql, false, 0);
    SPI_finish();
}

} // namespace

Oid create(const Request &request) {
    // It keeps its name until it is copied.
    LockSharedObject(DatabaseRelationId, request.original, 0, AccessShareLock);
    HeapTuple original = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(request.original));
    if (!HeapTupleIsValid(original))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_DATABASE), errmsg("the template is gone"));
    HeapTuple source = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(request.source));
    const bool has_source = HeapTupleIsValid(source);
    if (!has_source)
        source = original;
    CreatedbStmt *statement = makeNode(CreatedbStmt);
    statement->dbname = pstrdup(request.name);
    statement->options =
        list_make3(text_option("template", NameStr(form_of(original)->datname)),
                   text_option("owner", GetUserNameFromId(form_of(source)->datdba, false)),
                   text_option("strategy", request.strategy == CopyStrategy::wal_log ? "wal_log" : "file_copy"));
    if (request.is_template)
        statement->options = lappend(lappend(statement->options, flag_option("is_template", true)),
                                     flag_option("allow_connections", false));
    ParseState *state = make_parsestate(nullptr);
    const Oid database = createdb(state, statement);
    CommandCounterIncrement();
    CreateSharedComments(database, DatabaseRelationId, psprintf("%s%s", mark, request.note));
    copy_rights(source, database);
    const Oid from = has_source ? request.source : request.original;
    copy_rows(DbRoleSettingRelationId, DbRoleSettingDatidRolidIndexId, Anum_pg_db_role_setting_setdatabase, 0, from,
              database);
    copy_rows(SharedSecLabelRelationId, SharedSecLabelObjectIndexId, Anum_pg_shseclabel_objoid,
              Anum_pg_shseclabel_classoid, from, database);
    return database;
}

bool drop(Oid database, const NameData &name, ErrorData **error) {
    if (CountDBBackends(database) > 0)
        return false;
    static NameData known;
    known = name;
    // Nobody renames it, nor takes its name, while the lock is held.
    const auto look = [](Oid the_database, bool *is_template) {
        LockSharedObject(DatabaseRelationId, the_database, 0, AccessExclusiveLock);
        HeapTuple tuple = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(the_database));
        // Already gone, or renamed by somebody who wants to keep it.
        if (!HeapTupleIsValid(tuple) || !has_prefix(NameStr(form_of(tuple)->datname)))
            return false;
        const bool is_known = strcmp(NameStr(form_of(tuple)->datname), NameStr(known)) == 0;
        known = form_of(tuple)->datname;
        *is_template = form_of(tuple)->datistemplate;
        return is_known || is_ours(the_database, NameStr(known));
    };
    const bool prepared = attempt_transaction(
        [database, look] {
            bool is_template = false;
            if (look(database, &is_template) && is_template)
                execute(psprintf("ALTER DATABASE %s IS_TEMPLATE false", quote_identifier(NameStr(known))));
        },
        error);
    return prepared && attempt_transaction(
                           [database, look] {
                               bool is_template = false;
                               if (look(database, &is_template))
                                   dropdb(NameStr(known), true, false);
                           },
                           error);
}

void note_kept(Oid database, const char *source_name) {
    char moment[129]; // MAXDATELEN
    const int utc = 0;
    JsonEncodeDateTime(moment, TimestampTzGetDatum(GetCurrentTimestamp()), TIMESTAMPTZOID, &utc);
    CreateSharedComments(database, DatabaseRelationId,
                         psprintf("%skept since %s, test database, a copy of %s", mark, moment, source_name));
}

size_t find_all(std::span<Existing> found) {
    SPI_connect();
    const char *sql = psprintf(find_all_sql, copy_prefix, template_prefix, mark, static_cast<int>(found.size()));
    if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not look for test databases");
    const size_t count = std::min(static_cast<size_t>(SPI_processed), found.size());
    for (size_t row = 0; row < count; ++row) {
        const auto value = [row](int column, bool *is_null) {
            return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
        };
        bool is_null = false;
        Existing &each = found[row];
        each.database = DatumGetObjectId(value(1, &is_null));
        each.owner = DatumGetObjectId(value(2, &is_null));
        namestrcpy(&each.name, NameStr(*DatumGetName(value(3, &is_null))));
        const char *source = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 4);
        namestrcpy(&each.source_name, source ? source : "");
        const Datum since = value(5, &is_null);
        each.kept_since = is_null ? 0 : DatumGetTimestampTz(since);
        const Datum size = value(6, &is_null);
        each.size = is_null ? 0 : static_cast<uint64>(DatumGetInt64(size));
    }
    SPI_finish();
    return count;
}

void make_name(NameData *name, const char *prefix) {
    uint64 random;
    if (!pg_strong_random(&random, sizeof(random)))
        random = static_cast<uint64>(GetCurrentTimestamp());
    snprintf(NameStr(*name), NAMEDATALEN, "%s%012llx", prefix,
             static_cast<unsigned long long>(random & 0xffffffffffffULL));
}

} // namespace dbperf::database_pool::copy_database
