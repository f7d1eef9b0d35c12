// See the header.
#include "analysis/lineage_board.h"

namespace dbperf {
namespace {

constexpr uint64_t pack(ValueReference reference) {
    return static_cast<uint64_t>(reference.serial) << 32 | static_cast<uint64_t>(reference.column) << 16 |
           reference.row;
}

constexpr ValueReference unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), static_cast<uint16_t>(word), static_cast<uint8_t>(word >> 16)};
}

// Other writers may be so many serials ahead of one that is late.
constexpr uint32_t most_ahead = 1 << 20;

} // namespace

bool LineageBoard::put(uint64_t key, ValueReference reference) {
    BoardSlot *bucket = bucket_of(key);
    BoardSlot *oldest = bucket;
    uint32_t oldest_age = 0;
    for (size_t i = 0; i < ways; ++i) {
        const uint64_t word = load(&bucket[i].reference);
        const ValueReference known = unpack(word);
        if (load(&bucket[i].key) == key && known.serial == reference.serial && known.column == reference.column)
            return false;
        // Serials wrap around; what counts is the distance.
        const uint32_t age = word == 0 ? UINT32_MAX : reference.serial + most_ahead - known.serial;
        if (age >= oldest_age) {
            oldest_age = age;
            oldest = &bucket[i];
        }
    }
    store(&oldest->reference, pack(reference));
    store(&oldest->key, key);
    return true;
}

size_t LineageBoard::find(uint64_t key, std::array<ValueReference, most_found> *found) const {
    const BoardSlot *bucket = bucket_of(key);
    size_t count = 0;
    for (size_t i = 0; i < ways; ++i) {
        if (load(&bucket[i].key) != key)
            continue;
        const uint64_t word = load(&bucket[i].reference);
        if (word != 0)
            (*found)[count++] = unpack(word);
    }
    return count;
}

} // namespace dbperf
