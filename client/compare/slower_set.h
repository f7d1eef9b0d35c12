// Owns the parameter sets that a query's verdict averages away: many that got faster hide one that got many times
// slower.
#pragma once

#include "compare/interleaved_measurement.h"

#include <optional>

namespace dbperf::client::compare {

struct SlowerSet {
    std::size_t set = 0;
    double blocks_before = 0, blocks_after = 0; // medians of its passes
    double ms_before = 0, ms_after = 0;         // of its fastest executions
    std::size_t slower = 0;                     // sets like it
    std::size_t measured = 0;                   // sets
};

// The worst set that got at least twice as slow by itself while the query, by the median over its sets, did not: by
// the blocks it touches, with a time that agrees, or by the times of three passes or more that all say so.
std::optional<SlowerSet> find_slower_set(const std::vector<InterleavedPass> &passes);

} // namespace dbperf::client::compare
