// Quantiles of a latency histogram. Knows buckets, not where counters live.
#include "statements/histogram.h"

namespace dbperf::statements::histogram {

double quantile(std::span<const uint32_t> counts, double fraction) {
    uint64_t total = 0;
    for (const uint32_t count : counts)
        total += count;
    if (total == 0)
        return 0;
    const double exact_rank = fraction * static_cast<double>(total);
    auto rank = static_cast<uint64_t>(exact_rank);
    if (static_cast<double>(rank) < exact_rank)
        ++rank;
    rank = rank < 1 ? 1 : rank > total ? total : rank;
    uint64_t seen = 0;
    int bucket = 0;
    while ((seen += counts[static_cast<size_t>(bucket)]) < rank)
        ++bucket;
    return static_cast<double>(bucket_low(bucket)) + static_cast<double>(bucket_width(bucket)) / 2;
}

uint64_t count_above(std::span<const uint32_t> counts, uint64_t limit_nanoseconds) {
    uint64_t above = 0;
    for (int bucket = static_cast<int>(counts.size()) - 1; bucket >= 0 && bucket_low(bucket) >= limit_nanoseconds;
         --bucket)
        above += counts[static_cast<size_t>(bucket)];
    return above;
}

} // namespace dbperf::statements::histogram
