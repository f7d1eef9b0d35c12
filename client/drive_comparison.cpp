#include "drive_comparison.h"

#include "drive_clones.h"
#include "drive_query_runner.h"
#include "drive_requirements.h"
#include "drive_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace dbperf::client {
namespace {

struct Side {
    std::string label;
    Connection connection;
};

// Each set runs on both sides, in the order A B B A, so that neither a drift of the machine nor the data favours one.
void sample_query(Side &before, Side &after, const PreparedQuery &query, int samples, double budget_ms) {
    for (Side *side : {&before, &after}) {
        set_run(side->connection, ""); // what warms the caches belongs to no run
        for (std::size_t set = 0; set < query.sets.size(); ++set)
            execute_query(side->connection, query, set, budget_ms);
        set_run(side->connection, side->label);
    }
    for (int sample = 0; sample < samples; ++sample) {
        Side &first = sample % 2 == 0 ? before : after;
        Side &second = sample % 2 == 0 ? after : before;
        for (Side *side : {&first, &second})
            execute_query(side->connection, query, static_cast<std::size_t>(sample), budget_ms);
    }
}

void settle(const TemporaryDatabase &database) {
    Connection connection = Connection::open(database.target());
    connection.execute("VACUUM ANALYZE");
}

// The server's rows for the monitored queries, in their order; a query it has no record of is said to be so.
std::vector<ComparedQuery> pick(const std::vector<ComparedQuery> &all, const std::vector<MonitoredQuery> &queries) {
    std::vector<ComparedQuery> picked;
    for (const MonitoredQuery &query : queries) {
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const ComparedQuery &each) { return each.query == query.name; });
        if (found != all.end()) {
            picked.push_back(*found);
            continue;
        }
        ComparedQuery missing;
        missing.query = query.name;
        missing.verdict = "not_enough_samples";
        missing.reason = "the server has no record of it on both sides";
        picked.push_back(std::move(missing));
    }
    return picked;
}

} // namespace

double apply_migration(Connection &connection, const Migration &migration) {
    const auto start = std::chrono::steady_clock::now();
    if (migration.one_transaction)
        connection.execute("BEGIN");
    int line = 1;
    try {
        for (const MigrationStatement &statement : migration.statements) {
            line = statement.line;
            connection.execute(statement.sql);
        }
        if (migration.one_transaction)
            connection.execute("COMMIT"); // where deferred constraints are checked
    } catch (const DatabaseError &error) {
        if (!error.sqlstate().empty())
            connection.execute("ROLLBACK");
        const std::string detail = error.detail().empty() ? "" : fmt::format(" ({})", error.detail());
        throw environment_error(
            fmt::format("{}:{}: the migration failed: {}{}", migration.file, line, error.what(), detail), error.hint());
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

MigrationComparison compare_migration(const ConnectionTarget &target, const ComparisonRequest &request,
                                      Progress &progress) {
    std::string results_database;
    std::string from = request.from;
    {
        Connection first = Connection::open(target);
        require_dbperf(first);
        results_database = read_dbperf_state(first).results_database;
        if (from.empty())
            from = first.database();
        if (results_database.empty())
            results_database = first.database();
    }
    const std::string maintenance = maintenance_database(target, from);
    const std::string name = random_name("compare");
    MigrationComparison comparison;
    comparison.baseline = name + "_before";
    comparison.candidate = name + "_after";

    progress.show(fmt::format("copying {} twice", from));
    const TemporaryDatabase before(target, maintenance, comparison.baseline, from);
    const TemporaryDatabase after(target, maintenance, comparison.candidate, from);
    {
        Connection connection = Connection::open(after.target());
        for (const Migration &migration : request.migrations) {
            progress.show(fmt::format("applying {}", migration.file));
            comparison.migration_ms += apply_migration(connection, migration);
        }
    }
    progress.show("settling both copies");
    settle(before);
    settle(after);

    Connection results = Connection::open(target.with_database(results_database));
    OpenRun left_run(results, comparison.baseline, RunScope::sessions);
    OpenRun right_run(results, comparison.candidate, RunScope::sessions);
    Side left{comparison.baseline, Connection::open(before.target())};
    Side right{comparison.candidate, Connection::open(after.target())};
    std::vector<PreparedQuery> prepared;
    for (const MonitoredQuery &query : request.queries)
        prepared.push_back(prepare_query(left.connection, query));
    for (Side *side : {&left, &right})
        begin_monitored_session(side->connection, "");
    for (const PreparedQuery &query : prepared) {
        progress.show(fmt::format("comparing {}", query.query.name));
        sample_query(left, right, query, request.samples, latency_budget_ms(query.query, request.threshold_ms));
    }
    progress.show("judging");
    left_run.finish();
    right_run.finish();
    comparison.queries =
        pick(load_comparison(results, comparison.baseline, comparison.candidate, ComparisonScope::every_query),
             request.queries);
    progress.clear();
    return comparison;
}

} // namespace dbperf::client
