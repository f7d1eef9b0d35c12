#include "timing/time_verdict.h"

#include <algorithm>
#include <cmath>

#include "timing/rank_sum.h"
#include "timing/signed_rank.h"

namespace dbperf::timing {
namespace {

double median(std::span<const double> values, std::span<double> scratch) {
    const std::span<double> copy = scratch.first(values.size());
    std::copy(values.begin(), values.end(), copy.begin());
    std::sort(copy.begin(), copy.end());
    const size_t half = copy.size() / 2;
    return copy.size() % 2 ? copy[half] : copy[half - 1] + (copy[half] - copy[half - 1]) / 2;
}

// Of the ratio being above `proven` or below 1 / proven, the likelier one; for proven = 1 the usual two-sided test.
double two_sided(double p_above, double p_below) {
    return std::min(1.0, 2 * std::min(p_above, p_below));
}

// The logarithms were seen to be finite before.
double p_of_runs(std::span<const double> before, std::span<const double> after, double proven,
                 std::span<double> scratch) {
    const std::span<double> later = scratch.first(after.size()), earlier = scratch.subspan(after.size(), before.size());
    const std::span<double> rest = scratch.subspan(after.size() + before.size());
    take_logarithms(after, later);
    take_logarithms(before, earlier);
    std::sort(later.begin(), later.end());
    std::sort(earlier.begin(), earlier.end());
    return two_sided(rank_sum_test_sorted(later, earlier, proven, rest).p_greater,
                     rank_sum_test_sorted(later, earlier, -proven, rest).p_less);
}

double p_of_pairs(std::span<const double> before, std::span<const double> after, double proven,
                  std::span<double> scratch) {
    const std::span<double> ratios = scratch.first(after.size()),
                            earlier = scratch.subspan(after.size(), before.size());
    take_logarithms(after, ratios);
    take_logarithms(before, earlier);
    for (size_t i = 0; i < ratios.size(); ++i)
        ratios[i] -= earlier[i];
    const std::span<double> rest = scratch.subspan(ratios.size());
    return two_sided(signed_rank_test(ratios, proven, rest).p_greater, signed_rank_test(ratios, -proven, rest).p_less);
}

} // namespace

TimeComparison compare_times(std::span<const double> before, std::span<const double> after, const TimeRules &rules,
                             std::span<double> scratch) {
    TimeComparison comparison;
    comparison.samples = std::min(before.size(), after.size());
    comparison.ratio = rules.paired ? paired_time_ratio(before, after, rules.confidence, scratch)
                                    : time_ratio(before, after, rules.confidence, scratch);
    if (!comparison.ratio.valid)
        return comparison;
    comparison.before = median(before, scratch);
    comparison.after = median(after, scratch);
    comparison.valid = true;
    if (comparison.samples < rules.minimum_samples)
        return comparison;
    const double proven = std::log(rules.proven_ratio);
    comparison.p =
        rules.paired ? p_of_pairs(before, after, proven, scratch) : p_of_runs(before, after, proven, scratch);
    return comparison;
}

TimeVerdict time_verdict(const TimeComparison &comparison, const TimeRules &rules) {
    if (!comparison.valid || comparison.samples < rules.minimum_samples)
        return TimeVerdict::not_enough_samples;
    if (std::fabs(comparison.after - comparison.before) < rules.minimum_difference)
        return TimeVerdict::equal;
    const TimeRatio &ratio = comparison.ratio;
    const bool proven = comparison.p <= 1 - rules.confidence;
    if (proven && ratio.ratio >= rules.minimum_ratio && ratio.low > rules.proven_ratio)
        return TimeVerdict::worse;
    if (proven && ratio.ratio <= 1 / rules.minimum_ratio && ratio.high < 1 / rules.proven_ratio)
        return TimeVerdict::better;
    const bool equal = ratio.low > 1 / rules.minimum_ratio && ratio.high < rules.minimum_ratio;
    return equal ? TimeVerdict::equal : TimeVerdict::unclear;
}

} // namespace dbperf::timing
