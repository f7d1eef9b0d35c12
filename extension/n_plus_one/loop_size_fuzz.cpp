// Sizes of loops that grow, at the ends of their numbers.
#include "n_plus_one/loop_size.h"

#include <fuzz/target.h>

using namespace dbperf::n_plus_one;

FUZZ_PART(loop_size) {
    LoopSizes sizes{};
    uint64_t total = 0;
    const double q = input.byte() / 255.0;
    while (input.left() > 0) {
        const uint64_t size = 1 + (input.number<uint64_t>() >> input.below(64) >> 1), grown = size + input.below(300);
        FUZZ_CHECK(LoopSizes::bucket_of(size) < LoopSizes::bucket_count);
        FUZZ_CHECK(LoopSizes::size_of(LoopSizes::bucket_of(size)) <= size);
        sizes.move(0, size);
        sizes.move(size, grown);
        ++total;
        FUZZ_CHECK(sizes.quantile(0) <= sizes.quantile(q) && sizes.quantile(q) <= sizes.quantile(1));
    }
    uint64_t counted = 0;
    for (const uint32_t count : sizes.counts)
        counted += count;
    FUZZ_CHECK(counted == total);
}
