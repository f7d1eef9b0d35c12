// Buckets, quantiles and the arithmetic of pools, at the ends of their numbers.
#include "statements/histogram.h"

#include <fuzz/target.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "database_pool/copy_state.h"
#include "database_pool/pool_size.h"
#include "database_pool/reset_decision.h"
#include "n_plus_one/loop_size.h"

using namespace dbperf::statements;
using namespace dbperf::n_plus_one;
using namespace dbperf::database_pool;

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

FUZZ_PART(pool_size) {
    PoolState pool{};
    pool.ready = input.number<uint32_t>();
    pool.waiting = input.number<uint16_t>();
    DemandRate demand;
    double now = 0;
    for (uint32_t events = input.below(20); events > 0; --events) {
        now += input.byte() / 16.0;
        demand.count(now);
    }
    pool.demand = demand.per_second(now + input.byte());
    FUZZ_CHECK(pool.demand >= 0 && std::isfinite(pool.demand));
    pool.copy_time = input.number<uint32_t>() / 1000.0;
    pool.in_all = input.below(1000);
    pool.most = input.below(1000);
    pool.copy_size = input.number<uint64_t>();
    pool.size_in_all = input.number<uint64_t>();
    pool.most_size = input.number<uint64_t>();
    const uint32_t count = copies_to_make(pool);
    FUZZ_CHECK(count == 0 || pool.in_all + count <= pool.most);
    FUZZ_CHECK(count == 0 || pool.copy_size == 0 ||
               (pool.size_in_all <= pool.most_size && count <= (pool.most_size - pool.size_in_all) / pool.copy_size));
    // No state is left by an event that cannot happen in it, and a reset without reason keeps the copy.
    auto state = CopyState::free;
    Writes writes{};
    while (input.left() > 0) {
        const CopyState before = state;
        const auto event = static_cast<CopyEvent>(input.below(10));
        if (!advance(&state, event))
            FUZZ_CHECK(state == before);
        FUZZ_CHECK(!name_of(state).empty());
        writes.pages = input.below(3);
        writes.catalog_rows = input.below(2);
        writes.prepared = input.below(2);
        writes.saw_schema_statement = input.flag();
        const ResetDecision decision = decide_reset(writes);
        FUZZ_CHECK((decision.kind == ResetKind::copy) == (decision.reason != ResetReason::none));
        FUZZ_CHECK((decision.kind == ResetKind::copy) == !text_of(decision.reason).empty());
    }
}
