// Tail of the exact distribution of a rank statistic that is symmetric.
#pragma once

#include <cstddef>
#include <span>

namespace dbperf::timing {

// P(statistic <= value), where counts hold the lower half of the distribution from 0 to `largest`, `total` their whole
// sum.
inline double counted_below(std::span<const double> counts, double total, size_t largest, size_t value) {
    if (value >= largest)
        return 1;
    if (value > largest / 2)
        return 1 - counted_below(counts, total, largest, largest - value - 1);
    double below = 0;
    for (size_t i = 0; i <= value; ++i)
        below += counts[i];
    return below / total;
}

} // namespace dbperf::timing
