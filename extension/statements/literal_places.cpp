#include "statements/literal_places.h"

#include <cstring>

#include "core/hash.h"
#include "core/slice.h"

namespace dbperf::statements {
using namespace core;

namespace {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

LiteralKind kind_of(std::string_view literal, bool escapes) {
    if (is_digit(literal.front())) {
        for (const char c : literal)
            if (!is_digit(c))
                return LiteralKind::other;
        return LiteralKind::number;
    }
    if (escapes || literal.size() < 2 || literal.front() != '\'' || literal.back() != '\'')
        return LiteralKind::other;
    return slice(literal, 1, literal.size() - 2).find_first_of("'\\") == std::string_view::npos ? LiteralKind::string
                                                                                                : LiteralKind::other;
}

// Length of the literal of this kind at the beginning of `rest`; 0 when there is none.
size_t length_of(LiteralKind kind, std::string_view rest) {
    size_t at = 0;
    if (kind == LiteralKind::number) {
        while (at < rest.size() && is_digit(rest[at]))
            ++at;
        return at;
    }
    if (rest.empty() || rest[0] != '\'')
        return 0;
    for (at = 1; at < rest.size() && rest[at] != '\''; ++at)
        if (rest[at] == '\\')
            return 0;
    // Two quotes are one within the string.
    return at == rest.size() || (at + 1 < rest.size() && rest[at + 1] == '\'') ? 0 : at + 1;
}

} // namespace

void LiteralPlaces::add(size_t bytes_before, std::string_view literal, bool escapes) {
    if (count >= most) {
        count = unknown;
        return;
    }
    before[count] = static_cast<uint32_t>(bytes_before);
    length[count] = static_cast<uint32_t>(literal.size());
    kind[count] = kind_of(literal, escapes);
    ++count;
}

uint64_t add_literal(uint64_t literals, std::string_view literal) {
    if (literal.size() <= 8 && !literal.empty()) // most of them are short: in one step
        return mix_bits((literals ^ first_bytes(literal)) + literal.size() * 0x9e3779b97f4a7c15u);
    return mix_bits(literals ^ hash_text(literal));
}

bool differs_in_literals(LiteralPlaces *places, std::string_view seen, std::string_view text, uint64_t *literals) {
    const uint32_t count = places->count;
    places->count = LiteralPlaces::unknown;
    if (count > LiteralPlaces::most)
        return false;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const size_t before = places->before[i], was = places->length[i];
        if (text.size() < before || std::memcmp(seen.data(), text.data(), before) != 0)
            return false;
        seen.remove_prefix(before);
        text.remove_prefix(before);
        size_t length = was;
        if (places->kind[i] != LiteralKind::other)
            length = length_of(places->kind[i], text);
        else if (text.size() < was || std::memcmp(seen.data(), text.data(), was) != 0)
            return false;
        if (length == 0)
            return false;
        hash = add_literal(hash, slice(text, 0, length));
        places->length[i] = static_cast<uint32_t>(length);
        seen.remove_prefix(was);
        text.remove_prefix(length);
    }
    if (seen.size() != text.size() || std::memcmp(seen.data(), text.data(), text.size()) != 0)
        return false;
    places->count = count;
    *literals = hash;
    return true;
}

} // namespace dbperf::statements
