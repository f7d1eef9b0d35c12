// A histogram that fits its values: at most 24 buckets, as narrow as their spread allows. Memory is the caller's, and
// so are locks.
//
// Buckets are log-linear: values below 64 have one each, above that every power of two is divided into 32 steps (as in
// HdrHistogram). When more than 24 buckets are in use, each two neighbours become one (uniform collapse, as in
// UDDSketch: Epicoco and others 2020). A bucket's midpoint is then within 1.6 % of its values as long as these are at
// most 1.5 times apart, 3.2 % up to 2.5 times, 6.3 % up to 7 times, 13 % up to 50 times, 25 % up to 2,500 times.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dbperf::units {

struct AdaptiveHistogram {
    static constexpr size_t max_buckets = 24;
    std::array<uint32_t, max_buckets> counts;
    std::array<uint16_t, max_buckets> buckets; // ascending
    uint8_t used;
    uint8_t coarseness; // how often neighbours became one

    static constexpr uint32_t bucket_of(uint64_t value) {
        if (value < 64)
            return static_cast<uint32_t>(value);
        const uint32_t octave = 63 ^ static_cast<uint32_t>(std::countl_zero(value));
        return (octave - 5) * 32 + static_cast<uint32_t>(value >> (octave - 5));
    }

    // Smallest value of a bucket; of those behind the last one, the largest value there is.
    static constexpr uint64_t bucket_low(uint32_t bucket) {
        if (bucket < 64)
            return bucket;
        const uint32_t octave = bucket / 32 + 4;
        return octave > 63 ? UINT64_MAX : uint64_t{bucket % 32 + 32} << (octave - 5);
    }

    constexpr void add(uint64_t value) {
        for (;;) {
            const auto bucket = static_cast<uint16_t>(bucket_of(value) >> coarseness);
            size_t at = 0;
            while (at < used && buckets[at] < bucket)
                ++at;
            if (at < used && buckets[at] == bucket) {
                counts[at] += counts[at] != UINT32_MAX;
                return;
            }
            if (used < max_buckets) {
                insert(at, bucket);
                return;
            }
            coarsen();
        }
    }

    // The nearest-rank median as the midpoint of its bucket; 0 when empty.
    constexpr uint64_t median() const {
        uint64_t total = 0;
        for (size_t i = 0; i < used; ++i)
            total += counts[i];
        uint64_t seen = 0;
        for (size_t i = 0; i < used; ++i)
            if ((seen += counts[i]) * 2 >= total)
                return midpoint(i);
        return 0;
    }

private:
    constexpr uint64_t midpoint(size_t at) const {
        const uint64_t low = bucket_low(uint32_t{buckets[at]} << coarseness);
        const uint64_t next = bucket_low((uint32_t{buckets[at]} + 1) << coarseness);
        return low + (next - 1 - low) / 2;
    }

    constexpr void insert(size_t at, uint16_t bucket) {
        for (size_t i = used; i > at; --i) {
            counts[i] = counts[i - 1];
            buckets[i] = buckets[i - 1];
        }
        counts[at] = 1;
        buckets[at] = bucket;
        ++used;
    }

    constexpr void coarsen() {
        size_t kept = 0;
        for (size_t i = 0; i < used; ++i) {
            const auto bucket = static_cast<uint16_t>(buckets[i] / 2);
            if (kept > 0 && buckets[kept - 1] == bucket) {
                uint32_t &count = counts[kept - 1];
                count = UINT32_MAX - count < counts[i] ? UINT32_MAX : count + counts[i];
                continue;
            }
            buckets[kept] = bucket;
            counts[kept++] = counts[i];
        }
        used = static_cast<uint8_t>(kept);
        ++coarseness;
    }
};

} // namespace dbperf::units
