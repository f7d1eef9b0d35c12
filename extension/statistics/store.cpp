#include "core/pg.h"

#include "statistics/store.h"

#include "core/sql_version.h"

namespace dbperf::statistics::store {
namespace {

using namespace core;

// Columns of the tables, as sql/imported_statistics.sql has them.
enum ImportColumn : AttrNumber { import_name = 1, import_in_catalogs, import_settings };
enum ObjectColumn : AttrNumber {
    object_name = 1,
    object_schema,
    object_relation,
    object_kind,
    object_object,
    object_inherited,
    object_missing,
    object_bound_to,
    object_data,
};

// InvalidOid unless it is a member of the extension, of the version that this library knows.
Oid own_relation(const char *name) {
    const char *version = sql_version::installed();
    if (!version || !sql_version::is_current(version))
        return InvalidOid;
    const Oid schema = get_namespace_oid("dbperf", true);
    const Oid relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
    if (!OidIsValid(relation) ||
        getExtensionOfObject(RelationRelationId, relation) != get_extension_oid("dbperf", true))
        return InvalidOid;
    return relation;
}

void set_key(ScanKeyData *key, AttrNumber column, const char *text) {
    ScanKeyEntryInitialize(key, 0, column, BTEqualStrategyNumber, TEXTOID, C_COLLATION_OID, F_TEXTEQ,
                           CStringGetTextDatum(text));
}

Datum value_of(HeapTuple tuple, Relation table, AttrNumber column, bool *is_null) {
    return heap_getattr(tuple, column, RelationGetDescr(table), is_null);
}

const char *text_of(HeapTuple tuple, Relation table, AttrNumber column) {
    bool is_null = true;
    const Datum value = value_of(tuple, table, column, &is_null);
    return is_null ? "" : TextDatumGetCString(value);
}

bool flag_of(HeapTuple tuple, Relation table, AttrNumber column) {
    bool is_null = true;
    const Datum value = value_of(tuple, table, column, &is_null);
    return !is_null && DatumGetBool(value);
}

Jsonb *json_of(HeapTuple tuple, Relation table, AttrNumber column) {
    bool is_null = true;
    const Datum value = value_of(tuple, table, column, &is_null);
    return is_null ? nullptr : DatumGetJsonbPCopy(value);
}

bool visit_rows(const char *index, ScanKeyData *keys, int count, Visit visit, void *context) {
    const Oid table = own_relation("statistics_object");
    const Oid of_index = OidIsValid(table) ? get_relname_relid(index, get_rel_namespace(table)) : InvalidOid;
    if (!OidIsValid(of_index) || IndexGetRelation(of_index, true) != table)
        return false;
    bool any = false;
    Relation objects = table_open(table, AccessShareLock);
    SysScanDesc scan = systable_beginscan(objects, of_index, true, nullptr, count, keys);
    while (HeapTuple tuple = systable_getnext(scan)) {
        CHECK_FOR_INTERRUPTS();
        any = true;
        visit({text_of(tuple, objects, object_kind), text_of(tuple, objects, object_object),
               flag_of(tuple, objects, object_inherited), flag_of(tuple, objects, object_missing),
               json_of(tuple, objects, object_data)},
              context);
    }
    systable_endscan(scan);
    table_close(objects, AccessShareLock);
    return any;
}

} // namespace

Import import_named(const char *name) {
    Import import{};
    const Oid table = own_relation("statistics_import");
    if (!OidIsValid(table))
        return import;
    Relation imports = table_open(table, AccessShareLock);
    ScanKeyData key;
    set_key(&key, import_name, name);
    SysScanDesc scan = systable_beginscan(imports, InvalidOid, false, nullptr, 1, &key);
    if (HeapTuple tuple = systable_getnext(scan)) {
        import.found = true;
        import.in_catalogs = flag_of(tuple, imports, import_in_catalogs);
        import.settings = json_of(tuple, imports, import_settings);
    }
    systable_endscan(scan);
    table_close(imports, AccessShareLock);
    return import;
}

bool visit_relation(const char *name, const char *schema, const char *relation, Visit visit, void *context) {
    ScanKeyData keys[3];
    set_key(&keys[0], object_name, name);
    set_key(&keys[1], object_schema, schema);
    set_key(&keys[2], object_relation, relation);
    return visit_rows("statistics_object_pkey", keys, 3, visit, context);
}

bool visit_object(const char *name, Oid object, Visit visit, void *context) {
    ScanKeyData keys[2];
    set_key(&keys[0], object_name, name);
    ScanKeyInit(&keys[1], object_bound_to, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
    return visit_rows("statistics_object_bound_to", keys, 2, visit, context);
}

} // namespace dbperf::statistics::store
