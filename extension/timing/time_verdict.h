// Did a query become slower? Numbers in, a verdict out; knows nothing of plans, blocks and settings.
//
// Two rules for two ways to measure:
//  - runs at different times differ by what else the machine did, and more samples only prove that more firmly. So the
//    whole confidence interval must lie beyond the relevant ratio: a test of a minimum effect.
//  - interleaved measurements share the state of the machine. So it is enough that the interval excludes 1, and that
//    the estimate reaches the relevant ratio.
//
// Where parameter sets differ in their work, only pairs of the same set can be judged. Of each A B B A pass the faster
// A and the faster B: outliers all but vanish, and 15 pairs find 30 % more time in 93 of 100 cases instead of 67.
//
// Many queries: compare each, pass all p through adjust_holm, then judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "timing/time_ratio.h"

namespace dbperf::timing {

struct TimeRules {
    bool paired = false;        // before[i] and after[i] belong together
    double minimum_ratio = 1.2; // the estimate must reach it (or its inverse) to be relevant
    double proven_ratio = 1.2;  // the interval must exclude it and everything nearer to 1; between 1 and minimum_ratio
    double minimum_difference = 1; // of the medians, in the unit of the times
    double confidence = 0.99;      // of the interval, two-sided; the p must be at most 1 - confidence
    size_t minimum_samples = 10;   // on each side
};

// For times in milliseconds.
constexpr TimeRules separate_runs{};
constexpr TimeRules interleaved_runs{.proven_ratio = 1, .minimum_difference = 0};
constexpr TimeRules interleaved_pairs{.paired = true, .proven_ratio = 1, .minimum_difference = 0};

struct TimeComparison {
    size_t samples = 0;           // of the smaller side
    double before = 0, after = 0; // medians, in the unit of the times
    TimeRatio ratio;
    // Two-sided, of the hypothesis that the true ratio is not beyond proven_ratio; no number when invalid or too few.
    double p = std::numeric_limits<double>::quiet_NaN();
    bool valid = false; // false: as for TimeRatio
};

enum class TimeVerdict : uint8_t {
    worse,
    better,
    equal,              // the interval excludes a relevant change, or the difference is below the minimum
    unclear,            // neither a relevant change nor its absence is proven; not a reason to fail
    not_enough_samples, // or samples that are no times
};

constexpr size_t time_comparison_scratch(size_t before, size_t after) {
    return time_ratio_scratch(before, after);
}

TimeComparison compare_times(std::span<const double> before, std::span<const double> after, const TimeRules &rules,
                             std::span<double> scratch);

// The comparison's p may have been adjusted; the interval is not.
TimeVerdict time_verdict(const TimeComparison &comparison, const TimeRules &rules);

} // namespace dbperf::timing
