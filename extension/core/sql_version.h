// Which version of the extension's SQL a database has. The library may be newer (ALTER EXTENSION dbperf UPDATE has not
// been said) or older (the server has not been restarted); then columns and arguments are not what it expects.
#pragma once

#include "core/pg.h"

namespace dbperf::core::sql_version {

// Of this database, palloc'd; null: it does not have the extension. Needs a transaction.
const char *installed();
bool is_current(const char *version);
// What to do about another version: one sentence.
const char *remedy(const char *version);
// Raises an error when the extension of this database is of another version than the library.
void require();

} // namespace dbperf::core::sql_version
