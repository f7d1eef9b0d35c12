#include "queries/query_runner.h"

#include "base/file_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace dbperf::client::queries {
using namespace base;
using namespace postgres;

namespace {

// Byte offset of a 1-based character position.
std::size_t byte_offset(std::string_view text, int position) {
    std::size_t at = 0;
    for (int left = position - 1; left > 0 && at < text.size(); --left) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
            ++at;
    }
    return at;
}

[[noreturn]] void fail_at(const DatabaseError &error, const std::string &file, int line, std::string_view sql) {
    if (error.sqlstate().empty())
        throw error; // the connection broke: no fault of this file
    if (line == 0)   // no file at all
        throw QueryError(fmt::format("{}: {}", file, error.what()), error);
    const int inside = error.position() > 0 ? line_at(sql, byte_offset(sql, error.position())) - 1 : 0;
    const std::string detail = error.detail().empty() ? "" : fmt::format(" ({})", error.detail());
    throw QueryError(fmt::format("{}:{}: {}{}", file, line + inside, error.what(), detail), error);
}

std::vector<Parameter> values_of(const PreparedQuery &query, std::size_t set) {
    std::vector<Parameter> values;
    const std::vector<Parameter> &row = query.sets[set % query.sets.size()];
    for (const std::size_t column : query.bound.columns)
        values.push_back(row[column]);
    return values;
}

const CapturedStatement &captured_of(const PreparedQuery &query, std::size_t set) {
    return query.captured[set % query.captured.size()];
}

std::string request_sql(Connection &connection, std::string_view action, const CapturedStatement &statement) {
    return "SET LOCAL dbperf.captured = " + connection.quote_text(captured_request(action, statement));
}

// In a transaction.
void ask_for(Connection &connection, std::string_view action, const CapturedStatement &statement) {
    connection.execute(request_sql(connection, action, statement));
}

// For this one transaction, in which nothing but the query is looked up by name; it is meant as a new session reads it.
// A captured one brings its own path along.
std::string begin_sql(const PreparedQuery &query) {
    return query.captured.empty() ? "BEGIN; SET LOCAL search_path TO DEFAULT" : "BEGIN";
}

ResultDigest digest_of(const Result &result) {
    ResultDigester digester(result.columns());
    for (int row = 0; row < result.rows(); ++row) {
        for (int column = 0; column < result.columns(); ++column)
            digester.add_value(result.value(row, column), result.is_floating(column));
        digester.end_row();
    }
    if (result.columns() == 0)
        digester.set_rows(result.affected());
    return digester.digest();
}

ResultDigest digest_of_captured(const Result &result) {
    const CapturedEnd end = captured_end(result.text(result.rows() - 1, 0));
    ResultDigester digester(static_cast<int>(end.floating.size()));
    for (int row = 0; row + 1 < result.rows(); ++row) {
        const std::vector<Parameter> columns = captured_row(result.text(row, 0));
        for (std::size_t column = 0; column < columns.size(); ++column)
            digester.add_value(columns[column], end.floating.at(column));
        digester.end_row();
    }
    if (end.floating.empty())
        digester.set_rows(end.rows);
    return digester.digest();
}

// Begun by begin_named().
Result execute_bound(Connection &connection, const PreparedQuery &query, std::size_t set) {
    try {
        if (query.captured.empty())
            return connection.execute(query.bound.sql, values_of(query, set));
        return connection.execute("SHOW dbperf.captured");
    } catch (const DatabaseError &error) {
        fail_at(error, query.query.file, query.query.line, query.bound.sql);
    }
}

// Runs what belongs to one transaction, which is rolled back in any case but that of a lost connection.
template <typename Action>
auto rolled_back(Connection &connection, Action action) {
    try {
        auto result = action();
        connection.execute("ROLLBACK");
        return result;
    } catch (const QueryError &) {
        connection.execute("ROLLBACK");
        throw;
    }
}

std::string named_begin_sql(Connection &connection, const PreparedQuery &query, std::size_t set, double budget_ms) {
    std::string sql = fmt::format("{}; SET LOCAL dbperf.query_name = {}; SET LOCAL dbperf.budget = {}",
                                  begin_sql(query), connection.quote_text(query.query.name), budget_ms);
    if (!query.captured.empty())
        sql += "; " + request_sql(connection, "execute", captured_of(query, set));
    return sql;
}

void begin_named(Connection &connection, const PreparedQuery &query, std::size_t set, double budget_ms) {
    connection.execute(named_begin_sql(connection, query, set, budget_ms));
}

ResultDigest digest_of(const PreparedQuery &query, const Result &result) {
    return query.captured.empty() ? digest_of(result) : digest_of_captured(result);
}

} // namespace

QueryError::QueryError(const std::string &message, const DatabaseError &cause)
    : Error(ExitCode::environment, message, cause.hint()), server_message_(cause.what()),
      cancelled_(cause.sqlstate() == "57014") {}

PreparedQuery prepare_query(Connection &connection, MonitoredQuery query) {
    PreparedQuery prepared;
    std::vector<std::string> columns;
    if (query.params_sql.empty()) {
        prepared.sets.emplace_back();
    } else {
        try {
            connection.use_default_path();
            const Result rows = connection.execute(query.params_sql, {});
            connection.use_no_path();
            for (int column = 0; column < rows.columns(); ++column)
                columns.push_back(rows.column_name(column));
            for (int row = 0; row < rows.rows(); ++row) {
                std::vector<Parameter> &set = prepared.sets.emplace_back();
                for (int column = 0; column < rows.columns(); ++column)
                    set.push_back(rows.value(row, column));
            }
        } catch (const DatabaseError &error) {
            fail_at(error, query.file, query.params_line, query.params_sql);
        }
        if (prepared.sets.empty())
            throw environment_error(
                fmt::format("{}:{}: \"-- params:\" of \"{}\" gave no row", query.file, query.params_line, query.name),
                "load data first, or widen its SELECT");
    }
    prepared.columns = columns;
    prepared.bound = bind_placeholders(query, columns);
    prepared.query = std::move(query);
    return prepared;
}

