// Any text as SQL: tokens without gaps, statements that stay what they are when they are split again.
#include "queries/sql_scanner.h"

#include "queries/result_digest.h"

#include <fuzz/target.h>

using namespace dbperf::client::queries;

FUZZ_PART(scan) {
    const std::string sql(input.rest());
    std::size_t at = 0;
    const std::vector<Token> tokens = scan_sql(sql);
    for (const Token &token : tokens) {
        FUZZ_CHECK(token.offset == at && !token.text.empty());
        FUZZ_CHECK(token.kind != TokenKind::unfinished || &token == &tokens.back());
        at += token.text.size();
    }
    FUZZ_CHECK(at == sql.size());
    (void)leaves_rows_open(sql);
}

FUZZ_PART(split) {
    const std::string sql(input.rest());
    const std::vector<Statement> statements = split_statements(sql);
    std::string joined;
    std::size_t at = 0;
    for (const Statement &statement : statements) {
        FUZZ_CHECK(statement.offset >= at && sql.compare(statement.offset, statement.text.size(), statement.text) == 0);
        FUZZ_CHECK(!statement.text.empty() && statement.first_words.size() <= 6);
        at = statement.offset + statement.text.size();
        joined += "/* ; */ " + statement.text + " -- ;\n;";
    }
    const std::vector<Token> tokens = scan_sql(sql);
    if (!tokens.empty() && tokens.back().kind == TokenKind::unfinished)
        return;
    const std::vector<Statement> again = split_statements(joined);
    FUZZ_CHECK_SHOWN(again.size() == statements.size(), sql);
    for (std::size_t i = 0; i + 1 < again.size(); ++i) // the last one may have open brackets
        FUZZ_CHECK_SHOWN(again[i].text == statements[i].text && again[i].first_words == statements[i].first_words, sql);
}
