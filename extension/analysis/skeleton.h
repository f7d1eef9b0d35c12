// A cheap identity of a statement's text with literals and comments left out. It only has to find a cached
// fingerprint again: equal skeletons must mean equal fingerprints, the reverse need not hold.
#pragma once

#include <cstdint>
#include <string_view>

namespace dbperf {

struct Skeleton {
    uint64_t hash = 0;
    uint64_t literals = 0;    // hash of the numbers and strings themselves
    std::string_view comment; // the last comment, with its delimiters; empty if none
};

// `backslashes`: plain strings know backslash escapes too (standard_conforming_strings = off).
Skeleton skeleton_of(std::string_view text, bool backslashes = false);

} // namespace dbperf
