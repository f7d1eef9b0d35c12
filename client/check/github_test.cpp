#include "check/github.h"

#include "reports/report_sample.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dbperf::client::check {
using namespace findings;
using namespace reports;

namespace {

TEST(Github, OneCommandALine) {
    const std::string text = github_annotations(sample_check());
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
    EXPECT_TRUE(
        text.starts_with("::error file=app/a b%3Ac%2Cd.rb,line=12,title=dbperf n_plus_one%3A SELECT '</script>'%2C "))
        << text;
    EXPECT_NE(text.find("\n::error title=dbperf regression%3A order_history::5 -> 39 blocks%0Aorder_history%0A"
                        "cause: DROP INDEX \"it's\"\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\n::warning title=dbperf stale_acceptance%3A old::the acceptance matched nothing%0Aold\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("%250A"), std::string::npos) << text; // what stood in the query
}

TEST(Github, TenOfALevelAndACountOfTheRest) {
    CheckReport report;
    for (int i = 0; i < 15; ++i)
        for (const Outcome outcome : {Outcome::failed, Outcome::warned}) {
            Judgement &each = report.judgements.emplace_back();
            each.outcome = outcome;
            each.kind = "budget";
            each.reason = "number " + std::to_string(i);
        }
    const std::string text = github_annotations(report);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 21);
    EXPECT_NE(text.find("::number 9\n"), std::string::npos);
    EXPECT_EQ(text.find("::number 10\n"), std::string::npos);
    EXPECT_TRUE(text.ends_with("::notice title=dbperf::and 10 more findings\n")) << text;
}

TEST(Github, NoFindingsNoCommands) {
    EXPECT_EQ(github_annotations(CheckReport()), "");
    EXPECT_EQ(github_stop_commands("x"), "::stop-commands::x\n");
    EXPECT_EQ(github_resume_commands("x"), "::x::\n");
}

} // namespace
} // namespace dbperf::client::check
