// Bisection on the value; one pass over the sorted samples counts the pairs at or below a limit. As in Johnson and
// Mizoguchi 1978 the rows of pairs are sorted, so the border between below and above moves one way only.
#include "timing/pairwise.h"

#include <limits>

namespace dbperf::timing {
namespace {

// What one pass knows about the pairs around a limit.
struct Border {
    size_t count = 0; // pairs at or below it
    double largest_below = -std::numeric_limits<double>::infinity();
    double smallest_above = std::numeric_limits<double>::infinity();

    void below(double value) { largest_below = value > largest_below ? value : largest_below; }
    void above(double value) { smallest_above = value < smallest_above ? value : smallest_above; }
};

// Both ends are always values of pairs, so the search ends on one, ties or not.
template <typename BorderAt>
double select(double low, double high, size_t k, BorderAt border_at) {
    while (low < high) {
        const double middle = low + (high - low) / 2;
        const Border border = border_at(middle < high ? middle : low); // between neighbours it rounds up
        if (border.count >= k)
            high = border.largest_below;
        else
            low = border.smallest_above;
    }
    return low;
}

} // namespace

double kth_difference(std::span<const double> first, std::span<const double> second, size_t k) {
    const auto border_at = [=](double limit) {
        Border border;
        size_t j = 0;
        for (const double value : first) {
            while (j < second.size() && value - second[j] > limit)
                ++j;
            border.count += second.size() - j;
            if (j < second.size())
                border.below(value - second[j]);
            if (j > 0)
                border.above(value - second[j - 1]);
        }
        return border;
    };
    return select(first.front() - second.back(), first.back() - second.front(), k, border_at);
}

double kth_walsh_average(std::span<const double> values, size_t k) {
    const auto average = [=](size_t i, size_t j) { return (values[i] + values[j]) / 2; };
    const auto border_at = [=](double limit) {
        Border border;
        size_t end = values.size();
        for (size_t i = 0; i < values.size(); ++i) {
            while (end > 0 && average(i, end - 1) > limit)
                --end;
            if (end > i) {
                border.count += end - i;
                border.below(average(i, end - 1));
            }
            if (end < values.size())
                border.above(average(i, end));
        }
        return border;
    };
    return select(values.front(), values.back(), k, border_at);
}

} // namespace dbperf::timing
