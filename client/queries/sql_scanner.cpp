#include "queries/sql_scanner.h"

#include <algorithm>
#include <cctype>

#include "base/character.h"

namespace dbperf::client::queries {
using namespace base;

namespace {

bool is_name_start(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}
bool is_name_part(char c) {
    return is_name_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '$';
}

std::string upper(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return result;
}

class Scanner {
public:
    explicit Scanner(std::string_view sql) : sql_(sql) {}

    std::vector<Token> scan() {
        while (at_ < sql_.size()) {
            const std::size_t start = at_;
            const TokenKind kind = next();
            tokens_.push_back({kind, sql_.substr(start, at_ - start), start});
            remember(tokens_.back());
        }
        return std::move(tokens_);
    }

private:
    char peek(std::size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

    TokenKind next() {
        const char c = peek();
        if (is_space(c)) {
            while (at_ < sql_.size() && is_space(peek()))
                ++at_;
            return TokenKind::space;
        }
        if (c == '-' && peek(1) == '-')
            return line_comment();
        if (c == '/' && peek(1) == '*')
            return block_comment();
        if (c == '\'')
            return quoted('\'', false, TokenKind::text);
        if (c == '"')
            return quoted('"', false, TokenKind::quoted_name);
        if (c == '$')
            return dollar();
        if (is_name_start(c))
            return word();
        if (is_digit(c) || (c == '.' && is_digit(peek(1))))
            return number();
        if (c == ':')
            return colon();
        ++at_;
        return c == ';' ? TokenKind::semicolon : c == '\\' ? TokenKind::meta : TokenKind::symbol;
    }

    TokenKind line_comment() {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
        return TokenKind::comment;
    }

    TokenKind block_comment() {
        int depth = 0;
        while (at_ < sql_.size()) {
            if (peek() == '/' && peek(1) == '*') {
                ++depth;
                at_ += 2;
            } else if (peek() == '*' && peek(1) == '/') {
                at_ += 2;
                if (--depth == 0)
                    return TokenKind::comment;
            } else {
                ++at_;
            }
        }
        return TokenKind::unfinished;
    }

    TokenKind quoted(char quote, bool backslashes, TokenKind kind) {
        for (++at_; at_ < sql_.size(); ++at_) {
            if (backslashes && peek() == '\\') {
                ++at_;
            } else if (peek() == quote) {
                if (peek(1) != quote) {
                    ++at_;
                    return kind;
                }
                ++at_;
            }
        }
        at_ = sql_.size();
        return TokenKind::unfinished;
    }

    TokenKind dollar() {
        if (is_digit(peek(1))) {
            ++at_;
            while (is_digit(peek()))
                ++at_;
            return TokenKind::parameter;
        }
        std::size_t end = at_ + 1;
        if (end < sql_.size() && is_name_start(sql_[end]))
            while (end < sql_.size() && is_name_part(sql_[end]) && sql_[end] != '$')
                ++end;
        if (end >= sql_.size() || sql_[end] != '$') {
            ++at_;
            return TokenKind::symbol;
        }
        const std::string_view tag = sql_.substr(at_, end + 1 - at_);
        const std::size_t close = sql_.find(tag, end + 1);
        at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
        return close == std::string_view::npos ? TokenKind::unfinished : TokenKind::text;
    }

    TokenKind word() {
        const char c = peek();
        if (peek(1) == '\'' && std::string_view("eEbBxXnN").find(c) != std::string_view::npos) {
            ++at_;
            return quoted('\'', c == 'e' || c == 'E', TokenKind::text);
        }
        if ((c == 'u' || c == 'U') && peek(1) == '&' && (peek(2) == '\'' || peek(2) == '"')) {
            at_ += 2;
            return quoted(peek(), false, peek() == '"' ? TokenKind::quoted_name : TokenKind::text);
        }
        while (is_name_part(peek()))
            ++at_;
        return TokenKind::word;
    }

    TokenKind number() {
        while (is_digit(peek()) || peek() == '.' || is_name_start(peek()) ||
               ((peek() == '+' || peek() == '-') && (sql_[at_ - 1] == 'e' || sql_[at_ - 1] == 'E')))
            ++at_;
        return TokenKind::number;
    }

    TokenKind colon() {
        if (peek(1) == ':' || peek(1) == '=') {
            at_ += 2;
            return TokenKind::symbol;
        }
        ++at_;
        if (!is_name_start(peek()) || (in_brackets_ > 0 && after_expression_))
            return TokenKind::symbol; // an array slice a[1:n], or no name at all
        while (is_name_part(peek()))
            ++at_;
        return TokenKind::placeholder;
    }

    void remember(const Token &token) {
        if (token.kind == TokenKind::space || token.kind == TokenKind::comment)
            return;
        if (token.text == "[")
            ++in_brackets_;
        if (token.text == "]")
            --in_brackets_;
        after_expression_ = token.kind != TokenKind::symbol || token.text == ")" || token.text == "]";
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    int in_brackets_ = 0;
    bool after_expression_ = false;
    std::vector<Token> tokens_;
};

} // namespace

std::vector<Token> scan_sql(std::string_view sql) {
    return Scanner(sql).scan();
}

std::vector<Statement> split_statements(std::string_view sql) {
    std::vector<Statement> statements;
    Statement current;
    bool open = false;
    int parentheses = 0;
    int blocks = 0; // BEGIN ATOMIC and, inside it, CASE: both are closed by END
    std::string previous_word;
    std::size_t end = 0;
    const auto finish = [&] {
        if (open) {
            current.text = sql.substr(current.offset, end - current.offset);
            statements.push_back(std::move(current));
        }
        current = {};
        open = false;
        parentheses = 0;
        blocks = 0;
        previous_word.clear();
    };
    for (const Token &token : scan_sql(sql)) {
        if (token.kind == TokenKind::space || token.kind == TokenKind::comment)
            continue;
        if (token.kind == TokenKind::semicolon && parentheses == 0 && blocks == 0) {
            finish();
            continue;
        }
        if (!open) {
            open = true;
            current.offset = token.offset;
        }
        end = token.offset + token.text.size();
        if (token.text == "(")
            ++parentheses;
        if (token.text == ")" && parentheses > 0)
            --parentheses;
        if (token.kind == TokenKind::word) {
            const std::string word = upper(token.text);
            if (current.first_words.size() < 6)
                current.first_words.push_back(word);
            if ((word == "ATOMIC" && previous_word == "BEGIN") || (word == "CASE" && blocks > 0))
                ++blocks;
            if (word == "END" && blocks > 0)
                --blocks;
            previous_word = word;
        }
    }
    finish();
    return statements;
}

} // namespace dbperf::client::queries
