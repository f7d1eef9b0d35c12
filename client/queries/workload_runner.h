// Owns making the statements of a run ready to be executed again on two copies of its database.
#pragma once

#include "queries/query_runner.h"
#include "queries/workload.h"

#include <vector>

namespace dbperf::client::queries {

// Executes every captured execution once on both copies, rolled back, so that both have seen the same. What fails on
// the first one (a row to be inserted is there already) says nothing about a migration: it is skipped, with the error,
// and so is what may not be executed here as the role it was seen from. Throws an environment error when nothing is
// left.
std::vector<PreparedQuery> prepare_workload(postgres::Connection &before, postgres::Connection &after,
                                            Workload &workload);

} // namespace dbperf::client::queries
