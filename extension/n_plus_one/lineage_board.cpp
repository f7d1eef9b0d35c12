#include "n_plus_one/lineage_board.h"

namespace dbperf::n_plus_one {
namespace {

constexpr uint64_t pack(ValueReference reference) {
    return static_cast<uint64_t>(reference.serial) << 32 | static_cast<uint64_t>(reference.statement) << 24 |
           static_cast<uint64_t>(reference.column) << 16 | reference.row;
}

constexpr ValueReference unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), static_cast<uint16_t>(word), static_cast<uint8_t>(word >> 16),
            static_cast<uint8_t>(word >> 24)};
}

// Slots that columns of one result may take from other statements for one value.
constexpr int max_own = 2;

// Other writers may be so many serials ahead of one that is late.
constexpr uint32_t max_ahead = 1 << 20;

} // namespace

bool LineageBoard::put(uint64_t key, ValueReference reference) {
    BoardBucket &bucket = bucket_of(key);
    constexpr size_t none = ways;
    size_t free = none;
    size_t earlier = none; // what the same statement returned before
    size_t oldest = none;
    uint64_t oldest_age = 0;
    int own = 0;
    for (size_t i = 0; i < ways; ++i) {
        const uint64_t word = load(&bucket.references[i]);
        if (word == 0) {
            free = i;
            continue;
        }
        const ValueReference known = unpack(word);
        if (load(&bucket.keys[i]) == key && known.statement == reference.statement) {
            if (known.serial == reference.serial && known.column == reference.column)
                return false;
            ++own;
            if (known.serial != reference.serial)
                earlier = i;
        }
        // Serials wrap around; what counts is the distance. Of one result the last columns are the least likely keys.
        const uint64_t age = uint64_t{reference.serial + max_ahead - known.serial} << 8 | known.column;
        if (oldest == none || age > oldest_age) {
            oldest_age = age;
            oldest = i;
        }
    }
    const size_t chosen = earlier != none ? earlier : free != none ? free : own < max_own ? oldest : none;
    if (chosen != none) {
        store(&bucket.references[chosen], pack(reference));
        store(&bucket.keys[chosen], key);
    }
    return true;
}

size_t LineageBoard::find(uint64_t key, std::array<ValueReference, max_found> *found) const {
    const BoardBucket &bucket = bucket_of(key);
    size_t count = 0;
    for (size_t i = 0; i < ways; ++i) {
        if (load(&bucket.keys[i]) != key)
            continue;
        const uint64_t word = load(&bucket.references[i]);
        if (word == 0)
            continue;
        size_t at = count++;
        for (; at > 0 && (*found)[at - 1].column > unpack(word).column; --at)
            (*found)[at] = (*found)[at - 1];
        (*found)[at] = unpack(word);
    }
    return count;
}

bool LineageBoard::holds(const BoardBucket &bucket, uint64_t key) {
    for (const uint64_t &known : bucket.keys)
        if (load(&known) == key)
            return true;
    return false;
}

} // namespace dbperf::n_plus_one
