#include "compare/migration_comparison.h"

#include "compare/plan_stability.h"
#include "compare/measured_query.h"
#include "base/interrupt.h"
#include "migration/apply_migration.h"
#include "postgres/clone_claim.h"
#include "postgres/installed_dbperf.h"
#include "postgres/temporary_database.h"
#include "queries/query_runner.h"
#include "queries/workload_runner.h"
#include "run/observed_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;
using namespace migration;
using namespace run;
using namespace blocking;

namespace {

void store(Connection &results, const MigrationComparison &comparison, const std::vector<PreparedQuery> &queries,
           const std::vector<MeasuredQuery> &measured, const std::vector<std::string> &moved) {
    for (std::size_t i = 0; i < queries.size(); ++i) {
        const std::string &name = queries[i].query.name;
        if (measured[i].was_judged())
            results.execute(
                "SELECT dbperf.store_interleaved_times($1, $2, $3, $4::float8[], $5::float8[], nullif($6, ''))",
                {comparison.baseline, comparison.candidate, name, array_text(measured[i].times.before_ms),
                 array_text(measured[i].times.after_ms), moved[i]});
        if (const auto &outcome = measured[i].outcome)
            results.execute("SELECT dbperf.store_query_outcome($1, $2, $3, nullif($4, ''), $5)",
                            {comparison.baseline, comparison.candidate, name, outcome->verdict, outcome->sentence});
    }
}

// Their runs would stay open for ever.
void finish_runs_of(Connection &results, const std::vector<std::string> &stale_clones) {
    for (const std::string &label : stale_clones) {
        try {
            results.execute("SELECT dbperf.finish_run($1)", {label});
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw; // else: it was finished, or never begun
        }
    }
}

// A wrong spelling is reported before anything is copied.
void check_timeouts(Connection &connection, const ComparisonRequest &request) {
    for (const auto &[setting, option, value] :
         {std::tuple("statement_timeout", "--statement-timeout", request.statement_timeout),
          std::tuple("lock_timeout", "--lock-timeout", request.lock_timeout)}) {
        if (value.empty())
            continue;
        try {
            connection.execute(
                fmt::format("BEGIN; SET LOCAL {} = {}; ROLLBACK", setting, connection.quote_text(value)));
        } catch (const DatabaseError &error) {
            if (error.sqlstate() != "22023")
                throw;
            throw usage_error(fmt::format("{} {}: not a time", option, value), "write it as 500ms, 10s or 2min");
        }
    }
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

struct CopySource {
    ConnectionTarget target;
    std::string maintenance;
    std::string from;
    std::string name; // of another copy
};

// The side without the migration has served its purpose: it is the copy for this. A second time needs one more.
void observe_under_load(const CopySource &source, const TemporaryDatabase &without, const ComparisonRequest &request,
                        const std::vector<PreparedQuery> &queries, Progress &progress,
                        MigrationComparison &comparison) {
    const ConnectionTarget maintenance = source.target.with_database(source.maintenance);
    LoadRequest load{request.load_sessions, request.statement_timeout, ""};
    comparison.during.push_back(observe_migration(without.target(), maintenance, load, request.migrations,
                                                  comparison.migration, queries, progress));
    if (request.load_lock_timeout.empty())
        return;
    load.lock_timeout = request.load_lock_timeout;
    progress.show(fmt::format("copying {} for lock_timeout", source.from));
    const TemporaryDatabase limited(source.target, source.maintenance, source.name, source.from);
    vacuum_and_analyze(limited.target());
    comparison.during.push_back(observe_migration(limited.target(), maintenance, load, request.migrations,
                                                  comparison.migration, queries, progress));
}

} // namespace

MigrationComparison compare_migration(const ConnectionTarget &target, const ComparisonRequest &request,
                                      Progress &progress) {
    std::string results_database;
    std::string from = request.from;
    {
        Connection first = Connection::open(target);
        results_database = results_database_of(first);
        if (results_database.empty() || results_database == first.database())
            require_dbperf(first);
        check_timeouts(first, request);
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
    const ConnectionTarget maintenance_target = target.with_database(maintenance);
    const std::vector<std::string> stale = drop_stale_clones(maintenance_target);
    const CloneClaim claim(maintenance_target);
    MigrationComparison comparison;
    comparison.baseline = claim.name() + "_before";
    comparison.candidate = claim.name() + "_after";

    progress.show(fmt::format("copying {} twice", from));
    const TemporaryDatabase before(target, maintenance, comparison.baseline, from);
    const TemporaryDatabase after(target, maintenance, comparison.candidate, from);
    Connection migrated = Connection::open(after.target());
    const std::map<std::string, std::string> known = columns_with_statistics(migrated);
    comparison.migration =
        apply_migrations(after.target(), maintenance_target, request.migrations, request.lock_timeout, progress);
    comparison.until_analyze.columns = lost_statistics(migrated, known);
    std::vector<PreparedQuery> prepared = prepare_queries(before.target(), after.target(), request, workload);
    const UnanalyzedPlans unanalyzed =
        comparison.until_analyze.columns.empty() ? UnanalyzedPlans() : plans_without_analyze(migrated, prepared);
    progress.show("analyzing both copies");
    vacuum_and_analyze(before.target());
    vacuum_and_analyze(after.target());
    comparison.until_analyze.queries = queries_changed_by_analyze(migrated, prepared, unanalyzed);

    std::optional<Connection> results(Connection::open(target.with_database(results_database)));
    finish_runs_of(*results, stale);
    OpenRun left_run(*results, comparison.baseline, RunScope::sessions);
    OpenRun right_run(*results, comparison.candidate, RunScope::sessions);
    ComparedSide left(comparison.baseline, before.target(), request.statement_timeout);
    ComparedSide right(comparison.candidate, after.target(), request.statement_timeout);
    const std::vector<MeasuredQuery> measured = measure_on_both(
        *results, left, right, prepared, {request.samples, request.threshold_ms, request.keep_partial}, progress);
    comparison.not_judged = prepared.size() - measured.size();
    prepared.resize(measured.size());
    std::optional<InterruptShield> shield; // what was measured before an interrupt is not lost
    if (comparison.not_judged > 0)
        shield.emplace();
    progress.show("judging");
    std::vector<PlannedQuery> planned;
    for (std::size_t i = 0; i < prepared.size(); ++i)
        planned.push_back({measured[i].was_judged() ? &prepared[i] : nullptr, measured[i].times.usual_set});
    const std::vector<std::string> moved = comparison.not_judged > 0 ? std::vector<std::string>(prepared.size())
                                                                     : probe_plans(*results, left, right, planned);
    left_run.finish();
    right_run.finish();
    store(*results, comparison, prepared, measured, moved);
    comparison.queries = pick(load_comparison(*results, comparison.baseline, comparison.candidate), prepared);
    results.reset(); // the database with the results may be the one that is copied again
    if (workload)
        comparison.left_out = workload->left_out;
    if (!request.statistics.empty() && comparison.not_judged == 0) {
        progress.show(fmt::format("copying {} for production's statistics", from));
        const TemporaryDatabase production(target, maintenance, claim.name() + "_production", from);
        comparison.production =
            plan_as_production(production.target(), maintenance_target, {request.statistics, request.lock_timeout},
                               request.migrations, prepared, progress);
    }
    if (request.load_sessions > 0 && comparison.not_judged == 0) {
        try {
            observe_under_load({target, maintenance, from, claim.name() + "_limited"}, before, request, prepared,
                               progress, comparison);
        } catch (const Error &error) {
            if (error.code() != ExitCode::interrupted || !request.keep_partial)
                throw;
            comparison.during_interrupted = true;
        }
    }
    progress.clear();
    return comparison;
}

} // namespace dbperf::client::compare
