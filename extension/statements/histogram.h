// Latency histogram: which bucket a duration belongs to and what a bucket means. Counters are the caller's.
//
// Durations are nanoseconds. Below 2^10 ns buckets are 32 ns wide; above, every power of two is divided into 32
// linear steps (as in HdrHistogram), so a bucket's midpoint is within 1/64 = 1.6 % of every value in it.
// The last bucket ends at 2^42 ns (73 minutes) and takes everything longer. Histograms merge by addition.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace dbperf::statements::histogram {

constexpr int steps_bits = 5; // 32 steps an octave
constexpr int first_octave = 10;
constexpr int last_octave = 41;
constexpr int steps = 1 << steps_bits;
constexpr int bucket_count = steps + (last_octave - first_octave + 1) * steps;

constexpr int bucket_of(uint64_t nanoseconds) {
    if (nanoseconds < (uint64_t{1} << first_octave))
        return static_cast<int>(nanoseconds >> (first_octave - steps_bits));
    const int octave = 63 ^ std::countl_zero(nanoseconds);
    if (octave > last_octave)
        return bucket_count - 1;
    // The five bits behind the leading one are the step; that one is the 32 of the octave.
    return (octave - first_octave) * steps + static_cast<int>(nanoseconds >> (octave - steps_bits));
}

// Smallest duration of a bucket, in nanoseconds.
constexpr uint64_t bucket_low(int bucket) {
    if (bucket < steps)
        return static_cast<uint64_t>(bucket) << (first_octave - steps_bits);
    const int octave = first_octave + (bucket - steps) / steps;
    const auto step = static_cast<uint64_t>((bucket - steps) % steps);
    return (steps + step) << (octave - steps_bits);
}

constexpr uint64_t bucket_width(int bucket) {
    return bucket < steps ? uint64_t{1} << (first_octave - steps_bits)
                          : uint64_t{1} << ((bucket - steps) / steps + first_octave - steps_bits);
}

// The nearest-rank quantile (rank = ceil(fraction * n)) as the midpoint of its bucket, in nanoseconds; 0 when empty.
double quantile(std::span<const uint32_t> counts, double fraction);

// Observations surely above the limit: those of buckets that begin at or above it.
uint64_t count_above(std::span<const uint32_t> counts, uint64_t limit_nanoseconds);

} // namespace dbperf::statements::histogram
