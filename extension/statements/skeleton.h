// A cheap identity of a statement's text with literals and comments left out. It only has to find a cached
// fingerprint again: equal skeletons must mean equal fingerprints, the reverse need not hold.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/hash.h"
#include "statements/literal_places.h"

namespace dbperf::statements {

// The secret of the hash. Backends that share what they know of skeletons use one that is drawn when the server starts,
// so that nobody can make up a text that is taken for another role's statement.
struct SkeletonKey {
    std::array<uint64_t, 2> words;
};

// For one seed always the same.
constexpr SkeletonKey skeleton_key(uint64_t seed) {
    SkeletonKey key{};
    for (uint64_t &word : key.words)
        word = core::mix_bits(seed += 0x9e3779b97f4a7c15u);
    return key;
}
inline constexpr SkeletonKey plain_skeleton_key = skeleton_key(0);

struct Skeleton {
    uint64_t hash = 0;
    uint64_t literals = 0;    // hash of the numbers and strings themselves
    std::string_view comment; // the last comment, with its delimiters; empty if none
};

// What is known of a text where one of its literals or comments begins: reading may go on from there.
struct SkeletonState {
    size_t at;
    uint64_t hash;
    uint64_t hashed; // bytes
    std::array<char, 8> tail;
    uint8_t tail_length;
    char previous;
    size_t escapes_end;
    uint64_t literals;
    size_t comment;
    size_t comment_length;
};

// The first places of a text at which another one may begin to differ.
struct SkeletonStates {
    int count = 0;
    std::array<SkeletonState, 4> states;
};

// `backslashes`: plain strings know backslash escapes too (standard_conforming_strings = off). `met` becomes the states
// of this text; `from` is one of a text that is the same up to there. `places`: of its literals, when all of it is
// read.
Skeleton skeleton_of(std::string_view text, bool backslashes = false, const SkeletonKey &key = plain_skeleton_key,
                     SkeletonStates *met = nullptr, const SkeletonState *from = nullptr,
                     LiteralPlaces *places = nullptr);

// The last state of `seen` from which `text` can be read on; null when there is none.
const SkeletonState *common_state(const SkeletonStates &states, std::string_view seen, std::string_view text);

} // namespace dbperf::statements
