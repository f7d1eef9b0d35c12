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

TEST(Places, AreToldRelativeToTheRepository) {
    EXPECT_EQ(path_below("/repo", "/repo/queries/a.sql"), "queries/a.sql");
    EXPECT_EQ(path_below("/repo", "queries/../queries/a.sql"), "queries/a.sql");
    EXPECT_EQ(path_below("/repo", "/repository/a.sql"), "/repository/a.sql");
    EXPECT_EQ(path_below("/repo", ""), "");
    EXPECT_EQ(path_below("", "/a.sql"), "/a.sql");
}

TEST(CallSite, FileAndLine) {
    const auto expect = [](std::string_view site, const std::string &file, int line) {
        const SourceLine found = line_of_call_site(site);
        EXPECT_EQ(found.file, file) << site;
        EXPECT_EQ(found.line, line) << site;
    };
    expect("action='list',source_location='app%2Fmodels%2Fuser.rb%3A12%3Ain%20%60each%27'", "app/models/user.rb", 12);
    expect("line='app/models/user.rb:12:in `each'", "app/models/user.rb", 12);
    expect("file='shop/views.py',line='88'", "shop/views.py", 88);
    expect("file='shop/views.py'", "shop/views.py", 0);
    expect("caller='C%3A%5Capp%5Cx.cs%3A7'", "C:\\app\\x.cs", 7);
    expect("controller='orders',action='index'", "", 0);
    expect("", "", 0);
    expect("line='", "", 0);
    expect("line=''", "", 0);
    expect("line='12'", "", 0);
    expect("source_location='%zz%3'", "", 0);
}

} // namespace
} // namespace dbperf::client::findings
