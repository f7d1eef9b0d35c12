#include "timing/holm.h"

#include <algorithm>

namespace dbperf::timing {
namespace {

bool is_probability(double value) {
    return value >= 0 && value <= 1;
}

} // namespace

bool adjust_holm(std::span<double> p_values, std::span<double> scratch) {
    if (scratch.size() < holm_scratch(p_values.size()))
        return false;
    const auto end = std::copy_if(p_values.begin(), p_values.end(), scratch.begin(), is_probability);
    const auto count = static_cast<size_t>(end - scratch.begin());
    const std::span<double> sorted = scratch.first(count), adjusted = scratch.subspan(count, count);
    std::sort(sorted.begin(), sorted.end());
    double largest = 0;
    for (size_t i = 0; i < count; ++i) {
        largest = std::max(largest, std::min(1.0, static_cast<double>(count - i) * sorted[i]));
        adjusted[i] = largest;
    }
    // Of equal values the first has the largest factor, so all of them get what it got.
    for (double &p : p_values)
        if (is_probability(p))
            p = adjusted[static_cast<size_t>(std::lower_bound(sorted.begin(), sorted.end(), p) - sorted.begin())];
    return true;
}

} // namespace dbperf::timing
