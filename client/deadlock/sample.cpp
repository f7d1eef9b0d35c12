#include "deadlock/sample.h"

#include <algorithm>
#include <cmath>

namespace dbperf::client::deadlock {

SampleSummary summarize(std::vector<double> values) {
    if (values.empty())
        return {};
    std::sort(values.begin(), values.end());
    const auto rank = [&](double share) {
        const auto position = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
        return values[std::max<std::size_t>(position, 1) - 1];
    };
    return {values.size(), rank(0.50), rank(0.95), values.back()};
}

} // namespace dbperf::client::deadlock
