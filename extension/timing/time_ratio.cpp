#include "timing/time_ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "timing/pairwise.h"
#include "timing/signed_rank.h"

namespace dbperf::timing {
namespace {

static_assert(max_signed_rank_counts <= max_rank_sum_counts, "time_ratio_scratch covers both tests");

// From `count` pairs with the given order statistic: their median, and the bound-th from either end.
template <typename Kth>
TimeRatio from_orders(size_t count, size_t bound, Kth kth) {
    TimeRatio result;
    const double middle = count % 2 ? kth(count / 2 + 1) : (kth(count / 2) + kth(count / 2 + 1)) / 2;
    result.ratio = std::exp(middle);
    result.low = bound > 0 ? std::exp(kth(bound)) : 0;
    result.high = bound > 0 ? std::exp(kth(count + 1 - bound)) : std::numeric_limits<double>::infinity();
    result.valid = true;
    return result;
}

} // namespace

bool take_logarithms(std::span<const double> times, std::span<double> logarithms) {
    for (size_t i = 0; i < times.size(); ++i) {
        if (!(times[i] > 0 && times[i] <= std::numeric_limits<double>::max()))
            return false;
        logarithms[i] = std::log(times[i]);
    }
    return true;
}

TimeRatio time_ratio(std::span<const double> before, std::span<const double> after, double confidence,
                     std::span<double> scratch) {
    const size_t n = after.size(), m = before.size();
    if (n == 0 || m == 0 || scratch.size() < time_ratio_scratch(m, n))
        return {};
    const std::span<double> later = scratch.first(n), earlier = scratch.subspan(n, m);
    if (!take_logarithms(after, later) || !take_logarithms(before, earlier))
        return {};
    std::sort(later.begin(), later.end());
    std::sort(earlier.begin(), earlier.end());
    return from_orders(n * m, rank_sum_bound(n, m, (1 - confidence) / 2, scratch.subspan(n + m)),
                       [=](size_t k) { return kth_difference(later, earlier, k); });
}

TimeRatio paired_time_ratio(std::span<const double> before, std::span<const double> after, double confidence,
                            std::span<double> scratch) {
    const size_t n = after.size();
    if (n == 0 || before.size() != n || scratch.size() < time_ratio_scratch(n, n))
        return {};
    const std::span<double> ratios = scratch.first(n), earlier = scratch.subspan(n, n);
    if (!take_logarithms(after, ratios) || !take_logarithms(before, earlier))
        return {};
    for (size_t i = 0; i < n; ++i)
        ratios[i] -= earlier[i];
    std::sort(ratios.begin(), ratios.end());
    return from_orders(n * (n + 1) / 2, signed_rank_bound(n, (1 - confidence) / 2, scratch.subspan(n)),
                       [=](size_t k) { return kth_walsh_average(ratios, k); });
}

} // namespace dbperf::timing
