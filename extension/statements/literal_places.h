// Where the literals of a text stand, so that another text which differs in nothing else is known without being read
// again: a loop sends one text with another key each time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dbperf::statements {

enum class LiteralKind : uint8_t {
    number, // decimal digits alone
    string, // without a quote or backslash in it, and known to have no escapes
    other   // has to stay as it is
};

struct LiteralPlaces {
    static constexpr uint32_t most = 8;
    static constexpr uint32_t unknown = ~uint32_t{0}; // not read, or more than that
    uint32_t count = unknown;
    std::array<uint32_t, most> before; // bytes between the literal before, or the beginning, and this one
    std::array<uint32_t, most> length;
    std::array<LiteralKind, most> kind;

    void add(size_t bytes_before, std::string_view literal, bool escapes);
};

// How the literals of a text are hashed, one after the other.
uint64_t add_literal(uint64_t literals, std::string_view literal);

// Whether `text` is `seen` with other numbers and strings at these places: the skeletons of both are the same then, and
// comments stand between the same literals. Afterwards the places are those of `text`, and *literals is the hash of its
// literals; when they differ otherwise the places are unknown.
bool differs_in_literals(LiteralPlaces *places, std::string_view seen, std::string_view text, uint64_t *literals);

} // namespace dbperf::statements
