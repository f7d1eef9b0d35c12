// How many copies of a template to keep ready, and how to make them. Times are seconds.
#pragma once

#include <cstdint>

namespace dbperf::database_pool {

// How often a new copy was needed lately: an exponential average that halves in half_life.
class DemandRate {
public:
    static constexpr double half_life = 10;
    void count(double now);
    double per_second(double now) const;

private:
    double weight_ = 0;
    double at_ = 0;
};

struct PoolState {
    uint32_t ready;     // or being made
    uint32_t waiting;   // sessions that found none
    double demand;      // copies a second that do not come back by being put back
    double copy_time;   // of one; 0: not known
    uint32_t in_all;    // copies of all templates
    uint32_t most;      // of them
    uint64_t copy_size; // bytes
    uint64_t size_in_all;
    uint64_t max_size;
};

// Copies to be made now: one spare, those that are waited for, and what is taken while as many are made; never more
// than the bounds on number and size allow.
uint32_t copies_to_make(const PoolState &pool);

enum class CopyStrategy : uint8_t { wal_log, file_copy };

// Each is tried once; then the faster one. 0: not tried. Copying files forces two checkpoints, of everything that is
// dirty on the server: never when that is much more than the template itself.
CopyStrategy choose_strategy(double wal_log_time, double file_copy_time, bool checkpoint_is_cheap);
bool is_cheap_checkpoint(uint64_t log_since_checkpoint, uint64_t template_size);

} // namespace dbperf::database_pool
