// Sizes of loops (the N of N+1) as counts in 68 buckets: exact below 16, four to an octave above, up to 2^17. What
// loops of one bucket have in common is exact, too: their sum, and their smallest.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dbperf::n_plus_one {

struct LoopSizes {
    static constexpr int bucket_count = 68;
    std::array<uint32_t, bucket_count> counts;
    std::array<uint32_t, bucket_count> smallest; // as long as none of several has grown out of the bucket
    std::array<uint64_t, bucket_count> sums;

    static constexpr int bucket_of(uint64_t size) {
        if (size < 16)
            return static_cast<int>(size);
        const int octave = 63 - std::countl_zero(size);
        if (octave > 16)
            return bucket_count - 1;
        return 16 + (octave - 4) * 4 + static_cast<int>((size >> (octave - 2)) & 3);
    }

    // A loop has grown; `before` is 0 for a new one.
    constexpr void move(uint64_t before, uint64_t now) {
        if (before != 0)
            take_out(static_cast<size_t>(bucket_of(before)), before);
        const auto at = static_cast<size_t>(bucket_of(now));
        const auto size = static_cast<uint32_t>(now < UINT32_MAX ? now : UINT32_MAX);
        smallest[at] = counts[at] == 0 || size < smallest[at] ? size : smallest[at];
        ++counts[at];
        sums[at] += now;
    }

    // The nearest-rank quantile as the mean of its bucket; 0 if there is no loop. q = 0: the smallest.
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
                return q > 0 ? sums[static_cast<size_t>(bucket)] / count : smallest[static_cast<size_t>(bucket)];
            rank -= count;
        }
        return 0;
    }

private:
    constexpr void take_out(size_t bucket, uint64_t size) {
        if (counts[bucket] == 0)
            return;
        --counts[bucket];
        sums[bucket] -= size < sums[bucket] ? size : sums[bucket];
        if (counts[bucket] == 0)
            sums[bucket] = 0;
        else if (counts[bucket] == 1)
            smallest[bucket] = static_cast<uint32_t>(sums[bucket] < UINT32_MAX ? sums[bucket] : UINT32_MAX);
    }
};

} // namespace dbperf::n_plus_one
