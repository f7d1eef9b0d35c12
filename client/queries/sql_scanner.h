// Owns the lexical rules of PostgreSQL's SQL, as far as finding placeholders and ends of statements needs them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::queries {

enum class TokenKind {
    space,
    comment,
    text,        // '...', E'...', $tag$...$tag$
    quoted_name, // "..."
    word,        // keyword or unquoted name
    number,
    parameter,   // $1
    placeholder, // :name
    semicolon,
    symbol,    // any other character; :: and := as one
    meta,      // a psql command: a backslash outside of everything
    unfinished // a quote or comment that never ends; the last token
};

struct Token {
    TokenKind kind;
    std::string_view text; // part of the scanned text
    std::size_t offset;
};

// All tokens, without gaps.
std::vector<Token> scan_sql(std::string_view sql);

struct Statement {
    std::string text;                     // without the semicolon, from its first token that is no comment
    std::size_t offset;                   // of that token in the scanned text
    std::vector<std::string> first_words; // up to six leading words in upper case
};

// Splits at semicolons outside of quotes, parentheses and BEGIN ATOMIC bodies. Empty statements are skipped.
std::vector<Statement> split_statements(std::string_view sql);

// A file as psql reads it, as far as pg_dump writes such: the rows of COPY ... FROM stdin behind their statement, and
// the lines \restrict and \unrestrict, which mean nothing elsewhere.
struct ScriptStatement {
    Statement statement;
    bool reads_rows = false;
    std::string_view rows; // of the file
};
struct Script {
    std::vector<ScriptStatement> statements;
    // What cannot be read, the first of its kind: another psql command, or a quote, a comment or rows that never end.
    std::optional<Token> command, unfinished;
};
Script split_script(std::string_view text);

} // namespace dbperf::client::queries
