// Wilcoxon's signed rank test: do the differences of pairs tend to be above zero?
//
// Knows numbers only. The statistic is the sum of the ranks, by size, of the positive differences (V of R's
// wilcox.test). Zero differences are left out (Wilcoxon 1945). Exact distribution (Lehmann 1975, Nonparametrics,
// chapter 3) for up to `max_signed_rank_pairs` pairs without ties, else the normal approximation with correction for
// ties and continuity (Lehmann 1975, chapter 3).
#pragma once

#include <cstddef>
#include <span>

namespace dbperf::timing {

struct SignedRankTest {
    double rank_sum = 0;    // from 0 to used * (used + 1) / 2
    size_t used = 0;        // pairs with a difference
    double p_less = 1;      // P(V <= rank_sum) when differences are symmetric about zero
    double p_greater = 1;   // P(V >= rank_sum)
    double p_two_sided = 1; // twice the smaller, at most 1
    bool exact = false;
    bool valid = false; // false: no difference given, one is no number, or the scratch is too small
};

constexpr size_t max_signed_rank_pairs = 50; // 2^50 outcomes, counted in integers that a double holds
constexpr size_t max_signed_rank_counts = max_signed_rank_pairs * (max_signed_rank_pairs + 1) / 4 + 1;

// Numbers of scratch memory that signed_rank_test needs.
constexpr size_t signed_rank_scratch(size_t n) {
    return n + max_signed_rank_counts;
}

// Tests whether `differences`, in any order, less `shift` are symmetric about zero.
SignedRankTest signed_rank_test(std::span<const double> differences, double shift, std::span<double> scratch);

// The largest c with P(V <= c - 1) <= tail, 0 if there is none. The c-th smallest and the c-th largest Walsh average
// then bound the centre of the differences with a confidence of at least 1 - 2 * tail (Tukey 1949; Lehmann 1975,
// section 4.4). Scratch: max_signed_rank_counts.
size_t signed_rank_bound(size_t n, double tail, std::span<double> scratch);

} // namespace dbperf::timing
