#include "findings/judgement.h"

#include <gtest/gtest.h>

namespace dbperf::client::findings {
namespace {

Judgement judgement(Outcome outcome, const std::string &kind, const std::string &query, double price_ms = 0) {
    Judgement each;
    each.outcome = outcome;
    each.kind = kind;
    each.query = query;
    each.price_ms = price_ms;
    return each;
}

TEST(Judgements, TheWorstComesFirst) {
    std::vector<Judgement> list = {
        judgement(Outcome::passed, "budget", "a"),         judgement(Outcome::warned, "stale_acceptance", "b"),
        judgement(Outcome::failed, "budget", "c"),         judgement(Outcome::failed, "n_plus_one", "d", 5),
        judgement(Outcome::failed, "n_plus_one", "e", 50), judgement(Outcome::failed, "n_plus_one", "f", 50),
        judgement(Outcome::not_judged, "budget", "g"),     judgement(Outcome::failed, "something_new", "h", 900),
        judgement(Outcome::failed, "regression", "i"),     judgement(Outcome::failed, "deadlock", "j"),
        judgement(Outcome::broken, "command", "k")};
    sort_judgements(list);
    std::string order;
    for (const Judgement &each : list)
        order += each.query;
    EXPECT_EQ(order, "kjiefdchbga");
}

TEST(CheckReport, OnlyWhatFailedStopsAChange) {
    CheckReport report;
    report.judgements = {judgement(Outcome::warned, "budget", "a"), judgement(Outcome::not_judged, "budget", "b")};
    EXPECT_TRUE(report.passed());
    report.judgements.push_back(judgement(Outcome::failed, "budget", "c"));
    EXPECT_FALSE(report.passed());
    EXPECT_EQ(report.count(Outcome::warned), 1);
}

} // namespace
} // namespace dbperf::client::findings
