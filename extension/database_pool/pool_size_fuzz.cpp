// The arithmetic of pools, and the states and resets of a copy.
#include "database_pool/pool_size.h"

#include <fuzz/target.h>

#include <cmath>

#include "database_pool/copy_state.h"
#include "database_pool/reset_decision.h"

using namespace dbperf::database_pool;

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
    pool.max_size = input.number<uint64_t>();
    const uint32_t count = copies_to_make(pool);
    FUZZ_CHECK(count == 0 || pool.in_all + count <= pool.most);
    FUZZ_CHECK(count == 0 || pool.copy_size == 0 ||
               (pool.size_in_all <= pool.max_size && count <= (pool.max_size - pool.size_in_all) / pool.copy_size));
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
