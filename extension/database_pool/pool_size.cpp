#include "database_pool/pool_size.h"

#include <algorithm>
#include <cmath>

namespace dbperf::database_pool {

double DemandRate::per_second(double now) const {
    return weight_ * std::exp2(-std::max(0.0, now - at_) / half_life);
}

void DemandRate::count(double now) {
    // One event adds what a steady stream of one a second gathers within a second.
    weight_ = per_second(now) + std::log(2.0) / half_life;
    at_ = now;
}

uint32_t copies_to_make(const PoolState &pool) {
    const double taken_meanwhile = std::ceil(std::min(pool.demand * pool.copy_time * 2, 1000.0));
    const uint32_t wanted = 1 + pool.waiting + static_cast<uint32_t>(taken_meanwhile);
    if (wanted <= pool.ready || pool.in_all >= pool.most)
        return 0;
    uint32_t count = std::min(wanted - pool.ready, pool.most - pool.in_all);
    if (pool.copy_size > 0) {
        const uint64_t left = pool.max_size > pool.size_in_all ? pool.max_size - pool.size_in_all : 0;
        count = static_cast<uint32_t>(std::min<uint64_t>(count, left / pool.copy_size));
    }
    return count;
}

bool is_cheap_checkpoint(uint64_t log_since_checkpoint, uint64_t template_size) {
    constexpr uint64_t always_cheap = uint64_t{32} << 20;
    // Copies that were made through the log are part of it.
    return log_since_checkpoint <= always_cheap + 4 * template_size;
}

CopyStrategy choose_strategy(double wal_log_time, double file_copy_time, bool checkpoint_is_cheap) {
    if (wal_log_time == 0 || !checkpoint_is_cheap)
        return CopyStrategy::wal_log;
    return file_copy_time == 0 || file_copy_time < wal_log_time ? CopyStrategy::file_copy : CopyStrategy::wal_log;
}

} // namespace dbperf::database_pool
