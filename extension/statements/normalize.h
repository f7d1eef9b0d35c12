// Turns a statement's tokens into its fingerprint and its normalised text. Knows tokens, not where they come from.
//
// Constants and parameters become one marker; comments and white space are not tokens; unquoted identifiers arrive
// folded. Lists after IN, ARRAY[ and VALUES lose every element that looks like their first one, so that the same
// statement with three or with three hundred values has one fingerprint. Signs belong to their number.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/hash.h"

namespace dbperf::statements {

enum class TokenKind : uint8_t { identifier, keyword, number, string, parameter, symbol };

struct Token {
    TokenKind kind;
    uint32_t start; // byte range in the source text
    uint32_t end;
    std::string_view identity; // what counts: folded name, keyword in lower case, operator; unused for constants
};

class Normalizer {
public:
    // `out` takes the normalised text (cut when full); constants are numbered from `first_number`.
    Normalizer(std::string_view source, std::span<char> out, int first_number);

    void push(const Token &token);
    void finish();

    uint64_t fingerprint() const { return now_.hash.value(); }
    std::string_view text() const { return {out_.data(), now_.length}; }
    // Whether the statement names something in schema dbperf.
    bool mentions_dbperf() const { return mentions_dbperf_; }

private:
    // Everything that is put back when a list element turns out to be a repetition.
    struct Snapshot {
        core::Hash64 hash;
        uint32_t length = 0;
        int next_number = 1;
    };

    struct List {
        enum class Kind : uint8_t { in, array, values } kind;
        int depth;         // bracket depth at which its separators stand
        bool first_known;  // first element has ended
        bool element_open; // VALUES only: between two rows nothing is open
        bool collapsed;
        uint64_t first;       // hash of the first element
        core::Hash64 element; // of the current one, a list inside of it counting by what it keeps
        core::Hash64 kept;    // of those that are no repetitions
        Snapshot before;      // state before the current element and its comma
    };

    // What of the token before decides about the next one.
    enum class Previous : uint8_t { nothing, value, keyword, operation, point, close, in, array, values, dbperf };

    void emit(const Token &token, bool constant);
    void emit_pending_sign();
    void end_element(List &list);
    void close_lists(const Token &token);
    void append(std::string_view piece);
    bool operand_expected() const;

    std::string_view source_;
    std::span<char> out_;
    Snapshot now_;
    std::array<List, 8> lists_;
    int list_count_ = 0;
    int depth_ = 0;
    uint32_t previous_end_ = 0;
    Previous previous_ = Previous::nothing;
    Token sign_{};
    bool have_sign_ = false;
    bool mentions_dbperf_ = false;
};

// One more than the highest $n in the text.
int first_free_number(std::string_view source);

} // namespace dbperf::statements
