#include "migration/migration_file.h"

#include "base/error.h"
#include "base/file_text.h"
#include "queries/sql_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace dbperf::client::migration {
using namespace base;
using namespace queries;

namespace {

bool has_word(const Statement &statement, std::string_view word) {
    return std::find(statement.first_words.begin(), statement.first_words.end(), word) != statement.first_words.end();
}

// Anywhere: ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY has it at its end.
bool is_concurrent(const Statement &statement) {
    const std::vector<Token> tokens = scan_sql(statement.text);
    return std::any_of(tokens.begin(), tokens.end(), [](const Token &token) {
        constexpr std::string_view word = "concurrently";
        return token.kind == TokenKind::word &&
               std::equal(token.text.begin(), token.text.end(), word.begin(), word.end(), [](char a, char b) {
                   return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
               });
    });
}

bool refuses_transaction(const Statement &statement) {
    const std::string_view first = statement.first_words.empty() ? std::string_view() : statement.first_words[0];
    const std::string_view second = statement.first_words.size() < 2 ? std::string_view() : statement.first_words[1];
    if (first == "VACUUM")
        return true;
    if ((first == "CREATE" || first == "DROP") && (second == "DATABASE" || second == "TABLESPACE"))
        return true;
    if (first == "ALTER" && second == "SYSTEM")
        return true;
    const bool may_be_concurrent = first == "CREATE" || first == "DROP" || first == "REINDEX";
    return (may_be_concurrent && has_word(statement, "CONCURRENTLY")) ||
           (first == "ALTER" && second == "TABLE" && is_concurrent(statement));
}

bool controls_transaction(const Statement &statement) {
    constexpr std::array<std::string_view, 7> words = {"BEGIN", "START",    "COMMIT", "END",
                                                       "ABORT", "ROLLBACK", "PREPARE"};
    if (statement.first_words.size() > 1 && statement.first_words[0] == "PREPARE" &&
        statement.first_words[1] != "TRANSACTION")
        return false;
    if (statement.first_words.size() > 1 && statement.first_words[0] == "ROLLBACK" &&
        has_word(statement, "TO")) // a savepoint
        return false;
    return !statement.first_words.empty() &&
           std::find(words.begin(), words.end(), statement.first_words[0]) != words.end();
}

// The part before a "down" section, which would undo at once what is to be measured.
std::string_view up_part(std::string_view text) {
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        std::string_view line = trim(text.substr(start, end - start));
        if (line.starts_with("--")) {
            line = trim(line.substr(2));
            if (line.starts_with("+goose Down") || line.starts_with("migrate:down"))
                return text.substr(0, start);
        }
        start = end + 1;
    }
    return text;
}

} // namespace

Migration parse_migration(const std::string &text, const std::string &file) {
    Migration migration;
    migration.file = file;
    migration.one_transaction = true;
    const std::string_view up = up_part(text);
    const Script script = split_script(up);
    if (script.unfinished) {
        const bool is_quote = script.unfinished->kind == TokenKind::unfinished;
        throw usage_error(
            fmt::format("{}:{}: {}", file, line_at(up, script.unfinished->offset),
                        is_quote ? "this quote or comment never ends" : "the rows of this COPY never end"));
    }
    if (script.command)
        throw usage_error(fmt::format("{}:{}: psql commands are not understood in migrations", file,
                                      line_at(up, script.command->offset)),
                          "write plain SQL, or what pg_dump writes");
    int line = 1;
    std::size_t counted = 0; // of the text, for lines
    for (const ScriptStatement &each : script.statements) {
        const Statement &statement = each.statement;
        line += static_cast<int>(std::count(up.begin() + static_cast<std::ptrdiff_t>(counted),
                                            up.begin() + static_cast<std::ptrdiff_t>(statement.offset), '\n'));
        counted = statement.offset;
        const bool refuses = refuses_transaction(statement);
        const bool controls = controls_transaction(statement);
        if (refuses || controls)
            migration.one_transaction = false;
        migration.statements.push_back({statement.text, line, statement.first_words, refuses, controls, std::nullopt});
        if (each.reads_rows)
            migration.statements.back().rows = std::string(each.rows);
    }
    return migration;
}

bool can_be_wrapped(const MigrationStatement &statement) {
    constexpr std::array<std::string_view, 6> own_ways = {"CALL", "DO", "SET", "RESET", "DISCARD", "LISTEN"};
    return !statement.refuses_transaction && !statement.controls_transaction && !statement.words.empty() &&
           std::find(own_ways.begin(), own_ways.end(), statement.words[0]) == own_ways.end();
}

Migration load_migration(const std::string &file) {
    return parse_migration(read_file(file), file);
}

} // namespace dbperf::client::migration
