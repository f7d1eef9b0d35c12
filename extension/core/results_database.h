// Which database keeps the results: dbperf.database, and while that is empty the one in which a superuser created the
// extension first.
//
// That one is remembered as a row of pg_shseclabel, so it comes and goes with the transaction that chose it, follows a
// rename, reaches standbys and can be read without a database. The row is of a class that nothing dumps or shows: a
// label of the database itself could not be restored into a server that does not load dbperf, and stopped pg_upgrade.
#pragma once

#include "core/pg.h"

namespace dbperf::core::results_database {

// Defines dbperf.results_database, which shows the name in databases without the extension, too.
void install();

bool is_configured();
// InvalidOid when there is none: nothing chosen, or it does not exist any more, or became a template. Reads catalogs.
Oid current();
// Its name, palloc'd; null when there is none. A configured database need not exist.
const char *name();
// Raises an error that says what to do when there is none.
void require();

// Makes this database the one that is remembered, until the next call; only_if_none: unless another one is, and never a
// test database or template. For superusers. Gives the one that is remembered then.
Oid choose(bool only_if_none);

} // namespace dbperf::core::results_database
