// The lineage board: where values came from, as hashes. Bounded and lossy: a full bucket forgets its oldest entry.
// Small numbers are returned by many statements: each keeps what it returned last, so that one that is repeated does
// not push out the others.
//
// Many processes read and write it at once without a lock. A slot is two words, each read and written whole. Torn
// reads are possible: a key may be paired with another entry's reference. That is rare, and its user rejects what is of
// another unit of work and needs more than one match for a proof.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dbperf::n_plus_one {

// One returned value: which execution, which of its columns, in which row it appeared first.
struct ValueReference {
    uint32_t serial; // of the execution; never 0
    uint16_t row;
    uint8_t column;
    uint8_t statement = 0; // part of a hash: separates most statements
};

struct BoardSlot {
    uint64_t key;
    uint64_t reference; // 0: free
};

class LineageBoard {
public:
    // Slots of a bucket: two cache lines, since small numbers are in many columns of what one page reads.
    static constexpr size_t ways = 8;
    static constexpr size_t max_found = ways;

    constexpr LineageBoard() = default;
    // `slots` are zeroed memory of buckets * ways; buckets is a power of two.
    LineageBoard(BoardSlot *slots, size_t buckets) : slots_(slots), shift_(64 - __builtin_ctzll(buckets)) {}

    // Largest power of two of buckets that fits into so many bytes; at least 16.
    static constexpr size_t buckets_in(size_t bytes) {
        size_t buckets = 16;
        while (buckets * 2 * ways * sizeof(BoardSlot) <= bytes)
            buckets *= 2;
        return buckets;
    }

    // Enters a value; false when this execution returned it in this column before.
    bool put(uint64_t key, ValueReference reference);

    // Who returned this value: fills `found`, returns how many. First columns first: they are the likeliest keys.
    size_t find(uint64_t key, std::array<ValueReference, max_found> *found) const;

    // The usual answer, quickly: nobody.
    bool knows(uint64_t key) const {
        const BoardSlot *bucket = bucket_of(key);
        for (size_t i = 0; i < ways; ++i)
            if (__builtin_expect(load(&bucket[i].key) == key, false))
                return true;
        return false;
    }

private:
    static uint64_t load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
    static void store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELAXED); }
    // Keys are products (see key_of): their high bits are the good ones.
    BoardSlot *bucket_of(uint64_t key) const { return slots_ + (key >> shift_) * ways; }

    BoardSlot *slots_ = nullptr;
    int shift_ = 0;
};

// The board's key of a value in a group of sessions: equal values of one group meet. Never 0.
constexpr uint64_t board_key(uint64_t value_hash, uint64_t group) {
    return ((value_hash ^ group) * 0xd6e8feb86659fd93u) | 1;
}

} // namespace dbperf::n_plus_one
