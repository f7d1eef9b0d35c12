// One pass over the bytes; no full lexer, see the header for why that is enough.
#include "statements/skeleton.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/hash.h"
#include "core/slice.h"

namespace dbperf::statements {
using namespace core;

namespace {

// The first two stand for themselves.
enum class ByteClass : uint8_t { plain, word, space, quote, double_quote, digit, dash, slash, dollar };

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
        *next_++ = c;
        if (__builtin_expect(next_ == buffer_.end(), false))
            fold();
    }

    // Takes bytes that stand for themselves, and single blanks between them, up to one that does not; returns where
    // that is.
    const char *take_plain(const char *at, const char *end) {
        while (at != end && class_of(*at) <= ByteClass::word) {
            take(*at++);
            // All others are below ':'. Eight bytes at a time: the lowest of them that is gets its high bit in `below`
            // (as in Warren, Hacker's Delight, 6-1).
            while (std::endian::native == std::endian::little && end - at >= 8 && buffer_.end() - next_ > 8) {
                uint64_t word;
                std::memcpy(&word, at, sizeof word);
                std::memcpy(next_, at, sizeof word);
                const uint64_t below = (word - ones * ':') & ~word & ones * 0x80;
                const int taken = below == 0 ? 8 : std::countr_zero(below) / 8;
                at += taken;
                next_ += taken;
                if (taken < 8)
                    break;
            }
            if (end - at >= 2 && *at == ' ' && class_of(at[1]) <= ByteClass::word)
                take(*at++);
        }
        return at;
    }

    // Words are folded in the order of the text, whenever that is.
    void save(SkeletonState *state) {
        const char *at = buffer_.begin();
        for (; next_ - at >= 8; at += 8)
            fold_bytes(at);
        length_ += static_cast<uint64_t>(at - buffer_.begin());
        const size_t rest = static_cast<size_t>(next_ - at);
        std::memmove(buffer_.begin(), at, rest);
        next_ = buffer_.begin() + rest;
        state->hash = state_;
        state->hashed = length_;
        state->tail_length = static_cast<uint8_t>(rest);
        std::memcpy(state->tail.begin(), buffer_.begin(), rest);
    }

    void restore(const SkeletonState &state) {
        state_ = state.hash;
        length_ = state.hashed;
        std::memcpy(buffer_.begin(), state.tail.begin(), state.tail.size());
        next_ = buffer_.begin() + state.tail_length;
    }

    uint64_t value() {
        const size_t rest = static_cast<size_t>(next_ - buffer_.begin()) % 8;
        if (rest > 0)
            std::memset(next_, 0, 8 - rest); // the buffer's size is a multiple of 8
        const uint64_t length = length_ + static_cast<uint64_t>(next_ - buffer_.begin());
        next_ += rest > 0 ? 8 - rest : 0;
        fold();
        fold_word(length); // so that zero bytes at the end count
        return mix_bits(state_);
    }

private:
    __extension__ typedef unsigned __int128 Product;
    static constexpr uint64_t ones = 0x0101010101010101u;

    void fold_word(uint64_t word) {
        const Product product = static_cast<Product>(word ^ key_.words[1]) * (state_ ^ key_.words[0]);
        state_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    }

    void fold_bytes(const char *at) {
        uint64_t word;
        std::memcpy(&word, at, sizeof word);
        fold_word(word);
    }

    void fold() {
        for (const char *at = buffer_.begin(); at != next_; at += 8)
            fold_bytes(at);
        length_ += static_cast<uint64_t>(next_ - buffer_.begin());
        next_ = buffer_.begin();
    }

    const SkeletonKey key_;
    uint64_t state_;
    uint64_t length_ = 0;
    std::array<char, 256> buffer_;
    char *next_ = buffer_.begin();
};

} // namespace

Skeleton skeleton_of(std::string_view text, bool backslashes, const SkeletonKey &key, SkeletonStates *met,
                     const SkeletonState *from, LiteralPlaces *places) {
    KeyedHash hash(key);
    const auto take = [&hash](char c) { hash.take(c); };
    Skeleton result;
    size_t literal_end = 0; // of the last one
    const auto take_literal = [&](size_t begin, size_t end, bool escapes) {
        const std::string_view literal = slice(text, begin, end - begin);
        result.literals = add_literal(result.literals, literal);
        if (places)
            places->add(begin - literal_end, literal, escapes);
        literal_end = end;
    };
    if (places)
        places->count = from ? LiteralPlaces::unknown : 0;
    size_t escapes_end = 0; // of the last string with backslash escapes
    char previous = ' ';    // last byte that was significant for word boundaries
    size_t at = 0;
    if (from) {
        hash.restore(*from);
        at = from->at;
        previous = from->previous;
        escapes_end = from->escapes_end;
        result.literals = from->literals;
        result.comment = slice(text, from->comment, from->comment_length);
    }
    if (met)
        met->count = 0;
    const auto note = [&](size_t place) {
        if (!met || static_cast<size_t>(met->count) == met->states.size())
            return;
        SkeletonState &state = met->states[static_cast<size_t>(met->count++)];
        state.at = place;
        state.previous = previous;
        state.escapes_end = escapes_end;
        state.literals = result.literals;
        state.comment = result.comment.empty() ? 0 : static_cast<size_t>(result.comment.data() - text.data());
        state.comment_length = result.comment.size();
        hash.save(&state);
    };
    while (at < text.size()) {
        const char c = text[at];
        const ByteClass byte = class_of(c);
        // Most bytes are letters and plain symbols.
        if (byte <= ByteClass::word) {
            at = static_cast<size_t>(hash.take_plain(text.data() + at, text.data() + text.size()) - text.data());
            previous = text[at - 1];
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
            note(at);
            at = skip_quoted(text, at, '\'', escapes);
            if (escapes)
                escapes_end = at;
            take_literal(begin, at, escapes);
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
                note(at);
                at = skip_number(text, at);
                take_literal(begin, at, false);
                take(number_literal);
                previous = '0';
                continue;
            }
            break;
        case ByteClass::dash:
            if (at + 1 < text.size() && text[at + 1] == '-') {
                const size_t end = text.find_first_of("\r\n", at);
                const size_t stop = end == std::string_view::npos ? text.size() : end;
                note(at);
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
                note(at);
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
                    note(at);
                    take_literal(at, end, true);
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

const SkeletonState *common_state(const SkeletonStates &states, std::string_view seen, std::string_view text) {
    for (int i = states.count - 1; i >= 0; --i) {
        const SkeletonState &state = states.states[static_cast<size_t>(i)];
        // What was read before looked at the next byte, too, and wanted to know its class; of a comment at both that
        // begin it, which might have been the sign of an exponent.
        const ByteClass next = class_of(seen[state.at]);
        const size_t alike = state.at + (next == ByteClass::dash || next == ByteClass::slash ? 2 : 0);
        if (alike <= text.size() && state.at < text.size() && next == class_of(text[state.at]) &&
            std::memcmp(seen.data(), text.data(), alike) == 0)
            return &state;
    }
    return nullptr;
}

} // namespace dbperf::statements
