#include "reports/html.h"

#include "reports/html_elements.h"
#include "reports/report_sample.h"

#include <gtest/gtest.h>

namespace dbperf::client::reports {
using namespace compare;
using namespace findings;

namespace {

std::string body_of(const std::string &page) {
    const std::size_t begin = page.find("<main");
    return page.substr(begin, page.find("</main>") - begin);
}

int count_of(const std::string &text, std::string_view part) {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

DeadlockStory sample_deadlock() {
    DeadlockStory story;
    story.happened = true;
    story.id = "7";
    story.members = {{"session 1, role <app>", "row", "", 2, true, 0}, {"session 2", "row", "", 1, false, 3}};
    DeadlockStep takes;
    takes.member = 1;
    takes.number = 1;
    takes.query = hostile_query;
    takes.lock = "account (id='</script>')";
    takes.holds = true;
    takes.at_ms = -100;
    DeadlockStep waits = takes;
    waits.number = 2;
    waits.holds = false;
    waits.waits = true;
    waits.waited_ms = 90;
    waits.at_ms = -90;
    story.steps = {takes, waits};
    return story;
}

TEST(HtmlReport, TextOfOthersIsText) {
    ReportData data{sample_check(), {}, {}};
    const std::string body = body_of(html_report(data));
    EXPECT_NE(body.find("&lt;/script&gt;"), std::string::npos);
    EXPECT_EQ(body.find("<script"), std::string::npos);
    EXPECT_EQ(body.find("\u202E"), std::string::npos);
    EXPECT_EQ(body.find('\033'), std::string::npos);
    EXPECT_EQ(body.find("<b>|"), std::string::npos);
    EXPECT_EQ(body.find(" style="), std::string::npos); // the policy would refuse it
}

TEST(HtmlReport, UnitsLeadToTheirFindings) {
    ReportData data{sample_check(), {}, {}};
    EXPECT_EQ(html_report(data).find("id=\"units\""), std::string::npos);
    run::UnitFigures unit;
    unit.name = unit.scope = "GET /<b>";
    unit.occurrences = 3;
    unit.findings = 2;
    unit.statement_counts = {2, 3, 14};
    data.check.run.units = {unit, {}};
    Judgement &breach = data.check.judgements.front();
    breach.unit = breach.query = "GET /<b>";
    breach.pattern = "GET *";
    breach.metric = "statements";
    data.check.judgements[1].unit = "GET /<b>";
    const std::string page = html_report(data);
    EXPECT_NE(page.find("<th scope=\"row\">GET /&lt;b&gt;</th><td>3</td><td>2 to 14</td>"), std::string::npos);
    EXPECT_NE(page.find("<a href=\"#finding-0\">statements</a>, <a href=\"#finding-1\">regression</a>"),
              std::string::npos);
    EXPECT_EQ(count_of(page, "<details id=\"finding-0\""), 1);
    EXPECT_EQ(count_of(page, "<details id=\"finding-1\""), 1);
    EXPECT_NE(page.find("(all others)"), std::string::npos);
    data.check.run.units.resize(10000, unit);
    EXPECT_LT(html_report(data).size(), page.size() + 400000);
}

TEST(HtmlReport, WaitsForLocks) {
    ReportData data{sample_check(), {}, {}};
    EXPECT_EQ(html_report(data).find("id=\"lock-waits\""), std::string::npos);
    LockWaitFigures wait;
    wait.kind = "row";
    wait.relation = "public.account";
    wait.row_key = "id='</script>'";
    wait.query = wait.blocker_query = hostile_query;
    wait.head_query = "LOCK TABLE account";
    wait.waits = 17;
    wait.estimated_ms = 250;
    wait.transaction_share = 0.5;
    wait.longest_chain = 3;
    data.details.lock_waits = {wait, LockWaitFigures{}};
    const std::string body = body_of(html_report(data));
    EXPECT_NE(body.find("<th scope=\"row\">account (id=&#39;&lt;/script&gt;&#39;)</th>"), std::string::npos) << body;
    EXPECT_NE(body.find("LOCK TABLE account"), std::string::npos);
    EXPECT_NE(body.find("<td>3</td>"), std::string::npos);
    EXPECT_EQ(body.find("<script"), std::string::npos);
}

TEST(HtmlReport, SeveritiesInTheirOrder) {
    const std::string page = html_report({sample_check(), {}, {}});
    const std::size_t failed = page.find("id=\"failed\"");
    EXPECT_LT(failed, page.find("id=\"warned\""));
    EXPECT_LT(page.find("id=\"warned\""), page.find("id=\"unjudged\""));
    EXPECT_NE(page.find("<li class=\"bad\"><a href=\"#failed-n_plus_one\"><b>1</b>"), std::string::npos);
    EXPECT_NE(page.find("app/a b:c,d.rb:12"), std::string::npos);
}

TEST(HtmlReport, ScriptsOnlyForWhatIsThere) {
    ReportData data{sample_check(), {}, {}};
    EXPECT_EQ(count_of(html_report(data), "id=\"plan-script\""), 0);
    EXPECT_EQ(count_of(html_report(data), "<script"), 2); // data and page.js
    EXPECT_EQ(count_of(html_report(data), "'sha256-"), 2);
}

TEST(HtmlReport, DataEndsNoScript) {
    EXPECT_EQ(html_json("{\"a\": \"</script><!--&\"}"), "{\"a\": \"\\u003c/script\\u003e\\u003c!--\\u0026\"}");
}

TEST(HtmlReport, DeadlockWithItsCircle) {
    ReportData data{sample_check(), {}, {}};
    Judgement judgement;
    judgement.outcome = Outcome::failed;
    judgement.kind = "deadlock";
    judgement.evidence = "7";
    judgement.reason = "2 transactions waited for each other";
    data.check.judgements.insert(data.check.judgements.begin(), judgement);
    data.details.deadlocks.push_back(sample_deadlock());
    const std::string body = body_of(html_report(data));
    EXPECT_EQ(count_of(body, "<path class=\"arrow"), 2);
    EXPECT_EQ(count_of(body, "<div class=\"step at1 m1"), 2);
    EXPECT_NE(body.find("90.0 ms before"), std::string::npos);
    EXPECT_NE(body.find("its first 3 locks are not known"), std::string::npos);
    EXPECT_NE(body.find("account (id=&#39;&lt;/script&gt;&#39;)"), std::string::npos);
}

TEST(HtmlReport, PlansSideBySide) {
    ReportData data{sample_check(), {}, {}};
    ComparedQuery query;
    query.query = "order_history";
    query.blocks_before = 5;
    query.blocks_after = 39;
    data.check.regressions = {query};
    data.details.plans = {
        {R"([{"Plan": {"Node Type": "Index Scan", "Relation Name": "o", "Actual Rows": 1, "Actual Loops": 1, "Shared Hit Blocks": 5, "Shared Read Blocks": 0}}])",
         R"([{"Plan": {"Node Type": "Seq Scan", "Relation Name": "o", "Actual Rows": 1, "Actual Loops": 1, "Shared Hit Blocks": 39, "Shared Read Blocks": 0}}])"}};
    const std::string body = body_of(html_report(data));
    EXPECT_NE(body.find("<td class=\"before changed d0\">"), std::string::npos);
    EXPECT_NE(body.find("<td class=\"after changed d0\">"), std::string::npos);
    EXPECT_NE(body.find("<rect width=\"12.82%\""), std::string::npos); // 5 of 39 blocks
    EXPECT_NE(body.find("<td>7.80 ×</td>"), std::string::npos);
}

TEST(HtmlReport, LimitAndWhatIsOverIt) {
    ReportData data{sample_check(), {}, {}};
    QueryLatency latency;
    latency.name = "slow_one";
    latency.calls = 3;
    latency.buckets = {{1, 0.03, 2}, {50, 1, 1}};
    latency.limits = {{"p95_ms", 20}};
    data.details.latencies = {latency};
    const std::string body = body_of(html_report(data));
    EXPECT_EQ(count_of(body, "<rect class=\"within\""), 1);
    EXPECT_EQ(count_of(body, "<rect class=\"over\""), 1);
    EXPECT_NE(body.find(">budget p95 20.0 ms<"), std::string::npos);
}

} // namespace
} // namespace dbperf::client::reports
