// What a unit of work amounts to: each time it was done is an occurrence with five measures. Knows neither names nor
// where the measures come from.
#pragma once

#include <algorithm>

#include "units/adaptive_histogram.h"

namespace dbperf::units {

enum Measure : size_t { statement_count, distinct_count, row_count, exec_time, wait_time, measure_count };

// Of one occurrence. Times are nanoseconds.
using Measures = std::array<uint64_t, measure_count>;

struct UnitTotals {
    uint64_t occurrences;
    Measures sum;
    Measures least;
    Measures most;
    std::array<AdaptiveHistogram, measure_count> spread;

    constexpr void add(const Measures &occurrence) {
        for (size_t i = 0; i < measure_count; ++i) {
            sum[i] += occurrence[i];
            least[i] = occurrences == 0 ? occurrence[i] : std::min(least[i], occurrence[i]);
            most[i] = std::max(most[i], occurrence[i]);
            spread[i].add(occurrence[i]);
        }
        ++occurrences;
    }

    // Exact where all occurrences are alike.
    constexpr uint64_t median(Measure measure) const {
        return std::clamp(spread[measure].median(), least[measure], most[measure]);
    }
};

} // namespace dbperf::units
