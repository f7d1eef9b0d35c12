#include "core/pg.h"

#include "core/captured_role.h"

#include <algorithm>
#include <array>

#include "core/compat.h"

namespace dbperf::core::captured_role {
namespace {

// What else a statement's result or plan depends on.
constexpr std::array others = {"DateStyle",
                               "IntervalStyle",
                               "TimeZone",
                               "array_nulls",
                               "extra_float_digits",
                               "lc_time",
                               "row_security",
                               "transform_null_equals",
                               "xmlbinary",
                               "bytea_output",
                               "lc_monetary",
                               "standard_conforming_strings",
                               "lo_compat_privileges",
                               "xmloption",
                               "lc_numeric",
                               "default_text_search_config"};

bool is_own(const char *name) {
    return strncmp(name, "dbperf.", 7) == 0;
}

bool is_of_statements(const config_generic &setting) {
    if ((setting.flags & (GUC_NOT_WHILE_SEC_REST | GUC_SUPERUSER_ONLY)) != 0 || is_own(setting.name) ||
        (setting.context != PGC_USERSET && setting.context != PGC_SUSET))
        return false;
    return strchr(setting.name, '.') != nullptr || (setting.flags & GUC_EXPLAIN) != 0 ||
           std::any_of(others.begin(), others.end(),
                       [&setting](const char *name) { return strcmp(name, setting.name) == 0; });
}

void set_as(const char *name, const char *value, GucContext context) {
    set_config_option(name, value, context, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

// One row of pg_db_role_setting.
void set_array(ArrayType *settings) {
    Datum *texts;
    bool *nulls;
    int count;
    deconstruct_array(settings, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
    for (int i = 0; i < count; ++i) {
        char *name = nulls[i] ? nullptr : TextDatumGetCString(texts[i]);
        char *equals = name ? strchr(name, '=') : nullptr;
        if (!equals)
            continue;
        *equals = '\0';
        bool is_known = false;
        compat::visit_settings([=, &is_known](const config_generic &setting) {
            if (pg_strcasecmp(name, setting.name) != 0)
                return;
            is_known = true;
            // Whoever stored it was allowed to.
            if (is_of_statements(setting))
                set_as(setting.name, equals + 1, PGC_SUSET);
        });
        // Of a module that is not loaded here, or of nobody's.
        if (!is_known && strchr(name, '.') && !is_own(name))
            set_as(name, equals + 1, PGC_USERSET);
    }
}

void set_from(Relation catalog, Oid database, Oid role) {
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(database));
    ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
    SysScanDesc scan = systable_beginscan(catalog, DbRoleSettingDatidRolidIndexId, true, nullptr, 2, keys);
    for (HeapTuple row; HeapTupleIsValid(row = systable_getnext(scan));) {
        bool is_null;
        const Datum settings =
            heap_getattr(row, Anum_pg_db_role_setting_setconfig, RelationGetDescr(catalog), &is_null);
        if (!is_null)
            set_array(DatumGetArrayTypePCopy(settings));
    }
    systable_endscan(scan);
}

} // namespace

Oid named(const char *name) {
    const Oid role = get_role_oid(name, true);
    if (!OidIsValid(role))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\" does not exist", name),
                errhint("What was seen of a role is executed only as that role."));
    return role;
}

void require(Oid role) {
    const Oid caller = GetUserId();
    if (role == caller || superuser_arg(caller))
        return;
    if (superuser_arg(role) || !compat::may_become(caller, role))
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("the statement is of role \"%s\", which the current role may not become",
                       GetUserNameFromId(role, false)),
                errhint("Connect as a superuser or as a member of that role."));
}

void append_settings(StringInfo texts) {
    compat::visit_settings([texts](const config_generic &setting) {
        if (setting.source < PGC_S_USER || setting.source == PGC_S_OVERRIDE || !is_of_statements(setting) ||
            strcmp(setting.name, "search_path") == 0)
            return;
        const char *value = GetConfigOption(setting.name, true, false);
        if (!value)
            return;
        appendBinaryStringInfo(texts, setting.name, static_cast<int>(strlen(setting.name)) + 1);
        appendBinaryStringInfo(texts, value, static_cast<int>(strlen(value)) + 1);
    });
}

void set(const char *name, const char *value) {
    if (!is_own(name))
        set_as(name, value, superuser() ? PGC_SUSET : PGC_USERSET);
}

void set_all_of(Oid role) {
    Relation catalog = table_open(DbRoleSettingRelationId, AccessShareLock);
    set_from(catalog, InvalidOid, role);
    set_from(catalog, MyDatabaseId, role);
    table_close(catalog, AccessShareLock);
}

bool is_session_of(Oid role) {
    return GetSessionUserId() == role && GetOuterUserId() == role;
}

Before enter(Oid role, Deferring deferring) {
    Before before;
    GetUserIdAndSecContext(&before.user, &before.context);
    const int restricted = deferring == Deferring::yes && is_session_of(role) ? 0 : SECURITY_RESTRICTED_OPERATION;
    SetUserIdAndSecContext(role, before.context | SECURITY_LOCAL_USERID_CHANGE | restricted);
    before.nesting = NewGUCNestLevel();
    return before;
}

void leave(const Before &before) {
    AtEOXact_GUC(false, before.nesting);
    SetUserIdAndSecContext(before.user, before.context);
}

} // namespace dbperf::core::captured_role
