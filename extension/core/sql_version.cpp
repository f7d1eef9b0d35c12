#include "core/pg.h"

#include "core/sql_version.h"

#include <algorithm>
#include <cstdlib>

namespace dbperf::core::sql_version {
namespace {

// Numbers between dots, compared one by one; what is no number counts as 0.
bool is_older(const char *left, const char *right) {
    while (*left != '\0' || *right != '\0') {
        char *left_end = nullptr;
        char *right_end = nullptr;
        const long a = strtol(left, &left_end, 10);
        const long b = strtol(right, &right_end, 10);
        if (a != b)
            return a < b;
        left = left_end + (*left_end != '\0');
        right = right_end + (*right_end != '\0');
    }
    return false;
}

} // namespace

const char *installed() {
    Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("dbperf"));
    SysScanDesc scan = systable_beginscan(extensions, ExtensionNameIndexId, true, nullptr, 1, &key);
    const char *version = nullptr;
    if (HeapTuple tuple = systable_getnext(scan)) {
        bool is_null = true;
        const Datum value = heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(extensions), &is_null);
        version = is_null ? "" : text_to_cstring(DatumGetTextPP(value));
    }
    systable_endscan(scan);
    table_close(extensions, AccessShareLock);
    return version;
}

bool is_current(const char *version) {
    return strcmp(version, DBPERF_VERSION) == 0;
}

const char *remedy(const char *version) {
    return is_older(version, DBPERF_VERSION)
               ? "Run ALTER EXTENSION dbperf UPDATE in this database; what is stored stays."
               : "Restart the server so that it loads the library that came with the extension, or install that.";
}

void require() {
    const char *version = installed();
    if (!version || is_current(version))
        return;
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("the extension dbperf of database \"%s\" is of version %s, the loaded library of %s",
                   get_database_name(MyDatabaseId), version, DBPERF_VERSION),
            errhint("%s", remedy(version)));
}

} // namespace dbperf::core::sql_version
