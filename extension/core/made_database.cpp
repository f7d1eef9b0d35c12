// A name alone can be anybody's; the comment is seldom changed by chance.
#include "core/pg.h"

#include "core/made_database.h"

namespace dbperf::core::made_database {

bool has_prefix(const char *name) {
    return strncmp(name, copy_prefix, strlen(copy_prefix)) == 0 ||
           strncmp(name, template_prefix, strlen(template_prefix)) == 0;
}

bool is_ours(Oid database, const char *name) {
    if (!has_prefix(name))
        return false;
    bool ours = false;
    SPI_connect();
    const char *sql = psprintf("SELECT pg_catalog.starts_with(pg_catalog.shobj_description(%u, 'pg_database'), '%s')",
                               database, mark);
    if (SPI_execute(sql, true, 1) == SPI_OK_SELECT && SPI_processed == 1) {
        bool is_null;
        const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
        ours = !is_null && DatumGetBool(value);
    }
    SPI_finish();
    return ours;
}

} // namespace dbperf::core::made_database
