#include "drive_comparison.h"

#include "drive_clones.h"
#include "drive_interleaving.h"
#include "drive_query_runner.h"
#include "drive_requirements.h"
#include "drive_run.h"
#include "drive_settling.h"
#include "drive_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace dbperf::client {
namespace {

// float8[] as the server reads it.
std::string array_text(const std::vector<double> &values) {
    return fmt::format("{{{}}}", fmt::join(values, ","));
}

// Measures every query. What is not equal at the first look is measured once more, and all pairs count: since only
// "no change" is ever concluded early, the chance of a false alarm is that of one test of all pairs.
std::vector<InterleavedTimes> measure_queries(Connection &results, ComparedSide &before, ComparedSide &after,
                                              const std::vector<PreparedQuery> &queries,
                                              const ComparisonRequest &request, Progress &progress) {
    std::vector<InterleavedTimes> all;
    for (const PreparedQuery &query : queries) {
        const double budget_ms = latency_budget_ms(query.query, request.threshold_ms);
        progress.show(fmt::format("comparing {}", query.query.name));
        InterleavedTimes &times = all.emplace_back();
        measure_in_turns(before, after, query, request.samples, budget_ms, times);
        if (results
                .execute("SELECT dbperf.needs_more_pairs($1::float8[], $2::float8[]) AS needed",
                         {array_text(times.before_ms), array_text(times.after_ms)})
                .boolean(0, "needed")) {
            progress.show(fmt::format("comparing {} once more", query.query.name));
            measure_in_turns(before, after, query, request.samples, budget_ms, times);
        }
        for (ComparedSide *side : {&before, &after})
            capture_plan(*side, query, times.usual_set, budget_ms);
    }
    return all;
}

void store_times(Connection &results, const MigrationComparison &comparison, const std::vector<PreparedQuery> &queries,
                 const std::vector<InterleavedTimes> &times, const std::vector<std::string> &moved) {
    for (std::size_t i = 0; i < queries.size(); ++i)
        results.execute("SELECT dbperf.store_interleaved_times($1, $2, $3, $4::float8[], $5::float8[], nullif($6, ''))",
                        {comparison.baseline, comparison.candidate, queries[i].query.name,
                         array_text(times[i].before_ms), array_text(times[i].after_ms), moved[i]});
}

// The server's rows for the monitored queries, in their order; a query it has no record of is said to be so.
std::vector<ComparedQuery> pick(const std::vector<ComparedQuery> &all, const std::vector<PreparedQuery> &queries) {
    std::vector<ComparedQuery> picked;
    for (const PreparedQuery &prepared : queries) {
        const MonitoredQuery &query = prepared.query;
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

std::vector<PreparedQuery> prepare_queries(const ConnectionTarget &before, const ConnectionTarget &after,
                                           const ComparisonRequest &request, std::optional<Workload> &workload) {
    Connection connection = Connection::open(before);
    if (workload) {
        Connection other = Connection::open(after);
        return prepare_workload(connection, other, *workload);
    }
    std::vector<PreparedQuery> prepared;
    for (const MonitoredQuery &query : request.queries)
        prepared.push_back(prepare_query(connection, query));
    return prepared;
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
    std::optional<Workload> workload;
    if (!request.workload.empty()) {
        Connection results = Connection::open(target.with_database(results_database));
        workload = load_workload(results, request.workload, from);
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
    settle(before.target());
    settle(after.target());

    Connection results = Connection::open(target.with_database(results_database));
    OpenRun left_run(results, comparison.baseline, RunScope::sessions);
    OpenRun right_run(results, comparison.candidate, RunScope::sessions);
    const std::vector<PreparedQuery> prepared = prepare_queries(before.target(), after.target(), request, workload);
    ComparedSide left(comparison.baseline, before.target());
    ComparedSide right(comparison.candidate, after.target());
    const std::vector<InterleavedTimes> times = measure_queries(results, left, right, prepared, request, progress);
    progress.show("judging");
    std::vector<PlannedQuery> planned;
    for (std::size_t i = 0; i < prepared.size(); ++i)
        planned.push_back({&prepared[i], times[i].usual_set});
    const std::vector<std::string> moved = probe_plans(results, left, right, planned);
    left_run.finish();
    right_run.finish();
    store_times(results, comparison, prepared, times, moved);
    comparison.queries = pick(
        load_comparison(results, comparison.baseline, comparison.candidate, ComparisonScope::every_query), prepared);
    if (workload)
        comparison.left_out = workload->left_out;
    progress.clear();
    return comparison;
}

} // namespace dbperf::client
