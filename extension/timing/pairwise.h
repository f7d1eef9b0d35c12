// Order statistics of all pairs of two samples, without writing the pairs down: memory none, time O((n + m) * 64).
#pragma once

#include <cstddef>
#include <span>

namespace dbperf::timing {

// The k-th smallest (from 1 to n*m) of first[i] - second[j]. Both sorted ascending, finite, not empty.
double kth_difference(std::span<const double> first, std::span<const double> second, size_t k);

// The k-th smallest (from 1 to n*(n+1)/2) of the Walsh averages (values[i] + values[j]) / 2, i <= j. Sorted ascending,
// finite, not empty.
double kth_walsh_average(std::span<const double> values, size_t k);

} // namespace dbperf::timing
