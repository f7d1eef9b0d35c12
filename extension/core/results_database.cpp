#include "core/pg.h"

#include "core/results_database.h"

#include "core/made_database.h"
#include "core/settings.h"

namespace dbperf::core::results_database {
namespace {

constexpr const char *provider = "dbperf";
constexpr const char *label = "results database";
constexpr Oid label_class = SharedSecLabelRelationId;

Oid remembered() {
    Relation labels = table_open(SharedSecLabelRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_shseclabel_classoid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(label_class));
    ScanKeyInit(&keys[1], Anum_pg_shseclabel_provider, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(provider));
    SysScanDesc scan = systable_beginscan(labels, InvalidOid, false, nullptr, 2, keys);
    Oid found = InvalidOid;
    if (HeapTuple tuple = systable_getnext(scan))
        found = reinterpret_cast<Form_pg_shseclabel>(GETSTRUCT(tuple))->objoid;
    systable_endscan(scan);
    table_close(labels, AccessShareLock);
    return found;
}

bool takes_results(Oid database) {
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto *form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    const bool takes = !form->datistemplate && form->datallowconn;
    ReleaseSysCache(tuple);
    return takes;
}

bool is_test_database(Oid database) {
    const char *database_name = get_database_name(database);
    return database_name && made_database::is_ours(database, database_name);
}

char *unused = nullptr;

const char *show() {
    static NameData shown;
    const char *found = IsTransactionState() && OidIsValid(MyDatabaseId) ? name() : nullptr;
    namestrcpy(&shown, found ? found : "");
    return NameStr(shown);
}

} // namespace

void install() {
    DefineCustomStringVariable("dbperf.results_database", "Shows which database keeps the results.", nullptr, &unused,
                               "", PGC_INTERNAL, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, nullptr,
                               nullptr, show);
}

bool is_configured() {
    return settings::database && settings::database[0] != '\0';
}

Oid current() {
    if (is_configured())
        return get_database_oid(settings::database, true);
    const Oid database = remembered();
    return OidIsValid(database) && takes_results(database) ? database : InvalidOid;
}

const char *name() {
    if (is_configured())
        return pstrdup(settings::database);
    const Oid database = current();
    return OidIsValid(database) ? get_database_name(database) : nullptr;
}

void require() {
    if (is_configured() || OidIsValid(current()))
        return;
    const Oid before = remembered();
    const char *unusable = OidIsValid(before) ? get_database_name(before) : nullptr;
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("this server has no results database"),
            !OidIsValid(before) ? 0
            : unusable          ? errdetail("Database \"%s\" was it, and is a template or closed now.", unusable)
                                : errdetail("The one that was it has been dropped."),
            errhint("Set dbperf.database to a database that has the extension, or let a superuser call "
                    "dbperf.choose_results_database() in it."));
}

Oid choose(bool only_if_none) {
    if (!superuser())
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("permission denied to choose the results database"),
                errhint("A superuser chooses it, here or by dbperf.database."));
    // Until the end of the transaction: who comes second sees whom the first one chose.
    LockRelationOid(SharedSecLabelRelationId, ShareRowExclusiveLock);
    const Oid before = remembered();
    const bool known = OidIsValid(before) && takes_results(before);
    const bool takes = takes_results(MyDatabaseId) && !is_test_database(MyDatabaseId);
    if (only_if_none && (known || !takes))
        return known ? before : InvalidOid;
    if (!takes)
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("database \"%s\" cannot keep the results: it is a template or a test database",
                       get_database_name(MyDatabaseId)),
                errhint("Choose a database that lasts."));
    if (OidIsValid(before))
        DeleteSharedSecurityLabel(before, label_class);
    CommandCounterIncrement();
    const ObjectAddress address{label_class, MyDatabaseId, 0};
    SetSecurityLabel(&address, provider, label);
    CommandCounterIncrement();
    return MyDatabaseId;
}

} // namespace dbperf::core::results_database
