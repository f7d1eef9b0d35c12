// 64-bit hashing for identities that outlive a server: fingerprints, plan shapes, lookup keys.
// The result must never depend on platform, server version or process, because it is stored.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dbperf::core {

// Bijective finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
constexpr uint64_t mix_bits(uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    x ^= x >> 31;
    return x;
}

// Bytes as a number, the first one lowest.
template <typename Word>
inline uint64_t load(const char *at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big)
        word = sizeof word == 8   ? static_cast<Word>(__builtin_bswap64(word))
               : sizeof word == 4 ? static_cast<Word>(__builtin_bswap32(static_cast<uint32_t>(word)))
                                  : static_cast<Word>(__builtin_bswap16(static_cast<uint16_t>(word)));
    return word;
}

// The same of one to eight bytes; by reads of fixed width, which overlap.
inline uint64_t first_bytes(std::string_view text) {
    const char *at = text.data();
    const size_t size = text.size();
    if (size >= 4)
        return load<uint32_t>(at) | load<uint32_t>(at + size - 4) << (8 * (size - 4));
    if (size >= 2)
        return load<uint16_t>(at) | load<uint16_t>(at + size - 2) << (8 * (size - 2));
    return static_cast<unsigned char>(*at);
}

// A running hash. Copying it is a snapshot that can be restored.
struct Hash64 {
    uint64_t state = 0x9e3779b97f4a7c15u;

    constexpr void add(uint64_t value) { state = mix_bits(state ^ value) + 0x9e3779b97f4a7c15u; }

    // Length first, so that ("ab","c") and ("a","bc") differ.
    void add(std::string_view text) {
        add(static_cast<uint64_t>(text.size()));
        while (!text.empty()) {
            const size_t taken = text.size() < 8 ? text.size() : 8;
            add(taken == 8 ? load<uint64_t>(text.data()) : first_bytes(text));
            text.remove_prefix(taken);
        }
    }

    constexpr uint64_t value() const { return mix_bits(state); }
};

inline uint64_t hash_text(std::string_view text) {
    Hash64 hash;
    hash.add(text);
    return hash.value();
}

} // namespace dbperf::core
