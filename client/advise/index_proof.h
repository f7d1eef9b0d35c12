// Owns what it takes to believe in an index: it is built in a copy, the workload is measured with and without it, and
// whoever it harms, or who pays for it, is heard.
#pragma once

#include "advise/advised_workload.h"
#include "compare/migration_comparison.h"

#include <map>
#include <string>
#include <vector>

namespace dbperf::client::advise {

struct IndexProof {
    PlannedIndex index;
    std::string verdict; // proven, rejected, planned
    std::string reason;
    std::vector<compare::ComparedQuery> queries; // that use it
    std::vector<compare::ComparedQuery> writes;  // that write to its table
};

// All together; what is rejected is left out when the others are measured once more. The request names the database and
// the queries, not the indexes.
std::vector<IndexProof> prove(const postgres::ConnectionTarget &target, const std::vector<PlannedIndex> &indexes,
                              const std::map<std::string, double> &calls_of, const compare::ComparisonRequest &request,
                              terminal::Progress &progress);

// How many milliseconds of the workload it saves, by medians and calls; less when writes pay.
double saved_ms(const IndexProof &proof, const std::map<std::string, double> &calls_of);

} // namespace dbperf::client::advise
