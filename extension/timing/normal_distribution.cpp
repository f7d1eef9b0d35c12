#include "timing/normal_distribution.h"

#include <cmath>

namespace dbperf::timing {

double normal_below(double z) {
    return std::erfc(-z * 0.70710678118654752440) / 2;
}

double normal_quantile(double probability) {
    // Bisection needs no table of coefficients, and nobody asks often. From the nearer side, where digits are kept.
    const bool upper = probability > 0.5;
    const double tail = upper ? 1 - probability : probability;
    double low = -40, high = 0;
    while (true) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        (normal_below(middle) < tail ? low : high) = middle;
    }
    if (tail <= 0)
        high = -40;
    return upper ? -high : high;
}

} // namespace dbperf::timing
