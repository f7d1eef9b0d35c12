// Names and texts in the rows that the recorder writes. Databases and roles may be gone by then.
#pragma once

#include "core/pg.h"

#include "core/row_builder.h"
#include "statements/statement_table.h"

namespace dbperf::statements {

const char *database_name(Oid database);
const char *role_name(Oid role);
// Stores the text of a statement if it is not stored and still known.
void store_query_text(uint64 fingerprint);
// Null if it has none.
const char *query_name(uint64 name);

// In the order of its columns: shared blocks, temporary blocks, WAL.
void add_usage(core::RowBuilder *row, const Usage &usage);

} // namespace dbperf::statements
