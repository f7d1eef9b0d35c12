// Holm's step-down adjustment: p-values of many queries, made comparable with one level for all of them.
#pragma once

#include <cstddef>
#include <span>

namespace dbperf::timing {

constexpr size_t holm_scratch(size_t count) {
    return 2 * count;
}

// Replaces each p-value by its adjusted one (Holm 1979): rejecting those below alpha makes a false alarm among all of
// them at most as likely as alpha, however they depend on each other. Equal values stay equal, the order is kept.
// What is not a number from 0 to 1 (a query without a test) is left alone and does not count. False, and nothing
// changed, when the scratch holds less than holm_scratch numbers.
bool adjust_holm(std::span<double> p_values, std::span<double> scratch);

} // namespace dbperf::timing
