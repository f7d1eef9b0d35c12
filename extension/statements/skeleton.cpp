// One pass over the bytes; no full lexer, see the header for why that is enough.
#include "statements/skeleton.h"

#include <array>

#include "core/hash.h"
#include "core/slice.h"

namespace dbperf::statements {
using namespace core;

namespace {

enum class ByteClass : uint8_t { plain, space, quote, double_quote, digit, word, dash, slash, dollar };

constexpr auto make_classes() {
    std::array<ByteClass, 256> classes{};
    for (int c = 'a'; c <= 'z'; ++c)
        classes[static_cast<size_t>(c)] = ByteClass::word;
    for (int c = 'A'; c <= 'Z'; ++c)
        classes[static_cast<size_t>(c)] = ByteClass::word;
    for (int c = 0x80; c <= 0xff; ++c)
        classes[static_cast<size_t>(c)] = ByteClass::word;
    for (int c = '0'; c <= '9'; ++c)
        classes[static_cast<size_t>(c)] = ByteClass::digit;
    classes['_'] = ByteClass::word;
    for (const char c : {' ', '\t', '\n', '\r', '\f', '\v'})
        classes[static_cast<size_t>(c)] = ByteClass::space;
    classes['\''] = ByteClass::quote;
    classes['"'] = ByteClass::double_quote;
    classes['-'] = ByteClass::dash;
    classes['/'] = ByteClass::slash;
    classes['$'] = ByteClass::dollar;
    return classes;
}

constexpr std::array<ByteClass, 256> classes = make_classes();

constexpr ByteClass class_of(char c) {
    return classes[static_cast<unsigned char>(c)];
}

// Stand for any literal; no bytes of a statement outside of quotes. A sign belongs to a number and not to a string, so
// the two differ.
constexpr char number_literal = '\x01';
constexpr char string_literal = '\x02';

constexpr bool continues_word(char c) {
    const ByteClass byte = class_of(c);
    return byte == ByteClass::word || byte == ByteClass::digit || byte == ByteClass::dollar;
}

// Position after a quoted run that began at `at` (the opening quote).
size_t skip_quoted(std::string_view text, size_t at, char quote, bool backslash_escapes) {
    for (++at; at < text.size(); ++at) {
        if (backslash_escapes && text[at] == '\\') {
            ++at;
        } else if (text[at] == quote) {
            if (at + 1 < text.size() && text[at + 1] == quote)
                ++at;
            else
                return at + 1;
        }
    }
    return text.size();
}

// Whether a quote at `to` goes on with the string that ended at `from`: behind blanks with a line break among them.
bool continues_string(std::string_view text, size_t from, size_t to) {
    bool line_break = false;
    for (size_t at = from; at < to; ++at) {
        if (text[at] == '-' && text[at + 1] == '-')
            at = text.find_first_of("\r\n", at);
        if (class_of(text[at]) != ByteClass::space)
            return false;
        line_break = line_break || text[at] == '\n' || text[at] == '\r';
    }
    return line_break;
}

size_t skip_block_comment(std::string_view text, size_t at) {
    int depth = 0;
    while (at + 1 < text.size()) {
        if (text[at] == '/' && text[at + 1] == '*') {
            ++depth;
            at += 2;
        } else if (text[at] == '*' && text[at + 1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            ++at;
        }
    }
    return text.size();
}

// Position after a number; the sign of an exponent belongs to it.
size_t skip_number(std::string_view text, size_t at) {
    const bool decimal = at + 1 >= text.size() || (text[at + 1] != 'x' && text[at + 1] != 'X');
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (continues_word(c) || c == '.')
            continue;
        const bool exponent = decimal && (c == '+' || c == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E') &&
                              at + 1 < text.size() && class_of(text[at + 1]) == ByteClass::digit;
        if (!exponent)
            break;
    }
    return at;
}

// Position after $tag$...$tag$, or `at` when no dollar quote begins there.
size_t skip_dollar_quoted(std::string_view text, size_t at) {
    size_t end = at + 1;
    while (end < text.size() && text[end] != '$') {
        if (class_of(text[end]) != ByteClass::word && (class_of(text[end]) != ByteClass::digit || end == at + 1))
            return at;
        ++end;
    }
    if (end >= text.size())
        return at;
    const std::string_view tag = slice(text, at, end - at + 1);
    const size_t close = text.find(tag, end + 1);
    return close == std::string_view::npos ? text.size() : close + tag.size();
}

// Eight bytes at a time, folded by a product of 128 bits with both halves of the key in it (as wyhash does, Wang Yi
// 2019). No table: a session that has just been switched to would have to fetch it anew.
class KeyedHash {
public:
    explicit KeyedHash(const SkeletonKey &key) : key_(key), state_(mix_bits(key.words[0] + key.words[1])) {}

    void take(char c) {
        word_ |= uint64_t{static_cast<unsigned char>(c)} << bits_;
        bits_ += 8;
        if (bits_ == 64)
            fold();
    }

    uint64_t value() {
        length_ += static_cast<uint64_t>(bits_);
        fold();
        word_ = length_; // so that zero bytes at the end count
        fold();
        return mix_bits(state_);
    }

private:
    __extension__ typedef unsigned __int128 Product;

    void fold() {
        const Product product = static_cast<Product>(word_ ^ key_.words[1]) * (state_ ^ key_.words[0]);
        state_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
        length_ += 64;
        word_ = 0;
        bits_ = 0;
    }

    const SkeletonKey key_;
    uint64_t state_;
    uint64_t word_ = 0;
    uint64_t length_ = 0;
    int bits_ = 0;
};

} // namespace

Skeleton skeleton_of(std::string_view text, bool backslashes, const SkeletonKey &key) {
    KeyedHash hash(key);
    const auto take = [&hash](char c) { hash.take(c); };
    Skeleton result;
    const auto take_literal = [&result, text](size_t from, size_t to) {
        result.literals = mix_bits(result.literals ^ hash_text(slice(text, from, to - from)));
    };
    size_t escapes_end = 0; // of the last string with backslash escapes
    char previous = ' ';    // last byte that was significant for word boundaries
    size_t at = 0;
    while (at < text.size()) {
        const char c = text[at];
        const ByteClass byte = class_of(c);
        // Most bytes are letters and plain symbols.
        if (byte == ByteClass::word || byte == ByteClass::plain) {
            take(c);
            previous = c;
            ++at;
            continue;
        }
        const bool inside_word = continues_word(previous);
        switch (byte) {
        case ByteClass::space:
            previous = ' ';
            ++at;
            if (at < text.size() && class_of(text[at]) != ByteClass::space)
                take(' ');
            continue;
        case ByteClass::quote: {
            const bool prefixed =
                at > 0 && (previous == 'E' || previous == 'e') && (at < 2 || !continues_word(text[at - 2]));
            const bool escapes =
                backslashes || prefixed || (escapes_end > 0 && continues_string(text, escapes_end, at));
            const size_t begin = at;
            at = skip_quoted(text, at, '\'', escapes);
            if (escapes)
                escapes_end = at;
            take_literal(begin, at);
            take(string_literal);
            previous = '\'';
            continue;
        }
        case ByteClass::double_quote: {
            const size_t end = skip_quoted(text, at, '"', false);
            while (at < end)
                take(text[at++]);
            previous = '"';
            continue;
        }
        case ByteClass::digit:
            if (!inside_word) {
                const size_t begin = at;
                at = skip_number(text, at);
                take_literal(begin, at);
                take(number_literal);
                previous = '0';
                continue;
            }
            break;
        case ByteClass::dash:
            if (at + 1 < text.size() && text[at + 1] == '-') {
                const size_t end = text.find_first_of("\r\n", at);
                const size_t stop = end == std::string_view::npos ? text.size() : end;
                result.comment = slice(text, at, stop - at);
                at = stop;
                take(' ');
                previous = ' ';
                continue;
            }
            break;
        case ByteClass::slash:
            if (at + 1 < text.size() && text[at + 1] == '*') {
                const size_t end = skip_block_comment(text, at);
                result.comment = slice(text, at, end - at);
                at = end;
                take(' ');
                previous = ' ';
                continue;
            }
            break;
        case ByteClass::dollar:
            if (!inside_word) {
                const size_t end = skip_dollar_quoted(text, at);
                if (end != at) {
                    take_literal(at, end);
                    at = end;
                    take(string_literal);
                    previous = '\'';
                    continue;
                }
            }
            break;
        case ByteClass::plain:
        case ByteClass::word:
            break;
        }
        take(c);
        previous = c;
        ++at;
    }
    result.hash = hash.value();
    return result;
}

} // namespace dbperf::statements
