// The Mann-Whitney U test (Wilcoxon's rank sum test): do the values of one sample tend to be larger than another's?
//
// Knows numbers only; units cancel. U is the number of pairs (a, b) with a > b, a tie counting one half, as R's
// wilcox.test prints it. Exact distribution (Mann and Whitney 1947; counted as in Harding 1984) where no values are
// tied and its counts fit the 53 bits of a double (28 against 28, 10 against 160) and `max_rank_sum_counts` numbers;
// else the normal approximation with correction for ties and continuity (Lehmann 1975, Nonparametrics, chapter 1).
#pragma once

#include <cstddef>
#include <span>

namespace dbperf::timing {

struct RankSumTest {
    double above = 0;       // U, from 0 to n*m
    double p_less = 1;      // P(U <= above) when both samples are of one distribution
    double p_greater = 1;   // P(U >= above)
    double p_two_sided = 1; // twice the smaller, at most 1
    bool exact = false;
    bool valid = false; // false: a sample is empty or holds no number, or the scratch is too small
};

constexpr size_t max_rank_sum_counts = 2048;

// Numbers of scratch memory for an exact distribution, and 0 where the approximation is used.
size_t rank_sum_counts_size(size_t n, size_t m);

// Numbers of scratch memory that rank_sum_test needs.
constexpr size_t rank_sum_scratch(size_t n, size_t m) {
    return n + m + max_rank_sum_counts;
}

// Tests `first` against `second`, in any order of values.
RankSumTest rank_sum_test(std::span<const double> first, std::span<const double> second, std::span<double> scratch);

// Tests sorted `first` against sorted `second` with `shift` added to each of its values. Scratch: max_rank_sum_counts.
RankSumTest rank_sum_test_sorted(std::span<const double> first, std::span<const double> second, double shift,
                                 std::span<double> scratch);

// The largest c with P(U <= c - 1) <= tail, 0 if there is none. The c-th smallest and the c-th largest of all pairwise
// differences then bound the shift with a confidence of at least 1 - 2 * tail (Lehmann 1975, chapter 2).
// Scratch: max_rank_sum_counts.
size_t rank_sum_bound(size_t n, size_t m, double tail, std::span<double> scratch);

} // namespace dbperf::timing
