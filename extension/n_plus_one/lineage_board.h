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

// Keys side by side: whether one of them is looked for takes a cache line and few comparisons.
struct alignas(64) BoardBucket {
    static constexpr size_t ways = 8; // many, since small numbers are in many columns of what one page reads

    std::array<uint64_t, ways> keys;
    std::array<uint64_t, ways> references; // 0: free
};

class LineageBoard {
public:
    static constexpr size_t ways = BoardBucket::ways;
    static constexpr size_t max_found = ways;

    constexpr LineageBoard() = default;
    // Zeroed memory of so many buckets, a power of two.
    LineageBoard(BoardBucket *buckets, size_t count) : buckets_(buckets), shift_(64 - __builtin_ctzll(count)) {}

    // Largest power of two of buckets that fits into so many bytes; at least 16.
    static constexpr size_t buckets_in(size_t bytes) {
        size_t buckets = 16;
        while (buckets * 2 * sizeof(BoardBucket) <= bytes)
            buckets *= 2;
        return buckets;
    }

    // Enters a value; false when this execution returned it in this column before.
    bool put(uint64_t key, ValueReference reference);

    // Who returned this value: fills `found`, returns how many. First columns first: they are the likeliest keys.
    size_t find(uint64_t key, std::array<ValueReference, max_found> *found) const;

    // The usual answer, quickly: nobody.
    bool knows(uint64_t key) const {
        // Halves of keys are compared: what is equal in one is rare enough to be looked at again.
        const auto wanted = reinterpret_cast<Halves>(Words{key, key});
        const BoardBucket &bucket = bucket_of(key);
        const auto *keys = reinterpret_cast<const Halves *>(bucket.keys.data());
        const auto equal = reinterpret_cast<Words>((keys[0] == wanted) | (keys[1] == wanted) | (keys[2] == wanted) |
                                                   (keys[3] == wanted));
        return __builtin_expect((equal[0] | equal[1]) != 0, false) && holds(bucket, key);
    }

private:
    using Halves [[gnu::vector_size(16), gnu::may_alias]] = uint32_t;
    using Words [[gnu::vector_size(16)]] = uint64_t;

    static bool holds(const BoardBucket &bucket, uint64_t key);
    static uint64_t load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
    static void store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELAXED); }
    // Keys are products (see key_of): their high bits are the good ones.
    BoardBucket &bucket_of(uint64_t key) const { return buckets_[key >> shift_]; }

    BoardBucket *buckets_ = nullptr;
    int shift_ = 0;
};

// The board's key of a value in a group of sessions: equal values of one group meet. Never 0.
constexpr uint64_t board_key(uint64_t value_hash, uint64_t group) {
    return ((value_hash ^ group) * 0xd6e8feb86659fd93u) | 1;
}

} // namespace dbperf::n_plus_one
