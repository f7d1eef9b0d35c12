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

// A running hash. Copying it is a snapshot that can be restored.
struct Hash64 {
    uint64_t state = 0x9e3779b97f4a7c15u;

    constexpr void add(uint64_t value) { state = mix_bits(state ^ value) + 0x9e3779b97f4a7c15u; }

    // Length first, so that ("ab","c") and ("a","bc") differ.
    void add(std::string_view text) {
        add(static_cast<uint64_t>(text.size()));
        while (!text.empty()) {
            uint64_t word = 0;
            const size_t taken = text.size() < 8 ? text.size() : 8;
            std::memcpy(&word, text.data(), taken);
            if constexpr (std::endian::native == std::endian::big)
                word = __builtin_bswap64(word);
            add(word);
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
