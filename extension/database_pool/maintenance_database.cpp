#include "core/pg.h"

#include "database_pool/maintenance_database.h"

namespace dbperf::database_pool::maintenance_database {
namespace {

constexpr const char *path = "pg_stat/dbperf_test_databases";

} // namespace

void note(Oid database) {
    FILE *file = AllocateFile(path, "w");
    if (!file || fputs(psprintf("%u\n", database), file) < 0)
        ereport(LOG, errcode_for_file_access(), errmsg("could not write file \"%s\": %m", path));
    if (file)
        FreeFile(file);
}

void forget() {
    unlink(path);
}

Oid recall() {
    FILE *file = AllocateFile(path, "r");
    if (!file)
        return InvalidOid;
    Oid database = InvalidOid;
    if (fscanf(file, "%u", &database) != 1)
        database = InvalidOid;
    FreeFile(file);
    char folder[64];
    snprintf(folder, sizeof(folder), "base/%u", database);
    return access(folder, F_OK) == 0 ? database : InvalidOid;
}

} // namespace dbperf::database_pool::maintenance_database
