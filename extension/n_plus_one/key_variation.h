// Which of a loop's keys vary: a key that is the same in every execution is a constant, and never the one that the loop
// goes over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dbperf::n_plus_one {

struct KeyVariation {
    static constexpr size_t capacity = 8;
    std::array<uint64_t, capacity> last; // 0: not known yet
    std::array<uint16_t, capacity> changes;

    // The hashes of one execution; 0 is not known.
    void note(std::span<const uint64_t> hashes) {
        for (size_t i = 0; i < hashes.size() && i < capacity; ++i) {
            if (hashes[i] == 0)
                continue;
            if (last[i] != 0 && last[i] != hashes[i] && changes[i] < UINT16_MAX)
                ++changes[i];
            last[i] = hashes[i];
        }
    }

    // What a loop goes over: a key that varies, or any while none does.
    bool may_be_key(size_t number) const { return changes[number] > 0 || changes[key()] == 0; }

    // The key that changed most often, of equals the first; the first one while none did.
    size_t key() const {
        size_t chosen = 0;
        for (size_t i = 1; i < capacity; ++i)
            if (changes[i] > changes[chosen])
                chosen = i;
        return chosen;
    }
};

} // namespace dbperf::n_plus_one
