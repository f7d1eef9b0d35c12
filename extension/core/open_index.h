// Open addressing with linear probing over caller's memory: hash -> entry number. Knows neither keys nor locks.
//
// A slot holds entry number + 1; 0 is free. Erasing shifts later slots back, so there are no tombstones and a full
// life of inserts and erases never degrades. The caller keeps at most half of the slots in use.
#pragma once

#include <cstdint>
#include <span>

namespace dbperf::core {

class OpenIndex {
public:
    static constexpr uint32_t none = UINT32_MAX;

    explicit constexpr OpenIndex(std::span<uint32_t> slots) : slots_(slots) {}

    // Slots for this many entries: a power of two, at most half full.
    static constexpr uint32_t slots_for(uint32_t entries) {
        uint32_t slots = 16;
        while (slots < entries * 2)
            slots *= 2;
        return slots;
    }

    template <typename Equal>
    uint32_t find(uint64_t hash, Equal equal) const {
        for (uint32_t at = home(hash); slots_[at] != 0; at = next(at))
            if (equal(slots_[at] - 1))
                return slots_[at] - 1;
        return none;
    }

    // The entry must not be in the index yet.
    void insert(uint64_t hash, uint32_t entry) {
        uint32_t at = home(hash);
        while (slots_[at] != 0)
            at = next(at);
        slots_[at] = entry + 1;
    }

    // hash_of gives an entry's hash, to move what was displaced by the erased one.
    template <typename HashOf>
    bool erase(uint64_t hash, uint32_t entry, HashOf hash_of) {
        uint32_t hole = home(hash);
        while (slots_[hole] != entry + 1) {
            if (slots_[hole] == 0)
                return false;
            hole = next(hole);
        }
        for (uint32_t at = next(hole); slots_[at] != 0; at = next(at)) {
            const uint32_t wanted = home(hash_of(slots_[at] - 1));
            const bool stays = hole <= at ? (hole < wanted && wanted <= at) : (hole < wanted || wanted <= at);
            if (stays)
                continue;
            slots_[hole] = slots_[at];
            hole = at;
        }
        slots_[hole] = 0;
        return true;
    }

    void clear() {
        for (uint32_t &slot : slots_)
            slot = 0;
    }

private:
    uint32_t home(uint64_t hash) const {
        return static_cast<uint32_t>(hash) & static_cast<uint32_t>(slots_.size() - 1);
    }
    uint32_t next(uint32_t at) const { return (at + 1) & static_cast<uint32_t>(slots_.size() - 1); }

    std::span<uint32_t> slots_;
};

} // namespace dbperf::core
