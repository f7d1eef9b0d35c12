#include "reports/junit.h"

#include "reports/report_sample.h"

#include <gtest/gtest.h>

namespace dbperf::client::reports {
using namespace findings;

namespace {

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST(Junit, OneSuiteAKindOneCaseAJudgement) {
    const std::string text = junit_report(sample_check());
    EXPECT_TRUE(
        contains(text, "<testsuites name=\"dbperf check of run run &lt;1&gt;\" tests=\"5\" failures=\"2\" errors=\"0\" "
                       "skipped=\"1\" time=\"1.500\">"));
    EXPECT_TRUE(contains(text,
                         "<testsuite name=\"dbperf.regression\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\" "
                         "timestamp=\"2026-01-31T09:30:00\">"));
    EXPECT_TRUE(contains(text, "<testcase classname=\"dbperf.budget\" name=\"few: p95_ms\">\n"
                               "      <skipped message=\"5 calls; a p95 budget needs 20\"/>"));
    EXPECT_TRUE(contains(text, "<testcase classname=\"dbperf.slow_query\" name=\"none over 100 ms\"/>"));
    EXPECT_TRUE(contains(text, "<system-out>warning: the acceptance matched nothing&#10;query: old</system-out>"));
    EXPECT_TRUE(contains(text, "cause: DROP INDEX &quot;it&#39;s&quot;"));
    EXPECT_TRUE(contains(text, " file=\"app/a b:c,d.rb\" line=\"12\""));
}

run::UnitFigures unit_named(const std::string &name) {
    run::UnitFigures unit;
    unit.name = name;
    unit.occurrences = 3;
    unit.statement_counts = {2, 3, 14};
    unit.distinct_statements = {2, 2, 2};
    unit.exec_times = {1, 2, 4};
    return unit;
}

TEST(Junit, ACaseForEachUnitOfWork) {
    CheckReport report = sample_check();
    report.run.units = {unit_named("GET /orders"), unit_named("GET /<b>"), unit_named("")};
    report.run.units[0].findings = 2;
    for (const char *metric : {"statements", "rows"}) {
        Judgement &breach = report.judgements.emplace_back();
        breach.outcome = Outcome::failed;
        breach.kind = "budget";
        breach.query = breach.unit = "GET /orders";
        breach.pattern = "GET /*";
        breach.metric = metric;
        breach.reason = std::string(metric) + ": up to 14, the budget 12";
        breach.location = {"dbperf.toml", 7};
    }
    const std::string text = junit_report(report);
    // One case for both breaches, and none of kind budget.
    EXPECT_TRUE(contains(text, "<testsuites name=\"dbperf check of run run &lt;1&gt;\" tests=\"8\" failures=\"3\""));
    EXPECT_TRUE(contains(text, "<testsuite name=\"dbperf.unit\" tests=\"3\" failures=\"1\" errors=\"0\""));
    EXPECT_TRUE(contains(text, "<testsuite name=\"dbperf.budget\" tests=\"1\" failures=\"0\""));
    EXPECT_TRUE(contains(text,
                         "<testcase classname=\"dbperf.unit\" name=\"GET /orders\" file=\"dbperf.toml\" line=\"7\">\n"
                         "      <failure type=\"unit\" message=\"statements: up to 14, the budget 12; rows: up to 14, "
                         "the budget 12\">"));
    EXPECT_TRUE(contains(
        text, "done 3 times: 2 to 14 statements each, 2 different, median 2.00 ms, max 4.00 ms; 2 findings in it"));
    EXPECT_TRUE(
        contains(text, "<testcase classname=\"dbperf.unit\" name=\"GET /&lt;b&gt;\">\n      <system-out>done 3 times"));
    EXPECT_TRUE(contains(text, "name=\"(all others)\""));
}

TEST(Junit, NothingOfAQueryIsMarkup) {
    const std::string text = junit_report(sample_check());
    EXPECT_FALSE(contains(text, "</script>"));
    EXPECT_FALSE(contains(text, "]]>"));
    EXPECT_TRUE(contains(text, "&lt;/script&gt;"));
    EXPECT_TRUE(contains(text, "\\u{202e}evil\uFFFD\\u{1b}[31m"));
    for (const char c : text)
        EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n') << static_cast<int>(c);
}

TEST(Junit, AFailedCommandIsAnError) {
    CheckReport report;
    Judgement &command = report.judgements.emplace_back();
    command.outcome = Outcome::broken;
    command.kind = "command";
    command.reason = "the command ended with status 7";
    const std::string text = junit_report(report);
    EXPECT_TRUE(contains(text, "errors=\"1\""));
    EXPECT_TRUE(contains(text, "<error type=\"command\" message=\"the command ended with status 7\">"));
}

} // namespace
} // namespace dbperf::client::reports
