// Owns the copy in which a migration is judged with production's statistics: they are written into its catalogs before
// the migration, so that DDL treats them as it would there. Nothing is executed but the migration.
#pragma once

#include "compare/production_verdict.h"
#include "migration/migration_effect.h"
#include "migration/migration_file.h"
#include "postgres/connection.h"
#include "queries/query_runner.h"
#include "terminal/progress.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace dbperf::client::compare {

struct ProductionQuery {
    ProductionVerdict judged;
    std::vector<SetPlans> sets;
};

struct ProductionOutcome {
    std::vector<ProductionQuery> queries;           // in their order
    std::vector<std::string> lost;                  // columns whose statistics the migration removed, as table.column
    std::vector<std::string> missing;               // sentences: what of production was not known
    std::vector<nlohmann::ordered_json> statements; // what each would cost there
};

struct ProductionRequest {
    std::string statistics; // a document
    std::string lock_timeout;
};

// In an existing copy, which is changed. Throws an environment error where the document is refused.
ProductionOutcome plan_as_production(const postgres::ConnectionTarget &copy,
                                     const postgres::ConnectionTarget &other_database, const ProductionRequest &request,
                                     const std::vector<migration::Migration> &migrations,
                                     const std::vector<queries::PreparedQuery> &queries, terminal::Progress &progress);

} // namespace dbperf::client::compare
