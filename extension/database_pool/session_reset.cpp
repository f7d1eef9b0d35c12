#include "core/pg.h"

#include "database_pool/session_reset.h"

#include "core/guard.h"

namespace dbperf::database_pool::session_reset {
using namespace core;

namespace {

void drop_prepared() {
    SPI_connect();
    if (SPI_execute("SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql", true, 0) == SPI_OK_SELECT)
        for (uint64 row = 0; row < SPI_processed; ++row)
            DropPreparedStatement(SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1), false);
    SPI_finish();
}

} // namespace

void close_cursors() {
    if (!catch_errors([] { PortalHashTableDeleteAll(); }))
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE), errmsg("cannot reset a database within a loop over a query"),
                errhint("Call dbperf.reset_database() outside of loops of PL/pgSQL and other languages."));
}

void discard() {
    drop_prepared();
    SetPGVariable("session_authorization", NIL, false);
    ResetAllOptions();
    Async_UnlistenAll();
    LockReleaseAll(USER_LOCKMETHOD, true);
    ResetTempTableNamespace();
    ResetSequenceCaches();
}

} // namespace dbperf::database_pool::session_reset
