#include "compare/lost_statistics.h"

#include "base/error.h"
#include "compare/production_verdict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

std::string explained(Connection &connection, const PreparedQuery &query, std::size_t set) {
    try {
        return explain_query(connection, query, set);
    } catch (const Error &error) {
        if (error.code() == ExitCode::interrupted)
            throw;
        return ""; // what fails is reported where it is executed
    }
}

std::string difference_of(const std::string &before, const std::string &after) {
    const nlohmann::json left = nlohmann::json::parse(before, nullptr, false);
    const nlohmann::json right = nlohmann::json::parse(after, nullptr, false);
    if (!left.is_array() || !right.is_array() || left.empty() || right.empty())
        return "";
    return plan_difference(right.front().at("Plan"), left.front().at("Plan"));
}

} // namespace

std::map<std::string, std::string> columns_with_statistics(Connection &connection) {
    const Result found =
        connection.execute("SELECT c.oid::pg_catalog.text || ' ' || a.attnum::pg_catalog.text AS key,"
                           " c.relname || '.' || a.attname AS name"
                           " FROM pg_catalog.pg_stats s JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname"
                           " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename"
                           " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname"
                           " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'dbperf', 'pg_toast')");
    std::map<std::string, std::string> columns;
    for (int row = 0; row < found.rows(); ++row)
        columns[found.text(row, "key")] = found.text(row, "name");
    return columns;
}

std::vector<std::string> lost_statistics(Connection &connection, const std::map<std::string, std::string> &before) {
    const std::map<std::string, std::string> after = columns_with_statistics(connection);
    const Result existing = connection.execute(
        "SELECT a.attrelid::pg_catalog.text || ' ' || a.attnum::pg_catalog.text AS key, c.relname || '.' || a.attname "
        "AS name"
        " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'm', 'p')"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'dbperf', 'pg_toast') ORDER BY 2");
    std::vector<std::string> lost;
    for (int row = 0; row < existing.rows(); ++row) {
        const std::string key = existing.text(row, "key");
        if (before.contains(key) && !after.contains(key))
            lost.push_back(existing.text(row, "name"));
    }
    return lost;
}

UnanalyzedPlans plans_without_analyze(Connection &connection, const std::vector<PreparedQuery> &queries) {
    UnanalyzedPlans plans;
    for (const PreparedQuery &query : queries) {
        std::vector<std::string> sets;
        for (std::size_t set = 0; set < query.sets.size(); ++set)
            sets.push_back(explained(connection, query, set));
        plans.push_back(std::move(sets));
    }
    return plans;
}

std::vector<UnanalyzedQuery> queries_changed_by_analyze(Connection &connection,
                                                        const std::vector<PreparedQuery> &queries,
                                                        const UnanalyzedPlans &unanalyzed) {
    std::vector<UnanalyzedQuery> changed;
    for (std::size_t i = 0; i < unanalyzed.size(); ++i)
        for (std::size_t set = 0; set < unanalyzed[i].size(); ++set) {
            const std::string difference = difference_of(unanalyzed[i][set], explained(connection, queries[i], set));
            if (difference.empty())
                continue;
            changed.push_back({queries[i].query.name, difference});
            break;
        }
    return changed;
}

std::string until_analyze_sentence(const UntilAnalyze &state) {
    if (state.columns.empty())
        return "";
    std::string text = fmt::format("the migration removes the statistics of {}: until ANALYZE the planner guesses",
                                   fmt::join(state.columns, ", "));
    for (const UnanalyzedQuery &query : state.queries)
        text += fmt::format("; {} is planned otherwise until then ({})", query.query, query.difference);
    return text + "; put ANALYZE into the migration";
}

} // namespace dbperf::client::compare
