// Whether a list that stands beside a key is a constant of the statement (kind IN ('A', 'B') AND id = $1) or the keys
// themselves, a chunk of a batch: a constant comes again, a chunk does not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dbperf::lookups {

struct ListHistory {
    static constexpr size_t capacity = 4; // lists that take turns
    std::array<uint64_t, capacity> known; // newest first, 0: none
    bool steady;                          // the newest came again

    // Whether the execution with this list, given as a hash that is not 0, is a lookup by its other keys. The first
    // list is taken for a constant, and so is one that follows a constant: it may be the next loop's.
    bool is_constant(uint64_t list) {
        for (size_t i = 0; i < capacity; ++i) {
            if (known[i] != list)
                continue;
            for (; i > 0; --i)
                known[i] = known[i - 1];
            known[0] = list;
            steady = true;
            return true;
        }
        const bool taken = known[0] == 0 || steady;
        for (size_t i = capacity - 1; i > 0; --i)
            known[i] = known[i - 1];
        known[0] = list;
        steady = false;
        return taken;
    }
};

} // namespace dbperf::lookups
