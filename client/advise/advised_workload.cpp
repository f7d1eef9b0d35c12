#include "advise/advised_workload.h"

#include "queries/captured_statement.h"
#include "queries/sql_scanner.h"
#include "queries/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dbperf::client::advise {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

constexpr std::size_t max_sets = 5;

// Evenly out of all of them.
std::vector<std::size_t> chosen_sets(std::size_t count) {
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < std::min(count, max_sets); ++i)
        chosen.insert(i * (count - 1) / std::max<std::size_t>(1, std::min(count, max_sets) - 1));
    return {chosen.begin(), chosen.end()};
}

void add(AdvisedWorkload &workload, const std::string &name, std::string request, double calls, Parameter ms) {
    workload.names.emplace_back(name);
    workload.requests.emplace_back(std::move(request));
    workload.calls.emplace_back(fmt::format("{}", calls));
    workload.ms.push_back(std::move(ms));
    workload.calls_of[name] += calls;
}

nlohmann::ordered_json existing_of(Connection &database, const std::string &advice) {
    const Result rows = database.execute(
        "SELECT verdict, index_name, relation, of_index, ddl, reason, size_bytes FROM dbperf.index_review()"
        " UNION ALL SELECT 'unused', index_name, relation, NULL, NULL, reason, size_bytes"
        " FROM dbperf.unused_indexes($1::jsonb)",
        {advice});
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    const auto nullable = [&rows](int row, const char *name) {
        return rows.is_null(row, name) ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(rows.text(row, name));
    };
    for (int row = 0; row < rows.rows(); ++row)
        list.push_back({{"index", rows.text(row, "index_name")},
                        {"table", rows.text(row, "relation")},
                        {"verdict", rows.text(row, "verdict")},
                        {"of", nullable(row, "of_index")},
                        {"reason", rows.text(row, "reason")},
                        {"ddl", nullable(row, "ddl")},
                        {"size_bytes", rows.integer(row, "size_bytes")}});
    return list;
}

std::string ask(Connection &database, const AdvisedWorkload &workload, const AdviceBounds &bounds) {
    const Result answer = database.execute(
        "SELECT dbperf.plan_index_advice($1::text[], $2::text[], $3::float8[], $4::float8[], $5::integer, $6::bigint)"
        " AS advice",
        {array_literal(workload.names), array_literal(workload.requests), array_literal(workload.calls),
         array_literal(workload.ms), bounds.max_indexes ? Parameter(std::to_string(*bounds.max_indexes)) : Parameter(),
         bounds.max_size ? Parameter(std::to_string(*bounds.max_size)) : Parameter()});
    return answer.text(0, "advice");
}

std::vector<PlannedIndex> indexes_of(const nlohmann::ordered_json &advice) {
    std::vector<PlannedIndex> indexes;
    for (const auto &each : advice.at("indexes"))
        indexes.push_back({each.at("name"), each.at("table"), each.at("ddl"), each.at("build"), each.at("size_bytes"),
                           each.at("queries"), each.at("writes")});
    return indexes;
}

} // namespace

AdvisedWorkload workload_of(Connection &database, const std::vector<MonitoredQuery> &queries) {
    AdvisedWorkload workload;
    database.use_default_path();
    const Result session =
        database.execute("SELECT pg_catalog.current_setting('search_path') AS path, current_user AS role");
    for (const MonitoredQuery &query : queries) {
        const PreparedQuery prepared = prepare_query(database, query);
        const std::vector<std::size_t> sets = chosen_sets(prepared.sets.size());
        for (const std::size_t set : sets) {
            std::vector<Parameter> parts = {"plan",
                                            session.text(0, "role"),
                                            "1",
                                            "search_path",
                                            session.text(0, "path"),
                                            prepared.bound.sql,
                                            std::to_string(prepared.bound.columns.size())};
            for (const std::size_t column : prepared.bound.columns) {
                parts.emplace_back(); // the server infers the type
                parts.push_back(prepared.sets[set].at(column));
            }
            add(workload, query.name, array_literal(parts), 1.0 / static_cast<double>(sets.size()), std::nullopt);
        }
    }
    database.use_no_path();
    return workload;
}

