// A model of the server's scanner, after the manual's chapter "Lexical Structure": what tests of the normaliser and the
// skeleton feed them with. It knows what all supported versions agree on, and gives nothing for anything else.
#pragma once

#include "statements/normalize.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::statements::model {

struct LexedToken {
    TokenKind kind;
    uint32_t start, end;
    std::string identity;
};

class Lexer {
public:
    Lexer(std::string_view text, bool backslashes) : text_(text), backslashes_(backslashes) {}

    // Nothing when the scanner would raise an error, or the grammar whatever stands around it.
    std::optional<std::vector<LexedToken>> tokens() {
        while (skip_blanks()) {
            const size_t start = at_;
            const std::optional<TokenKind> kind = next();
            if (!kind)
                return {};
            const bool constant =
                *kind == TokenKind::number || *kind == TokenKind::string || *kind == TokenKind::parameter;
            const bool value_word =
                *kind == TokenKind::keyword && (identity_ == "null" || identity_ == "true" || identity_ == "false");
            const bool name = *kind == TokenKind::identifier || *kind == TokenKind::keyword || identity_ == "*";
            if ((constant && after_constant_) || (after_point_ && !name) || (identity_ == "." && refuses_point_))
                return {};
            after_constant_ = constant || value_word;
            after_point_ = identity_ == ".";
            refuses_point_ = constant || *kind == TokenKind::keyword;
            if (text_.substr(start, at_ - start) != ";")
                found_.push_back({*kind, static_cast<uint32_t>(start), static_cast<uint32_t>(at_), identity_});
        }
        return failed_ ? std::nullopt : std::optional(std::move(found_));
    }

private:
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }
    static bool is_name_start(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
    }
    static bool is_name_part(char c) { return is_name_start(c) || is_digit(c) || c == '$'; }
    static bool is_operator(char c) {
        return c != '\0' && std::string_view("~!@#^&|`?+-*/%<>=").find(c) != std::string_view::npos;
    }
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
    static bool is_newline(char c) { return c == '\n' || c == '\r'; }

    char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool ahead(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

    bool skip_blanks() {
        while (at_ < text_.size()) {
            if (is_space(peek()))
                ++at_;
            else if (ahead("--"))
                skip_line();
            else if (!ahead("/*"))
                return true;
            else if (!skip_block()) {
                failed_ = true;
                return false;
            }
        }
        return false;
    }
    void skip_line() {
        while (at_ < text_.size() && !is_newline(peek()))
            ++at_;
    }
    bool skip_block() {
        int depth = 0;
        while (at_ < text_.size()) {
            const bool opens = ahead("/*"), closes = ahead("*/");
            at_ += opens || closes ? 2 : 1;
            depth += opens - closes;
            if (depth == 0)
                return true;
        }
        return false;
    }

    std::optional<TokenKind> next() {
        const char c = peek();
        identity_.clear();
        if (c == '\'')
            return string(0, backslashes_);
        if (c != '\0' && std::string_view("eEbBxXnN").find(c) != std::string_view::npos && peek(1) == '\'')
            return string(1, c == 'e' || c == 'E' || ((c == 'n' || c == 'N') && backslashes_));
        if ((c == 'u' || c == 'U') && peek(1) == '&' && peek(2) == '\'')
            return backslashes_ ? std::nullopt : string(2, false);
        if ((c == 'u' || c == 'U') && peek(1) == '&' && peek(2) == '"')
            return quoted_name(2);
        if (c == '"')
            return quoted_name(0);
        if (is_name_start(c))
            return name();
        if (is_digit(c) || (c == '.' && is_digit(peek(1))))
            return number();
        if (c == '$')
            return is_digit(peek(1)) ? parameter() : dollar_quoted();
        return symbol();
    }

    std::optional<TokenKind> string(size_t prefix, bool escapes) {
        const size_t start = at_;
        at_ += prefix;
        do {
            ++at_;
            for (;;) {
                if (at_ >= text_.size())
                    return {};
                if (escapes && peek() == '\\') {
                    at_ += 2;
                } else if (peek() != '\'') {
                    ++at_;
                } else if (peek(1) == '\'') {
                    at_ += 2;
                } else {
                    ++at_;
                    break;
                }
            }
        } while (skip_to_continuation());
        const bool bits = text_[start] == 'b' || text_[start] == 'B' || text_[start] == 'x' || text_[start] == 'X';
        const bool wrong = bits && text_.substr(start, at_ - start).find('\\') != std::string_view::npos;
        return wrong ? std::nullopt : std::optional(TokenKind::string);
    }
    // A string goes on behind white space with a line break in it, line comments included.
    bool skip_to_continuation() {
        const size_t end = at_;
        bool newline = false;
        while (at_ < text_.size()) {
            if (is_space(peek())) {
                newline = newline || is_newline(peek());
                ++at_;
            } else if (ahead("--")) {
                skip_line();
            } else {
                break;
            }
        }
        if (newline && peek() == '\'')
            return true;
        at_ = end;
        return false;
    }

    std::optional<TokenKind> quoted_name(size_t prefix) {
        identity_ = text_.substr(at_, prefix);
        at_ += prefix;
        for (++at_;; ++at_) {
            if (at_ >= text_.size() || peek() == '\0')
                return {};
            if (peek() == '"') {
                if (peek(1) != '"')
                    break;
                ++at_;
            }
            identity_ += peek();
        }
        ++at_;
        return identity_.size() == prefix ? std::nullopt : std::optional(TokenKind::identifier);
    }

    std::optional<TokenKind> name() {
        for (; is_name_part(peek()); ++at_)
            identity_ += static_cast<char>(peek() >= 'A' && peek() <= 'Z' ? peek() - 'A' + 'a' : peek());
        for (const std::string_view word :
             {"select",       "from", "where", "in",    "array",     "values", "null",  "true", "false",   "not",
              "and",          "or",   "as",    "limit", "returning", "case",   "when",  "then", "else",    "end",
              "current_date", "user", "with",  "into",  "order",     "group",  "union", "all",  "default", "collate"})
            if (identity_ == word)
                return TokenKind::keyword;
        return TokenKind::identifier;
    }

    std::optional<TokenKind> number() {
        while (is_digit(peek()))
            ++at_;
        if (peek() == '.' && peek(1) != '.') {
            ++at_;
            while (is_digit(peek()))
                ++at_;
        }
        const size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
        if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign))) {
            at_ += sign;
            while (is_digit(peek()))
                ++at_;
        }
        return is_name_start(peek()) ? std::nullopt : std::optional(TokenKind::number);
    }
    std::optional<TokenKind> parameter() {
        for (++at_; is_digit(peek());)
            ++at_;
        return is_name_start(peek()) ? std::nullopt : std::optional(TokenKind::parameter);
    }

    std::optional<TokenKind> dollar_quoted() {
        size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != '$' && is_name_part(text_[end]))
            ++end;
        if (end >= text_.size() || text_[end] != '$')
            return {};
        const std::string_view tag = text_.substr(at_, end + 1 - at_);
        const size_t close = text_.find(tag, end + 1);
        if (close == std::string_view::npos)
            return {};
        at_ = close + tag.size();
        return TokenKind::string;
    }

    std::optional<TokenKind> symbol() {
        const size_t start = at_;
        for (const std::string_view two : {"::", ":="})
            if (ahead(two)) {
                at_ += 2;
                identity_ = two;
                return TokenKind::symbol;
            }
        if (std::string_view(",()[].;:").find(peek()) != std::string_view::npos) {
            identity_ = peek();
            ++at_;
            return TokenKind::symbol;
        }
        while (is_operator(peek()) && !ahead("--") && !ahead("/*"))
            ++at_;
        // A + or - at the end belongs to what follows, unless a character says that this is no arithmetic.
        while (at_ - start > 1 && (text_[at_ - 1] == '+' || text_[at_ - 1] == '-') &&
               text_.substr(start, at_ - 1 - start).find_first_of("~!@#^&|`?%") == std::string_view::npos)
            --at_;
        if (at_ == start)
            return {};
        identity_ = text_.substr(start, at_ - start);
        if (identity_ == "!=")
            identity_ = "<>";
        return TokenKind::symbol;
    }

    std::string_view text_;
    bool backslashes_;
    size_t at_ = 0;
    bool failed_ = false;
    bool after_constant_ = false; // two of them never follow each other
    bool after_point_ = false;    // there is a name
    bool refuses_point_ = false;  // neither a constant nor a reserved word has parts
    std::string identity_;
    std::vector<LexedToken> found_;
};

inline std::optional<std::vector<LexedToken>> lex(std::string_view text, bool backslashes = false) {
    return Lexer(text, backslashes).tokens();
}

struct Normalised {
    uint64_t fingerprint;
    std::string text;
};

inline Normalised normalise(std::string_view source, const std::vector<LexedToken> &tokens, size_t room = 1 << 16) {
    std::vector<char> out(room);
    Normalizer normalizer(source, out, first_free_number(source));
    for (const LexedToken &token : tokens)
        normalizer.push({token.kind, token.start, token.end, token.identity});
    normalizer.finish();
    return {normalizer.fingerprint(), std::string(normalizer.text())};
}

} // namespace dbperf::statements::model
