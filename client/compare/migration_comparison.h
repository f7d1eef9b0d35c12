// Owns judging a migration: two copies of one database, the migration applied to one of them, the same queries executed
// on both in turns. What the observations mean, the server says.
#pragma once

#include "blocking/observed_migration.h"
#include "compare/comparison.h"
#include "compare/lost_statistics.h"
#include "compare/production_copy.h"
#include "migration/migration_effect.h"
#include "migration/migration_file.h"
#include "postgres/connection.h"
#include "queries/query_file.h"
#include "queries/workload.h"
#include "terminal/progress.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::compare {

struct ComparisonRequest {
    std::string from;
    std::vector<migration::Migration> migrations;
    std::vector<queries::MonitoredQuery> queries;
    std::string workload; // label of the run whose statements are executed instead, "" without
    int samples = 40;     // executions of each query on each side, at least: half as many pairs
    std::optional<double> threshold_ms;
    std::string statement_timeout;    // of the queries, in PostgreSQL's spelling; "" is the database's own
    std::string lock_timeout = "10s"; // of the migrations
    bool keep_partial = false;        // an interrupt ends the measurement, not the comparison
    std::string statistics;           // a document of dbperf statistics export, "" without
    int load_sessions = 0;            // that execute the queries while the migration is applied once more; 0: it is not
    std::string load_lock_timeout;    // under which that is done a second time; "": it is not
};

struct MigrationComparison {
    std::string baseline; // labels of the stored runs
    std::string candidate;
    migration::MigrationEffect migration;
    std::vector<ComparedQuery> queries;          // one for each monitored query, in their order
    std::size_t not_judged = 0;                  // of them, the last, when it was interrupted
    std::vector<queries::LeftOutQuery> left_out; // of the workload
    UntilAnalyze until_analyze;
    std::optional<ProductionOutcome> production;     // with statistics
    std::vector<blocking::ObservedMigration> during; // with sessions, without a lock_timeout and with it
    bool during_interrupted = false;                 // an interrupt ended that
};

// Both copies are dropped in every case, those of a killed process by the next call. A migration that fails is an
// environment error that names file and line.
MigrationComparison compare_migration(const postgres::ConnectionTarget &target, const ComparisonRequest &request,
                                      terminal::Progress &progress);

} // namespace dbperf::client::compare
