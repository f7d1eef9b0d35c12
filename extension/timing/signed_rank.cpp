#include "timing/signed_rank.h"

#include <algorithm>
#include <cmath>

#include "timing/normal_distribution.h"
#include "timing/rank_distribution.h"

namespace dbperf::timing {
namespace {

size_t counts_size(size_t n) {
    return n * (n + 1) / 4 + 1;
}

// Subsets of the ranks 1 to n by their sum, for sums below counts.size().
void count_subsets(size_t n, std::span<double> counts) {
    std::fill(counts.begin(), counts.end(), 0.0);
    counts[0] = 1;
    for (size_t rank = 1; rank <= n; ++rank)
        for (size_t sum = counts.size(); sum-- > rank;)
            counts[sum] += counts[sum - rank];
}

double standard_deviation(double n, double ties) {
    return std::sqrt(n * (n + 1) * (2 * n + 1) / 24 - ties / 48);
}

} // namespace

SignedRankTest signed_rank_test(std::span<const double> differences, double shift, std::span<double> scratch) {
    SignedRankTest test;
    if (differences.empty() || scratch.size() < differences.size())
        return test;
    for (const double difference : differences) {
        const double value = difference - shift;
        if (value != value)
            return test;
        if (value != 0)
            scratch[test.used++] = value;
    }
    const size_t n = test.used;
    const std::span<double> values = scratch.first(n);
    std::sort(values.begin(), values.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); });

    double ties = 0; // sum of t^3 - t over groups of t equal sizes
    for (size_t i = 0, end = 0; i < n; i = end) {
        size_t positive = 0;
        for (end = i; end < n && std::fabs(values[end]) == std::fabs(values[i]); ++end)
            positive += values[end] > 0;
        const auto tied = static_cast<double>(end - i);
        test.rank_sum += static_cast<double>(positive) * static_cast<double>(i + end + 1) / 2;
        ties += tied * tied * tied - tied;
    }

    if (ties == 0 && n <= max_signed_rank_pairs) {
        if (scratch.size() - n < counts_size(n))
            return {};
        const std::span<double> counts = scratch.subspan(n, counts_size(n));
        count_subsets(n, counts);
        const double total = std::ldexp(1.0, static_cast<int>(n));
        const size_t largest = n * (n + 1) / 2;
        const auto sum = static_cast<size_t>(test.rank_sum);
        test.p_less = counted_below(counts, total, largest, sum);
        test.p_greater = counted_below(counts, total, largest, largest - sum);
        test.exact = true;
    } else {
        const auto pairs = static_cast<double>(n);
        const double distance = test.rank_sum - pairs * (pairs + 1) / 4;
        const double deviation = standard_deviation(pairs, ties);
        test.p_less = normal_below((distance + 0.5) / deviation);
        test.p_greater = normal_below((-distance + 0.5) / deviation);
    }
    test.p_two_sided = std::min(1.0, 2 * std::min(test.p_less, test.p_greater));
    test.valid = true;
    return test;
}

size_t signed_rank_bound(size_t n, double tail, std::span<double> scratch) {
    if (n == 0)
        return 0;
    if (n > max_signed_rank_pairs || scratch.size() < counts_size(n)) {
        const auto pairs = static_cast<double>(n);
        const double bound =
            std::floor(pairs * (pairs + 1) / 4 + 0.5 + normal_quantile(tail) * standard_deviation(pairs, 0));
        return bound > 0 ? static_cast<size_t>(bound) : 0;
    }
    const std::span<double> counts = scratch.first(counts_size(n));
    count_subsets(n, counts);
    const double most = tail * std::ldexp(1.0, static_cast<int>(n));
    size_t bound = 0;
    double sum = 0;
    while (bound < counts.size() && (sum += counts[bound]) <= most)
        ++bound;
    return bound;
}

} // namespace dbperf::timing
