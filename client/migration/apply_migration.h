// Owns applying migrations to a database and observing what they do there: time, locks, rewritten files, WAL.
#pragma once

#include "migration/migration_effect.h"
#include "migration/migration_file.h"
#include "postgres/connection.h"
#include "terminal/progress.h"

#include <string>
#include <vector>

namespace dbperf::client::migration {

// In one session, file by file, each in one transaction where it can be, and with the settings and the role that a new
// session has: a dump empties search_path. The other database is where the locks are
// watched from. lock_timeout in PostgreSQL's spelling. Throws an environment error that names file, line and statement.
MigrationEffect apply_migrations(const postgres::ConnectionTarget &target,
                                 const postgres::ConnectionTarget &other_database,
                                 const std::vector<Migration> &migrations, const std::string &lock_timeout,
                                 terminal::Progress &progress);

// The same unobserved, of one file, in this session; what it sets stays until somebody begins anew.
void apply_migration(postgres::Connection &connection, const Migration &migration);

} // namespace dbperf::client::migration
