#include "timing/rank_sum.h"

#include <algorithm>
#include <cmath>

#include "timing/normal_distribution.h"
#include "timing/rank_distribution.h"

namespace dbperf::timing {
namespace {

constexpr double exact_integers = 9007199254740992.0; // 2^53

// n + m choose m; exact below 2^53.
double rankings(size_t n, size_t m) {
    double count = 1;
    for (size_t i = 1; i <= m && count < exact_integers; ++i)
        count = count * static_cast<double>(n + i) / static_cast<double>(i);
    return count;
}

// Ways to rank n against m values so that U = u, for each u below counts.size(): the coefficients of the Gaussian
// binomial, the product over i of (1 - q^(n+i)) / (1 - q^i). Every intermediate is an integer that a double holds.
void count_rankings(size_t n, size_t m, std::span<double> counts) {
    std::fill(counts.begin(), counts.end(), 0.0);
    counts[0] = 1;
    for (size_t i = 1; i <= m; ++i) {
        for (size_t u = counts.size(); u-- > n + i;)
            counts[u] -= counts[u - n - i];
        for (size_t u = i; u < counts.size(); ++u)
            counts[u] += counts[u - i];
    }
}

struct Comparison {
    double above = 0;
    double ties = 0; // sum of t^3 - t over groups of t equal values
};

// Merges two sorted samples, group of equal values by group.
Comparison compare(std::span<const double> first, std::span<const double> second, double shift) {
    Comparison result;
    size_t i = 0, j = 0;
    while (i < first.size() || j < second.size()) {
        const bool from_first = j == second.size() || (i < first.size() && first[i] <= second[j] + shift);
        const double value = from_first ? first[i] : second[j] + shift;
        const size_t i_before = i, j_before = j;
        while (i < first.size() && first[i] == value)
            ++i;
        while (j < second.size() && second[j] + shift == value)
            ++j;
        const auto a = static_cast<double>(i - i_before), b = static_cast<double>(j - j_before);
        result.above += a * (static_cast<double>(j_before) + b / 2);
        result.ties += (a + b) * (a + b) * (a + b) - (a + b);
    }
    return result;
}

// False when a value is no number: those have no order.
bool copy_sorted(std::span<const double> values, std::span<double> copy) {
    for (size_t i = 0; i < values.size(); ++i) {
        if (values[i] != values[i])
            return false;
        copy[i] = values[i];
    }
    std::sort(copy.begin(), copy.end());
    return true;
}

double standard_deviation(double n, double m, double ties) {
    const double all = n + m;
    const double tied = all > 1 ? ties / (all * (all - 1)) : 0;
    return std::sqrt(n * m / 12 * (all + 1 - tied));
}

} // namespace

size_t rank_sum_counts_size(size_t n, size_t m) {
    if (n == 0 || m == 0 || n > 2 * max_rank_sum_counts || m > 2 * max_rank_sum_counts)
        return 0;
    const size_t half = n * m / 2 + 1;
    return half <= max_rank_sum_counts && rankings(std::max(n, m), std::min(n, m)) < exact_integers ? half : 0;
}

RankSumTest rank_sum_test_sorted(std::span<const double> first, std::span<const double> second, double shift,
                                 std::span<double> scratch) {
    RankSumTest test;
    const size_t n = first.size(), m = second.size();
    const size_t size = rank_sum_counts_size(n, m);
    if (n == 0 || m == 0 || scratch.size() < size)
        return test;
    const Comparison comparison = compare(first, second, shift);
    test.above = comparison.above;
    test.valid = true;
    if (size > 0 && comparison.ties == 0) {
        const std::span<double> counts = scratch.first(size);
        count_rankings(std::max(n, m), std::min(n, m), counts);
        const double total = rankings(std::max(n, m), std::min(n, m));
        const auto u = static_cast<size_t>(comparison.above);
        test.p_less = counted_below(counts, total, n * m, u);
        test.p_greater = counted_below(counts, total, n * m, n * m - u);
        test.exact = true;
    } else {
        const double distance = comparison.above - static_cast<double>(n) * static_cast<double>(m) / 2;
        const double deviation = standard_deviation(static_cast<double>(n), static_cast<double>(m), comparison.ties);
        if (deviation > 0) { // else all values are equal, and every p is 1
            test.p_less = normal_below((distance + 0.5) / deviation);
            test.p_greater = normal_below((-distance + 0.5) / deviation);
        }
    }
    test.p_two_sided = std::min(1.0, 2 * std::min(test.p_less, test.p_greater));
    return test;
}

RankSumTest rank_sum_test(std::span<const double> first, std::span<const double> second, std::span<double> scratch) {
    const size_t n = first.size(), m = second.size();
    if (scratch.size() < n + m)
        return {};
    const std::span<double> a = scratch.first(n), b = scratch.subspan(n, m);
    if (!copy_sorted(first, a) || !copy_sorted(second, b))
        return {};
    return rank_sum_test_sorted(a, b, 0, scratch.subspan(n + m));
}

size_t rank_sum_bound(size_t n, size_t m, double tail, std::span<double> scratch) {
    if (n == 0 || m == 0)
        return 0;
    const size_t size = rank_sum_counts_size(n, m);
    if (size == 0 || scratch.size() < size) {
        const double middle = static_cast<double>(n) * static_cast<double>(m) / 2;
        const double deviation = standard_deviation(static_cast<double>(n), static_cast<double>(m), 0);
        const double bound = std::floor(middle + 0.5 + normal_quantile(tail) * deviation);
        return bound > 0 ? static_cast<size_t>(bound) : 0;
    }
    const std::span<double> counts = scratch.first(size);
    count_rankings(std::max(n, m), std::min(n, m), counts);
    const double most = tail * rankings(std::max(n, m), std::min(n, m));
    size_t bound = 0;
    double sum = 0;
    while (bound < size && (sum += counts[bound]) <= most)
        ++bound;
    return bound;
}

} // namespace dbperf::timing
