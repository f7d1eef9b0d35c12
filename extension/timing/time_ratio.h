// By what factor did a time change? The Hodges-Lehmann estimate on logarithms, with its confidence interval.
//
// Ratios are after / before, so 2 is twice as slow and the unit of the times cancels. The estimate is the median of all
// ratios between the samples (Hodges and Lehmann 1963), or, for pairs, the median of the geometric means of any two of
// the pairs' ratios. One sample in four may be an outlier without effect on it. The interval inverts the Mann-Whitney
// or the signed rank test (Lehmann 1975, Nonparametrics, chapters 2 and 4): its exact distribution where that is
// counted, else the normal approximation; ties only make it wider than it had to be.
#pragma once

#include <cstddef>
#include <span>

#include "timing/rank_sum.h"

namespace dbperf::timing {

struct TimeRatio {
    double ratio = 1;
    double low = 0; // 0 and infinity when there are too few samples for that confidence
    double high = 0;
    bool valid =
        false; // false: too little scratch, no sample, pairs of unequal number, a time that is not positive and finite
};

// Numbers of scratch memory that the functions here need for samples of these sizes.
constexpr size_t time_ratio_scratch(size_t before, size_t after) {
    return before + after + max_rank_sum_counts;
}

// Writes the logarithms of `times` to `logarithms`, which is as long; false when a time is not positive and finite.
bool take_logarithms(std::span<const double> times, std::span<double> logarithms);

// Independent samples in any order. `confidence` of the interval between 0 and 1, two-sided.
TimeRatio time_ratio(std::span<const double> before, std::span<const double> after, double confidence,
                     std::span<double> scratch);

// before[i] and after[i] were measured one after the other, with the same parameters.
TimeRatio paired_time_ratio(std::span<const double> before, std::span<const double> after, double confidence,
                            std::span<double> scratch);

} // namespace dbperf::timing
