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

    bool at_end() const { return at_ >= sql_.size(); }

    Token next_token() {
        const std::size_t start = at_;
        const TokenKind kind = next();
        const Token token{kind, sql_.substr(start, at_ - start), start};
        remember(token);
        return token;
    }

    // What is no SQL, from where the scanner stands: the rest of the line, without its end.
    std::string_view take_line() {
        const std::size_t start = at_;
        at_ = std::min(sql_.find('\n', at_), sql_.size());
        const std::string_view line = sql_.substr(start, at_ - start);
        at_ = std::min(at_ + 1, sql_.size());
        return line;
    }

    std::size_t offset() const { return at_; }

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
};

// Puts tokens together to statements.
class Splitter {
public:
    explicit Splitter(std::string_view sql) : sql_(sql) {}

    // Whether a statement ends with it.
    bool add(const Token &token) {
        if (token.kind == TokenKind::space || token.kind == TokenKind::comment)
            return false;
        if (token.kind == TokenKind::semicolon && parentheses_ == 0 && blocks_ == 0)
            return true;
        if (!open_) {
            open_ = true;
            current_.offset = token.offset;
        }
        end_ = token.offset + token.text.size();
        if (token.text == "(")
            ++parentheses_;
        if (token.text == ")" && parentheses_ > 0)
            --parentheses_;
        if (token.kind == TokenKind::word)
            add_word(upper(token.text));
        else
            previous_word_.clear();
        return false;
    }

    bool is_open() const { return open_; }
    // COPY ... FROM STDIN
    bool reads_rows() const { return reads_rows_; }

    Statement finish() {
        current_.text = sql_.substr(current_.offset, end_ - current_.offset);
        Statement done = std::move(current_);
        *this = Splitter(sql_);
        return done;
    }
    void clear() { *this = Splitter(sql_); }

private:
    void add_word(std::string word) {
        if (current_.first_words.size() < 6)
            current_.first_words.push_back(word);
        if ((word == "ATOMIC" && previous_word_ == "BEGIN") || (word == "CASE" && blocks_ > 0))
            ++blocks_;
        if (word == "END" && blocks_ > 0)
            --blocks_;
        if (word == "STDIN" && previous_word_ == "FROM" && parentheses_ == 0 && current_.first_words[0] == "COPY")
            reads_rows_ = true;
        previous_word_ = std::move(word);
    }

    std::string_view sql_;
    Statement current_{};
    bool open_ = false;
    bool reads_rows_ = false;
    int parentheses_ = 0;
    int blocks_ = 0; // BEGIN ATOMIC and, inside it, CASE: both are closed by END
    std::string previous_word_;
    std::size_t end_ = 0;
};

// Up to the line that ends them; null when none does.
std::optional<std::string_view> take_rows(std::string_view text, Scanner *scanner) {
    scanner->take_line(); // what follows the semicolon
    const std::size_t start = scanner->offset();
    while (!scanner->at_end()) {
        const std::size_t end = scanner->offset();
        const std::string_view line = scanner->take_line();
        if (line == "\\." || line == "\\.\r")
            return text.substr(start, end - start);
    }
    return std::nullopt;
}

bool means_nothing_elsewhere(std::string_view line) {
    return line.starts_with("restrict ") || line.starts_with("unrestrict ");
}

} // namespace

std::vector<Token> scan_sql(std::string_view sql) {
    std::vector<Token> tokens;
    Scanner scanner(sql);
    while (!scanner.at_end())
        tokens.push_back(scanner.next_token());
    return tokens;
}

std::vector<Statement> split_statements(std::string_view sql) {
    std::vector<Statement> statements;
    Scanner scanner(sql);
    Splitter splitter(sql);
    while (!scanner.at_end())
        if (splitter.add(scanner.next_token())) {
            if (splitter.is_open())
                statements.push_back(splitter.finish());
            splitter.clear();
        }
    if (splitter.is_open())
        statements.push_back(splitter.finish());
    return statements;
}

Script split_script(std::string_view text) {
    Script script;
    Scanner scanner(text);
    Splitter splitter(text);
    while (!scanner.at_end()) {
        const Token token = scanner.next_token();
        if (token.kind == TokenKind::unfinished && !script.unfinished)
            script.unfinished = token;
        if (token.kind == TokenKind::meta) {
            if (splitter.is_open() || !means_nothing_elsewhere(text.substr(token.offset + 1))) {
                if (!script.command)
                    script.command = token;
            }
            scanner.take_line();
            continue;
        }
        const bool reads_rows = splitter.reads_rows();
        if (!splitter.add(token))
            continue;
        if (splitter.is_open()) {
            script.statements.push_back({splitter.finish(), reads_rows, {}});
            if (reads_rows) {
                const std::optional<std::string_view> rows = take_rows(text, &scanner);
                if (!rows && !script.unfinished)
                    script.unfinished = token;
                script.statements.back().rows = rows.value_or(std::string_view());
            }
        }
        splitter.clear();
    }
    if (splitter.is_open()) {
        const bool reads_rows = splitter.reads_rows();
        script.statements.push_back({splitter.finish(), reads_rows, {}});
    }
    return script;
}

} // namespace dbperf::client::queries
