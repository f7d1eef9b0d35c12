#include "reports/report_details.h"

#include <fmt/format.h>

#include <set>

namespace dbperf::client::reports {
using namespace postgres;
using namespace compare;
using namespace findings;

namespace {

constexpr int max_stories = 50;
constexpr int max_latencies = 40;
constexpr int max_plans = 40;
constexpr int max_lock_waits = 30;
constexpr int max_runs = 50;
constexpr std::size_t max_histories = 40;

double slow_threshold(Connection &results, const CheckReport &report) {
    if (report.slow_query_threshold_ms)
        return *report.slow_query_threshold_ms;
    const double setting =
        results.execute("SELECT dbperf.slow_query_threshold_ms() AS ms").number(0, "ms").value_or(-1);
    return setting < 0 ? 1e12 : setting;
}

// Of the queries that the report is about, and only those that were executed in more than one run.
std::vector<HistoryEntry> relevant_history(Connection &results, const CheckReport &report,
                                           const std::vector<QueryLatency> &latencies) {
    const Result first = results.execute(
        "SELECT min(started_at) AS since FROM (SELECT started_at FROM dbperf.runs WHERE state = 'finished'"
        " ORDER BY started_at DESC LIMIT $1::integer) r",
        {std::to_string(max_runs)});
    std::set<std::string> wanted;
    for (const ComparedQuery &each : report.regressions)
        wanted.insert(each.query);
    for (const QueryLatency &each : latencies)
        if (wanted.size() < max_histories)
            wanted.insert(each.name.empty() ? each.query : each.name);
    std::vector<HistoryEntry> relevant;
    if (wanted.empty())
        return relevant;
    for (HistoryEntry &entry : load_history(results, "", first.text(0, "since")))
        if (wanted.contains(entry.query))
            relevant.push_back(std::move(entry));
    std::vector<HistoryEntry> repeated;
    for (std::size_t at = 0, end = 0; at < relevant.size(); at = end) {
        for (end = at; end < relevant.size() && relevant[end].query == relevant[at].query;)
            ++end;
        if (end - at > 1)
            repeated.insert(repeated.end(), relevant.begin() + static_cast<std::ptrdiff_t>(at),
                            relevant.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return repeated;
}

} // namespace

ReportDetails load_report_details(Connection &results, const CheckReport &report) {
    const std::string &run_id = report.run.run_id;
    ReportDetails details;
    details.deadlocks = load_deadlocks(results, run_id, max_stories);
    details.predicted = load_predicted_deadlocks(results, run_id, max_stories);
    details.latencies = load_latencies(results, run_id, slow_threshold(results, report), max_latencies);
    for (const ComparedQuery &each : report.regressions) {
        PlanPair pair;
        if (details.plans.size() < max_plans) {
            pair.before = each.plan_before ? load_plan(results, *each.plan_before) : "";
            pair.after = each.plan_after ? load_plan(results, *each.plan_after) : "";
        }
        details.plans.push_back(std::move(pair));
    }
    details.lock_waits = load_lock_waits(results, run_id, max_lock_waits);
    details.history = relevant_history(results, report, details.latencies);
    details.commit =
        results.execute("SELECT attributes ->> 'commit' AS commit FROM dbperf.runs WHERE run_id = $1::uuid", {run_id})
            .text(0, "commit");
    return details;
}

} // namespace dbperf::client::reports
