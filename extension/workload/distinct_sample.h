// A bounded sample of distinct things: those with the smallest hashes. Whoever counts the same things, in whatever
// order and in however many turns, keeps the same ones, and each distinct thing is as likely to be kept as any other.
// Works on caller's memory; knows neither locks nor what is hashed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace dbperf::workload {

// Item has a member `hash`. Items are kept in ascending order of it.
template <typename Item>
class DistinctSample {
public:
    static constexpr uint32_t none = UINT32_MAX;

    DistinctSample(std::span<Item> room, uint32_t *count) : room_(room), count_(count) {}

    uint32_t find(uint64_t hash) const {
        const uint32_t at = place_of(hash);
        return at < *count_ && room_[at].hash == hash ? at : none;
    }
    // Whether one that is not in the sample belongs into it.
    bool admits(uint64_t hash) const { return *count_ < room_.size() || hash < room_[*count_ - 1].hash; }
    // Adds an admitted one; the one with the largest hash makes room for it.
    void insert(const Item &item) {
        const uint32_t at = place_of(item.hash);
        const uint32_t moved = *count_ < room_.size() ? *count_ : *count_ - 1;
        std::copy_backward(room_.begin() + at, room_.begin() + moved, room_.begin() + moved + 1);
        room_[at] = item;
        *count_ = moved + 1;
    }
    void erase(uint64_t hash) {
        const uint32_t at = find(hash);
        if (at == none)
            return;
        std::copy(room_.begin() + at + 1, room_.begin() + *count_, room_.begin() + at);
        --*count_;
    }

private:
    uint32_t place_of(uint64_t hash) const {
        const auto place = std::lower_bound(room_.begin(), room_.begin() + *count_, hash,
                                            [](const Item &item, uint64_t value) { return item.hash < value; });
        return static_cast<uint32_t>(place - room_.begin());
    }

    std::span<Item> room_;
    uint32_t *count_;
};

} // namespace dbperf::workload