void begin_monitored_session(Connection &connection, const std::string &label) {
    // The same statement over and over is the purpose here, not an N+1 of the application.
    connection.execute("SET dbperf.n_plus_one = off");
    set_run(connection, label);
}

void set_run(Connection &connection, const std::string &label) {
    connection.execute("SET dbperf.run = " + connection.quote_text(label));
}

std::string refusal_of(Connection &connection, const CapturedStatement &statement) {
    connection.execute("BEGIN");
    std::string refusal;
    try {
        ask_for(connection, "inspect", statement);
        const std::string kind = captured_row(connection.execute("SHOW dbperf.captured").text(0, 0)).front().value();
        if (kind != "execute")
            refusal = "it is no statement to execute";
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        refusal = error.what();
    }
    connection.execute("ROLLBACK");
    return refusal;
}

ResultDigest execute_query(Connection &connection, const PreparedQuery &query, std::size_t set, double budget_ms) {
    begin_named(connection, query, set, budget_ms);
    return digest_of(query, rolled_back(connection, [&] { return execute_bound(connection, query, set); }));
}

ResultDigest execute_query_without(Connection &connection, const PreparedQuery &query, std::size_t set,
                                   std::span<const std::string_view> settings) {
    begin_named(connection, query, set, 0);
    for (const std::string_view setting : settings)
        connection.execute(fmt::format("SET LOCAL {} = off", setting));
    return digest_of(query, rolled_back(connection, [&] { return execute_bound(connection, query, set); }));
}

Measurement measure_query(Connection &connection, const PreparedQuery &query, std::size_t set, double budget_ms,
                          long long &number) {
    begin_named(connection, query, set, budget_ms);
    const auto start = std::chrono::steady_clock::now();
    std::chrono::duration<double, std::milli> seen{};
    try {
        execute_bound(connection, query, set);
        seen = std::chrono::steady_clock::now() - start;
    } catch (const QueryError &) {
        connection.execute("ROLLBACK");
        throw;
    }
    const std::string reported = connection.execute("ROLLBACK; SHOW dbperf.last_execution").text(0, 0);
    if (reported.empty())
        return {seen.count(), 0};
    const nlohmann::json execution = nlohmann::json::parse(reported);
    const auto reported_number = execution.at("number").get<long long>();
    if (reported_number == number) // a CALL, for one, is not reported
        return {seen.count(), 0};
    number = reported_number;
    return {execution.at("exec_ms").get<double>(), execution.at("shared_blks").get<double>()};
}

void send_begin(Connection &connection, const PreparedQuery &query, std::size_t set) {
    connection.send(named_begin_sql(connection, query, set, 0));
}

void send_query(Connection &connection, const PreparedQuery &query, std::size_t set) {
    if (query.captured.empty())
        connection.send(query.bound.sql, values_of(query, set), {});
    else
        connection.send("SHOW dbperf.captured");
}

std::string parameters_in_words(const PreparedQuery &query, std::size_t set) {
    std::string words;
    const std::vector<Parameter> &row = query.sets[set % query.sets.size()];
    for (std::size_t i = 0; i < row.size() && i < query.columns.size(); ++i)
        words += fmt::format("{}{} = {}", words.empty() ? "" : ", ", query.columns[i], row[i].value_or("null"));
    return words;
}

std::string explain_query(Connection &connection, const PreparedQuery &query, std::size_t set) {
    connection.execute(begin_sql(query));
    if (query.captured.empty())
        return rolled_back(connection, [&] {
            return connection.execute("EXPLAIN (FORMAT JSON) " + query.bound.sql, values_of(query, set)).text(0, 0);
        });
    ask_for(connection, "explain", captured_of(query, set));
    return rolled_back(connection, [&] { return execute_bound(connection, query, set).text(0, 0); });
}

double latency_budget_ms(const MonitoredQuery &query, std::optional<double> threshold_ms) {
    for (const Budget &budget : query.budgets)
        if (budget.metric == "p95_ms")
            return budget.limit;
    return threshold_ms.value_or(0);
}

void store_budgets(Connection &results, const std::string &query, const std::vector<Budget> &budgets) {
    results.execute("DELETE FROM dbperf.budgets WHERE query = $1"
                    " AND project = coalesce(pg_catalog.current_setting('dbperf.project', true), '')",
                    {query});
    for (const Budget &budget : budgets)
        results.execute("SELECT dbperf.set_budget($1, $2, $3::double precision)",
                        {query, budget.metric, fmt::format("{}", budget.limit)});
}

void store_budgets(Connection &results, const std::vector<MonitoredQuery> &queries,
                   std::optional<double> threshold_ms) {
    for (const MonitoredQuery &query : queries) {
        std::vector<Budget> budgets = query.budgets;
        const bool has_p95 =
            std::any_of(budgets.begin(), budgets.end(), [](const Budget &each) { return each.metric == "p95_ms"; });
        if (!has_p95 && threshold_ms)
            budgets.push_back({"p95_ms", *threshold_ms});
        store_budgets(results, query.name, budgets);
    }
}

} // namespace dbperf::client::queries
