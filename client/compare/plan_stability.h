// Owns bringing two copies of a database into a state in which plans can be compared, and saying whether they can.
#pragma once

#include "compare/interleaved_measurement.h"
#include "postgres/connection.h"

#include <string>
#include <vector>

namespace dbperf::client::compare {

// VACUUM ANALYZE of all that the role owns, and no autovacuum from here on: a copy is thrown away later.
void vacuum_and_analyze(const postgres::ConnectionTarget &target);

// A query and the parameter set whose plan stands for it; no query: nothing is to be planned.
struct PlannedQuery {
    const queries::PreparedQuery *query = nullptr;
    std::size_t set = 0;
};

// Where the sides plan a query differently, both are analyzed three times more and planned again. For each query what
// moved, in words, or "": a plan that changes by ANALYZE alone does not speak for the migration.
std::vector<std::string> probe_plans(postgres::Connection &results, ComparedSide &before, ComparedSide &after,
                                     const std::vector<PlannedQuery> &queries);

} // namespace dbperf::client::compare
