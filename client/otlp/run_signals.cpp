#include "otlp/run_signals.h"

#include <algorithm>
#include <string_view>

namespace dbperf::client::otlp {
using namespace postgres;
using namespace run;
using namespace findings;

namespace {

constexpr std::string_view word_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::failed:
        return "failed";
    case Outcome::warned:
        return "warned";
    case Outcome::known:
        return "known";
    default:
        return ""; // proves nothing
    }
}

FindingSignal signal_of(const Judgement &each, const std::vector<NPlusOne> &loops) {
    FindingSignal signal;
    signal.kind = each.kind;
    signal.outcome = word_of(each.outcome);
    signal.severity = each.severity;
    signal.reason = each.reason;
    signal.query = each.query;
    signal.short_query = shown_query(each);
    signal.database = each.database;
    signal.suggestion = each.suggestion;
    signal.call_site = each.call_site;
    signal.file = each.location.file;
    signal.line = each.location.line;
    signal.evidence = each.evidence;
    const auto loop = std::find_if(loops.begin(), loops.end(), [&](const NPlusOne &found) {
        return !each.evidence.empty() && found.finding_id == each.evidence;
    });
    if (loop != loops.end()) {
        signal.traceparent = loop->traceparent;
        // A loop is reported at its end, and what it took is that of all units of work.
        signal.took_ms = (loop->exec_ms + loop->wait_ms) / static_cast<double>(std::max(1LL, loop->units));
        signal.began_us = loop->first_us - static_cast<long long>(signal.took_ms * 1000);
        signal.calls = loop->calls;
    }
    return signal;
}

} // namespace

RunSignals load_run_signals(Connection &results, const CheckReport &report, std::optional<double> threshold_ms,
                            const std::string &service) {
    RunSignals signals;
    const Result run =
        results.execute("SELECT (extract(epoch FROM started_at) * 1000000)::bigint AS began,"
                        " (extract(epoch FROM COALESCE(finished_at, now())) * 1000000)::bigint AS ended, project"
                        " FROM dbperf.runs WHERE run_id = $1 LIMIT 1",
                        {report.run.run_id});
    signals.run = {report.run.label, report.run.run_id, service, DBPERF_VERSION, report.passed(), 0, 0};
    if (run.rows() > 0) {
        signals.run.began_us = run.integer(0, "began");
        signals.run.ended_us = run.integer(0, "ended");
        if (signals.run.service.empty())
            signals.run.service = run.text(0, "project");
    }
    if (signals.run.service.empty())
        signals.run.service = "dbperf";
    for (const Judgement &each : report.judgements)
        if (!word_of(each.outcome).empty())
            signals.findings.push_back(signal_of(each, report.run.n_plus_one));
    const Result plans =
        results.execute("SELECT plan_id::text AS plan_id, query_name, query, dbperf.short_query(query) AS short_query, "
                        "database, role, reason,"
                        " plan::text AS plan, traceparent, (extract(epoch FROM captured_at) * 1000000)::bigint AS "
                        "ended, rows, shared_blks,"
                        " exec_ms, aborted FROM dbperf.plans"
                        " WHERE run_id = $1 AND top_level AND exec_ms >= COALESCE($2::float8,"
                        " (SELECT NULLIF(setting, '-1')::float8 FROM pg_catalog.pg_settings WHERE name = "
                        "'dbperf.slow_query_threshold'),"
                        " 100)"
                        " ORDER BY exec_ms DESC LIMIT 1000",
                        {report.run.run_id, threshold_ms ? Parameter(std::to_string(*threshold_ms)) : Parameter()});
    for (int row = 0; row < plans.rows(); ++row) {
        PlanSignal plan;
        plan.plan_id = plans.text(row, "plan_id");
        plan.query_name = plans.text(row, "query_name");
        plan.query = plans.text(row, "query");
        plan.short_query = plans.text(row, "short_query");
        plan.database = plans.text(row, "database");
        plan.role = plans.text(row, "role");
        plan.reason = plans.text(row, "reason");
        plan.plan = plans.text(row, "plan");
        plan.traceparent = plans.text(row, "traceparent");
        plan.ended_us = plans.integer(row, "ended");
        plan.rows = plans.integer(row, "rows");
        plan.blocks = plans.integer(row, "shared_blks");
        plan.exec_ms = plans.number(row, "exec_ms").value_or(0);
        plan.aborted = plans.boolean(row, "aborted");
        signals.plans.push_back(std::move(plan));
    }
    return signals;
}

} // namespace dbperf::client::otlp
