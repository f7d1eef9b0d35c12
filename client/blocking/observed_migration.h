// Owns applying a migration to a copy while sessions execute the monitored queries there: before it, during it, and
// until they have ended.
#pragma once

#include "blocking/observed_block.h"
#include "migration/migration_file.h"
#include "postgres/connection.h"
#include "queries/query_runner.h"
#include "terminal/progress.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::blocking {

struct LoadRequest {
    int sessions = 4;
    std::string
        statement_timeout;    // of the queries, in PostgreSQL's spelling, as the next one; "" is the database's own
    std::string lock_timeout; // of the migration
};

struct ObservedMigration {
    std::string lock_timeout;     // that it was applied with; "" is its own, or the database's
    int sessions = 0;             // that worked at a time
    std::size_t all_sessions = 0; // with those that took the place of waiting ones
    double ms = 0;
    std::vector<StatementRecord> statements;
    std::vector<QueryRecord> queries;
    std::vector<Block> blocks;
    std::optional<MigrationFailure> failure; // that ended it; nothing of the copy is of use then
};

// `effect` is what the migration did where nobody else was. A migration that fails here is an observation.
ObservedMigration observe_migration(const postgres::ConnectionTarget &copy,
                                    const postgres::ConnectionTarget &other_database, const LoadRequest &request,
                                    std::vector<migration::Migration> migrations,
                                    const migration::MigrationEffect &effect,
                                    const std::vector<queries::PreparedQuery> &queries, terminal::Progress &progress);

} // namespace dbperf::client::blocking
