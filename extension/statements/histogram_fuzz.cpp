// Buckets and quantiles, at the ends of their numbers.
#include "statements/histogram.h"

#include <fuzz/target.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

using namespace dbperf::statements;

FUZZ_PART(histogram) {
    std::array<uint32_t, histogram::bucket_count> counts{};
    std::vector<uint64_t> durations;
    const double fraction = input.byte() / 255.0;
    while (input.left() > 0) {
        const uint64_t duration = input.number<uint64_t>() >> input.below(64);
        const int bucket = histogram::bucket_of(duration);
        FUZZ_CHECK(bucket >= 0 && bucket < histogram::bucket_count && duration >= histogram::bucket_low(bucket));
        FUZZ_CHECK(bucket == histogram::bucket_count - 1 ||
                   duration - histogram::bucket_low(bucket) < histogram::bucket_width(bucket));
        ++counts[static_cast<size_t>(bucket)];
        durations.push_back(duration);
    }
    const double quantile = histogram::quantile(counts, fraction);
    if (durations.empty()) {
        FUZZ_CHECK(quantile == 0);
        return;
    }
    std::sort(durations.begin(), durations.end());
    const auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(durations.size())));
    const int bucket = histogram::bucket_of(durations[std::max<size_t>(rank, 1) - 1]);
    FUZZ_CHECK(quantile >= static_cast<double>(histogram::bucket_low(bucket)) &&
               quantile <= static_cast<double>(histogram::bucket_low(bucket) + histogram::bucket_width(bucket)));
    const uint64_t above = histogram::count_above(counts, durations[0]);
    FUZZ_CHECK(above <= durations.size());
}
