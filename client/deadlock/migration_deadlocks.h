// Owns deadlocks between a migration and the transactions that a run saw: the migration is tried in a copy, what it
// locks is matched with what they locked, and on request each prediction is made to happen in another copy.
#pragma once

#include "deadlock/lock_cycle.h"
#include "migration/migration_file.h"
#include "postgres/connection.h"
#include "terminal/progress.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct MigrationDeadlock {
    PredictedCycle cycle;
    std::string statement;                // of the migration, that requests what the application holds
    std::vector<std::string> transaction; // of the application: its statements, up to the one that waits
    std::string advice;
};

struct MigrationDeadlocks {
    std::string run;    // in which the migration's locks were seen; "": there was nothing to match them with
    std::string reason; // why, then
    std::vector<MigrationDeadlock> deadlocks;
};

struct MigrationDeadlockRequest {
    std::string from;     // database
    std::string workload; // label of the run
    std::vector<migration::Migration> migrations;
    std::string lock_timeout;
    bool confirm = false;
    int step_timeout_s = 60;
};

MigrationDeadlocks find_migration_deadlocks(const postgres::ConnectionTarget &target,
                                            const MigrationDeadlockRequest &request, terminal::Progress &progress);

long long count_confirmed(const MigrationDeadlocks &found);
std::string render_migration_deadlocks(const MigrationDeadlocks &found, const terminal::Style &style);
nlohmann::ordered_json migration_deadlocks_json(const MigrationDeadlocks &found);

} // namespace dbperf::client::deadlock
