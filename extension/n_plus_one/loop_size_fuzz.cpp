// Sizes of loops that grow, at the ends of their numbers.
#include "n_plus_one/loop_size.h"

#include <algorithm>

#include <fuzz/target.h>

using namespace dbperf::n_plus_one;

FUZZ_PART(loop_size) {
    LoopSizes sizes{};
    uint64_t total = 0, sum = 0, largest = 0, smallest = UINT64_MAX;
    const double q = input.byte() / 255.0;
    while (input.left() > 0) {
        // Their sum has room for all that a fuzzer can think of.
        const uint64_t size = 1 + (input.number<uint64_t>() >> (12 + input.below(52))), grown = size + input.below(300);
        FUZZ_CHECK(LoopSizes::bucket_of(size) < LoopSizes::bucket_count);
        sizes.move(0, size);
        sizes.move(size, grown);
        ++total;
        sum += grown;
        largest = std::max(largest, grown);
        smallest = std::min(smallest, grown);
        FUZZ_CHECK(sizes.quantile(0) <= sizes.quantile(q) && sizes.quantile(q) <= sizes.quantile(1));
        FUZZ_CHECK(sizes.quantile(1) <= largest && sizes.quantile(1) >= sum / total);
        FUZZ_CHECK(sizes.quantile(0) <= smallest && (total > 1 || sizes.quantile(q > 0 ? q : 1) == grown));
    }
    uint64_t counted = 0, summed = 0;
    for (size_t bucket = 0; bucket < sizes.counts.size(); ++bucket) {
        counted += sizes.counts[bucket];
        summed += sizes.sums[bucket];
    }
    FUZZ_CHECK(counted == total && summed == sum);
}
