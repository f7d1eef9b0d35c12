// Owns a check with everything in it that a format could stumble over; only tests include it.
#pragma once

#include "findings/judgement.h"

#include <string>

namespace dbperf::client::reports {

// Ends comments, strings, tags, code spans and lines of every format, and turns the direction of writing.
inline const std::string hostile_query =
    "SELECT '</script>', \"a`b``c\" AS \"<b>|]]>&\", '::error::x' # @team #12 {0} [l](u)\n"
    "-- \u202Eevil\xFF\033[31m\\ %0A */ ok 1 - no";

inline findings::CheckReport sample_check() {
    findings::CheckReport report;
    report.run.label = "run <1>";
    report.run.state = "finished";
    report.run.started_at = "2026-01-31T09:30:00.000000Z";
    report.run.seconds = 1.5;
    report.run.calls = 12;
    report.baseline = "main";
    const auto add = [&](findings::Outcome outcome, const std::string &kind, const std::string &query,
                         const std::string &reason) -> findings::Judgement & {
        findings::Judgement &each = report.judgements.emplace_back();
        each.outcome = outcome;
        each.kind = kind;
        each.query = query;
        each.reason = reason;
        each.key = query;
        each.severity = outcome == findings::Outcome::failed   ? "error"
                        : outcome == findings::Outcome::warned ? "warning"
                                                               : "notice";
        return each;
    };
    findings::Judgement &loop =
        add(findings::Outcome::failed, "n_plus_one", hostile_query, "proven: executed 20 times, from \"<t>\".id|x");
    loop.suggestion = "SELECT 1 WHERE id = ANY ($1) -- ```";
    loop.location = {"app/a b:c,d.rb", 12};
    findings::Judgement &regression = add(findings::Outcome::failed, "regression", "order_history", "5 -> 39 blocks");
    regression.cause = "DROP INDEX \"it's\"";
    add(findings::Outcome::warned, "stale_acceptance", "old", "the acceptance matched nothing");
    add(findings::Outcome::not_judged, "budget", "few", "5 calls; a p95 budget needs 20").metric = "p95_ms";
    add(findings::Outcome::passed, "slow_query", "", "none over 100 ms");
    return report;
}

} // namespace dbperf::client::reports
