// Owns the state between a migration and the next ANALYZE: which columns have no statistics then, and which queries are
// planned otherwise for it.
#pragma once

#include "postgres/connection.h"
#include "queries/query_runner.h"

#include <map>
#include <string>
#include <vector>

namespace dbperf::client::compare {

struct UnanalyzedQuery {
    std::string query;
    std::string difference; // of the plan before ANALYZE from the one after it, in words
};

struct UntilAnalyze {
    std::vector<std::string> columns; // table.column
    std::vector<UnanalyzedQuery> queries;
};

// Columns of tables that have statistics, by numbers, with their names: those that the connection's role may read.
std::map<std::string, std::string> columns_with_statistics(postgres::Connection &connection);
// Those that had some and have none, though they are still there, as table.column.
std::vector<std::string> lost_statistics(postgres::Connection &connection,
                                         const std::map<std::string, std::string> &before);

// EXPLAIN's JSON by query and parameter set, "" where there is none.
using UnanalyzedPlans = std::vector<std::vector<std::string>>;
UnanalyzedPlans plans_without_analyze(postgres::Connection &connection,
                                      const std::vector<queries::PreparedQuery> &queries);
// Those whose plan is of another shape now, after ANALYZE.
std::vector<UnanalyzedQuery> queries_changed_by_analyze(postgres::Connection &connection,
                                                        const std::vector<queries::PreparedQuery> &queries,
                                                        const UnanalyzedPlans &unanalyzed);

// "statistics of link.url are gone until ANALYZE: ...", "" if nothing is.
std::string until_analyze_sentence(const UntilAnalyze &state);

} // namespace dbperf::client::compare
