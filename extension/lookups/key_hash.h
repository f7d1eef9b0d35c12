// Hashes of key values from their bytes, so that what a type's own equality calls equal meets: 7 of every kind of
// number, 1.0 and 1.00, dates and the timestamps of their midnights. Knows no server and reads no catalog.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/hash.h"

namespace dbperf::lookups::key_hash {

// Longer values are no keys of interest to lineage.
constexpr size_t longest_key = 64;

// What has an equality of its own must not meet what has another.
enum class Family : uint8_t { timestamp = 1, timestamptz, time, timetz, interval, bytes, bits, network, money, opaque };

constexpr uint64_t of_integer(int64_t number) {
    // A bijection: keys of one type never collide. Only one number in 2^64 hashes to 0.
    return (static_cast<uint64_t>(number) ^ 0x243f6a8885a308d3u) * 0x9e3779b97f4a7c15u;
}

// Of a family whose values are numbers; never 0.
constexpr uint64_t of_word(Family family, uint64_t value) {
    return core::mix_bits(core::mix_bits(value + 0x9e3779b97f4a7c15u) ^
                          (uint64_t{static_cast<uint8_t>(family)} << 56)) |
           1;
}

// `type` tells families of one kind apart.
inline uint64_t of_bytes(Family family, uint32_t type, std::string_view bytes) {
    core::Hash64 hash;
    hash.add(uint64_t{type} << 8 | static_cast<uint8_t>(family));
    hash.add(bytes);
    return hash.value() | 1;
}

// Of its 16 bytes.
inline uint64_t of_uuid(std::string_view bytes) {
    return core::hash_text(bytes) | 1;
}

// Numbers and uuids meet what a text says when it is how they are written: ids are kept as texts where they may be of
// several tables. '05' and '5' are two texts.
uint64_t of_text(std::string_view text);

// With a..z for A..Z; false when it has bytes beyond ASCII, whose case is the server's to know.
bool of_folded_text(std::string_view text, uint64_t *hash);

// Of a value that is too long for lineage: tells most of them apart, and is never read as a whole.
uint64_t of_long(std::string_view bytes);

// A float8, or a float4 as one: whole numbers meet the integers.
uint64_t of_double(double number);

// The server's numeric, without its length word; 0 for what is none. Whole numbers meet the integers.
uint64_t of_numeric(std::string_view bytes);

// An interval as its operators compare it: a month is 30 days, a day 24 hours.
uint64_t of_interval(int64_t microseconds, int32_t days, int32_t months);

// Texts that stand for values of other types; false when they do not.
bool parse_integer(std::string_view text, int64_t *number);
bool parse_uuid(std::string_view text, unsigned char *bytes);
uint64_t of_number_text(std::string_view text); // 0 when it is none

} // namespace dbperf::lookups::key_hash