AdvisedWorkload workload_of_run(Connection &results, const std::string &label, const std::string &database,
                                const std::string &path) {
    const Result rows =
        results.execute("SELECT name, fingerprint, request, calls, ms FROM dbperf.advised_statements($1, $2, $3)",
                        {label, database, path});
    if (rows.rows() == 0)
        throw environment_error(fmt::format("the run \"{}\" has no statements of the database \"{}\"", label, database),
                                "name the database that the run was made on with --from");
    std::map<std::string, std::set<long long>> statements;
    for (int row = 0; row < rows.rows(); ++row)
        statements[rows.text(row, "name")].insert(rows.integer(row, "fingerprint"));
    AdvisedWorkload workload;
    for (int row = 0; row < rows.rows(); ++row) {
        const std::string name = rows.text(row, "name");
        add(workload, captured_name(name, rows.integer(row, "fingerprint"), statements[name].size() > 1),
            rows.text(row, "request"), rows.number(row, "calls").value_or(1),
            rows.is_null(row, "ms") ? Parameter() : Parameter(rows.text(row, "ms")));
    }
    return workload;
}

std::vector<PlannedIndex> plan_indexes(Connection &database, const AdvisedWorkload &workload,
                                       const AdviceBounds &bounds) {
    return indexes_of(nlohmann::ordered_json::parse(ask(database, workload, bounds)));
}

PlannedAdvice plan_advice(Connection &database, const AdvisedWorkload &workload, const AdviceBounds &bounds) {
    const std::string answer = ask(database, workload, bounds);
    const auto json = nlohmann::ordered_json::parse(answer);
    PlannedAdvice advice;
    advice.indexes = indexes_of(json);
    // One line for each name: those of other parameter sets say the same.
    std::set<std::string> seen;
    for (const auto &each : json.at("statements"))
        if (seen.insert(each.at("query").get<std::string>()).second)
            advice.statements.push_back(each);
    advice.existing = existing_of(database, answer);
    return advice;
}

PlannedIndex index_to_try(Connection &database, const std::string &ddl) {
    const std::vector<Statement> statements = split_statements(ddl);
    const auto fail = [&ddl](const std::string &why) {
        return usage_error(fmt::format("--index \"{}\": {}", ddl, why),
                           "write CREATE INDEX name ON schema.table (column, ...)");
    };
    if (statements.size() != 1 || statements.front().first_words.size() < 2 ||
        statements.front().first_words[0] != "CREATE" || statements.front().first_words[1] != "INDEX")
        throw fail("not one CREATE INDEX");
    PlannedIndex index;
    index.ddl = statements.front().text;
    index.build = index.ddl;
    constexpr std::string_view slow = "CONCURRENTLY";
    for (const Token &token : scan_sql(index.build)) {
        std::string word(token.text);
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
        if (token.kind == TokenKind::word && word == slow) {
            index.build = index.build.substr(0, token.offset) + index.build.substr(token.offset + slow.size());
            break;
        }
    }
    try {
        // What it is called, and of which table it is, the server knows.
        database.execute("BEGIN");
        database.use_default_path();
        database.execute("CREATE TEMP TABLE dbperf_before ON COMMIT DROP AS SELECT oid FROM pg_catalog.pg_class");
        database.execute(index.build);
        const Result made = database.execute(
            "SELECT c.relname AS name, i.indrelid::pg_catalog.regclass::text AS \"table\","
            " pg_catalog.pg_relation_size(c.oid) AS bytes FROM pg_catalog.pg_class c"
            " JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE c.oid NOT IN (SELECT oid FROM dbperf_before)"
            " AND NOT c.relispartition AND c.relnamespace <> pg_catalog.pg_my_temp_schema()");
        if (made.rows() != 1)
            throw fail("it makes no index");
        index.name = made.text(0, "name");
        index.table = made.text(0, "table");
        index.size_bytes = made.number(0, "bytes").value_or(0);
        database.execute("ROLLBACK");
    } catch (const DatabaseError &error) {
        throw fail(error.what());
    }
    database.use_no_path();
    return index;
}

} // namespace dbperf::client::advise
