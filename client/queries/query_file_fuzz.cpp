// Query files of any content: queries within their bounds, or an error that names the file.
#include "queries/query_file.h"

#include "base/error.h"
#include "queries/sql_scanner.h"

#include <fuzz/target.h>

#include <cmath>

using namespace dbperf::client::base;
using namespace dbperf::client::queries;

namespace {

void check_bound(const MonitoredQuery &query) {
    const std::vector<std::string> columns = {"id", "a", "b", "c"};
    try {
        const BoundStatement bound = bind_placeholders(query, columns);
        for (const std::size_t column : bound.columns)
            FUZZ_CHECK(column < columns.size());
        for (const Token &token : scan_sql(bound.sql))
            FUZZ_CHECK_SHOWN(token.kind != TokenKind::placeholder, query.sql);
    } catch (const Error &error) {
        FUZZ_CHECK(error.code() == ExitCode::usage);
    }
}

} // namespace

FUZZ_PART(query_file) {
    const std::string text(input.rest());
    try {
        const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
        for (const MonitoredQuery &query : parse_query_file(text, "q.sql")) {
            FUZZ_CHECK(!query.name.empty() && query.name.size() <= 63 && !query.sql.empty());
            FUZZ_CHECK(query.line >= 1 && query.line <= lines && query.params_line <= lines);
            for (const Budget &budget : query.budgets)
                FUZZ_CHECK_SHOWN(std::isfinite(budget.limit) && budget.limit > 0, text);
            const std::vector<MonitoredQuery> again = parse_query_file("-- name: again\n" + query.sql + "\n", "q.sql");
            FUZZ_CHECK_SHOWN(again.size() == 1 && again[0].name == "again" && again[0].sql == query.sql, text);
            check_bound(query);
        }
    } catch (const Error &error) {
        FUZZ_CHECK(error.code() == ExitCode::usage && std::string_view(error.what()).starts_with("q.sql"));
    }
}

FUZZ_PART(budget) {
    const std::string_view name = input.word();
    const std::string limit(input.rest());
    for (const std::string_view metric : {name, std::string_view("p95"), std::string_view("rows")})
        try {
            const Budget budget = parse_budget(metric, limit, "f:1");
            FUZZ_CHECK_SHOWN(std::isfinite(budget.limit) && budget.limit > 0, limit);
        } catch (const Error &error) {
            FUZZ_CHECK(error.code() == ExitCode::usage);
        }
}
