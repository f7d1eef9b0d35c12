// Owns what a query did on both sides beside taking time: whether it failed, was cancelled, or returned something else.
#pragma once

#include "compare/interleaved_measurement.h"

#include <optional>
#include <string>

namespace dbperf::client::compare {

struct QueryOutcome {
    std::string verdict; // "": only the sentence counts
    std::string sentence;
};

// What it means that one side failed, once the other was asked too. Throws when the query fails on both.
QueryOutcome outcome_of(const SideError &trouble, ComparedSide &before, ComparedSide &after,
                        const queries::PreparedQuery &query);

// Compares the results of all parameter sets, those not measured too as long as that takes little time. Where they
// differ, the query is executed again and under other plans: a result that the data do not determine is not judged.
// Nothing when all are equal. Throws a SideError.
std::optional<QueryOutcome> check_results(ComparedSide &before, ComparedSide &after,
                                          const queries::PreparedQuery &query, const std::vector<SetDigests> &measured);

} // namespace dbperf::client::compare
