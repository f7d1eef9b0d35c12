// Sizes of loops (the N of N+1) as counts in 64 buckets: exact below 16, four to an octave above, up to 2^17.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dbperf::n_plus_one {

struct LoopSizes {
    static constexpr int bucket_count = 68;
    std::array<uint32_t, bucket_count> counts;

    static constexpr int bucket_of(uint64_t size) {
        if (size < 16)
            return static_cast<int>(size);
        const int octave = 63 - std::countl_zero(size);
        if (octave > 16)
            return bucket_count - 1;
        return 16 + (octave - 4) * 4 + static_cast<int>((size >> (octave - 2)) & 3);
    }

    // The smallest size of a bucket.
    static constexpr uint64_t size_of(int bucket) {
        if (bucket < 16)
            return static_cast<uint64_t>(bucket);
        const int octave = 4 + (bucket - 16) / 4;
        return static_cast<uint64_t>(4 + (bucket - 16) % 4) << (octave - 2);
    }

    // A loop has grown; `before` is 0 for a new one.
    constexpr void move(uint64_t before, uint64_t now) {
        if (before != 0) {
            uint32_t &old = counts[static_cast<size_t>(bucket_of(before))];
            old -= old > 0;
        }
        ++counts[static_cast<size_t>(bucket_of(now))];
    }

    // The nearest-rank quantile's bucket, as its smallest size; 0 if there is no loop. q = 0: the smallest.
    constexpr uint64_t quantile(double q) const {
        uint64_t total = 0;
        for (const uint32_t count : counts)
            total += count;
        const double exact_rank = q * static_cast<double>(total);
        uint64_t rank = static_cast<uint64_t>(exact_rank); // counted from 0
        rank -= rank > 0 && static_cast<double>(rank) >= exact_rank;
        for (int bucket = 0; bucket < bucket_count; ++bucket) {
            const uint32_t count = counts[static_cast<size_t>(bucket)];
            if (count > 0 && rank < count)
                return size_of(bucket);
            rank -= count;
        }
        return 0;
    }
};

} // namespace dbperf::n_plus_one
