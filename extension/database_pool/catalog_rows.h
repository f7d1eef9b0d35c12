// Which rows of a copy's catalogs differ from its template's, read from the log record by record. What came and went
// is no difference, nor is a row about a temporary object, which ends with its session: whatever statement wrote it.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::catalog_rows {

struct Ledger;

// palloc'd. The template is the database `original`.
Ledger *open(Oid database, Oid original);

// A record of the heap about a catalog of the copy, in the order of the log.
void note(Ledger *ledger, XLogReaderState *record, Oid space, uint32 file);

struct Differences {
    uint32 definitions;
    uint32 statistics; // what VACUUM and ANALYZE write
    uint32 large_objects;
};
Differences close(Ledger *ledger);

} // namespace dbperf::database_pool::catalog_rows
