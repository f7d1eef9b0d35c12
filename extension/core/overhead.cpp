// Counted by size: a sample that the scheduler took its time for moves a mean by as much as it likes, a median by one
// place.
#include "core/pg.h"

#include "core/overhead.h"

#include <array>
#include <bit>

#include "core/shared_memory.h"

namespace dbperf::core::overhead {
namespace {

// Eight steps a power of two, from 8 ns on; the last one has the rest.
constexpr size_t steps = 8;
constexpr size_t buckets = 40 * steps;

struct Shared {
    std::array<pg_atomic_uint64, buckets> counts;
};

Shared *shared = nullptr;

Size size() {
    return sizeof(Shared);
}

void attach(void *memory, bool fresh) {
    shared = static_cast<Shared *>(memory);
    if (!fresh)
        return;
    for (pg_atomic_uint64 &count : shared->counts)
        pg_atomic_init_u64(&count, 0);
}

size_t bucket_of(uint64 nanoseconds) {
    if (nanoseconds < steps)
        return nanoseconds;
    const auto power = static_cast<size_t>(std::bit_width(nanoseconds)) - 4; // that of 8 to 15 is 0
    const size_t bucket = (power + 1) * steps + (nanoseconds >> power) - steps;
    return bucket < buckets ? bucket : buckets - 1;
}

// The middle of what is counted there.
uint64 value_of(size_t bucket) {
    if (bucket < steps)
        return bucket;
    const size_t power = bucket / steps - 1;
    return ((steps + bucket % steps) << power) + ((uint64{1} << power) >> 1);
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf own time", size, attach});
}

[[gnu::noinline]] void add(uint64 nanoseconds) {
    pg_atomic_fetch_add_u64(&shared->counts[bucket_of(nanoseconds)], 1);
}

State state() {
    std::array<uint64, buckets> counts;
    State result{};
    for (size_t i = 0; i < buckets; ++i)
        result.samples += counts[i] = pg_atomic_read_u64(&shared->counts[i]);
    uint64 seen = 0;
    for (size_t i = 0; i < buckets && result.samples > 0; ++i) {
        seen += counts[i];
        if (seen * 2 >= result.samples) {
            result.median = value_of(i);
            break;
        }
    }
    return result;
}

void reset() {
    for (pg_atomic_uint64 &count : shared->counts)
        pg_atomic_write_u64(&count, 0);
}

} // namespace dbperf::core::overhead
