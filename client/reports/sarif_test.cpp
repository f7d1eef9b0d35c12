#include "reports/sarif.h"

#include "reports/report_sample.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::reports {
using namespace findings;

namespace {

TEST(Sarif, ResultsAndTheirRules) {
    const auto sarif = nlohmann::json::parse(sarif_report(sample_check()));
    EXPECT_EQ(sarif["version"], "2.1.0");
    const auto &run = sarif["runs"][0];
    EXPECT_EQ(run["tool"]["driver"]["rules"].size(), 3u);
    ASSERT_EQ(run["results"].size(), 3u);
    const auto &first = run["results"][0];
    EXPECT_EQ(first["ruleId"], "dbperf/n_plus_one");
    EXPECT_EQ(run["tool"]["driver"]["rules"][first["ruleIndex"].get<std::size_t>()]["id"], first["ruleId"]);
    EXPECT_EQ(first["level"], "error");
    EXPECT_EQ(run["results"][2]["level"], "warning");
    EXPECT_EQ(first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "app/a%20b%3Ac%2Cd.rb");
    EXPECT_EQ(first["locations"][0]["physicalLocation"]["region"]["startLine"], 12);
    for (const auto &result : run["results"]) {
        ASSERT_EQ(result["locations"].size(), 1u);
        EXPECT_GE(result["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
    }
    EXPECT_EQ(run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "dbperf.toml");
    for (const auto &rule : run["tool"]["driver"]["rules"])
        for (const char *member : {"name", "shortDescription", "fullDescription", "help", "properties"})
            EXPECT_TRUE(rule.contains(member)) << member;
    EXPECT_EQ(run["invocations"][0]["executionSuccessful"], true);
}

TEST(Sarif, NothingOfAQueryIsALinkOrAPlaceholder) {
    const auto sarif = nlohmann::json::parse(sarif_report(sample_check()));
    const std::string text = sarif["runs"][0]["results"][0]["message"]["text"];
    EXPECT_NE(text.find("{{0} \\[l\\](u)"), std::string::npos) << text;
    EXPECT_NE(text.find("\\\\u{202e}evil\uFFFD"), std::string::npos) << text;
}

TEST(Sarif, AFindingHasTheSameFingerprintInEveryRun) {
    CheckReport report = sample_check();
    const auto fingerprint = [&](int result) {
        const auto sarif = nlohmann::json::parse(sarif_report(report));
        return sarif["runs"][0]["results"][result]["partialFingerprints"]["dbperfFinding/v1"].get<std::string>();
    };
    const std::string before = fingerprint(0);
    EXPECT_EQ(before.size(), 16u);
    EXPECT_NE(before, fingerprint(1));
    report.judgements[0].reason = "proven: executed 21 times";
    report.judgements[0].location.line = 99;
    EXPECT_EQ(before, fingerprint(0));
    report.judgements[0].key = "another";
    EXPECT_NE(before, fingerprint(0));
}

TEST(Sarif, FilesAreUrisInTheRepository) {
    CheckReport report = sample_check();
    report.judgements[0].location.file = "wh%ere.sql";
    report.judgements[1].location.file = "/else/where.sql";
    report.judgements[1].fallback_file = "ci/dbperf.toml";
    const auto sarif = nlohmann::json::parse(sarif_report(report));
    const auto uri = [&](int result) {
        return sarif["runs"][0]["results"][result]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    };
    EXPECT_EQ(uri(0), "wh%25ere.sql");
    EXPECT_EQ(uri(1), "ci/dbperf.toml");
    const std::string text = sarif["runs"][0]["results"][1]["message"]["text"];
    EXPECT_TRUE(text.ends_with("; sent from /else/where.sql")) << text;
}

TEST(Sarif, WhatIsPossibleIsANote) {
    CheckReport report = sample_check();
    Judgement &each = report.judgements.emplace_back();
    each.outcome = Outcome::possible;
    each.kind = "n_plus_one";
    each.reason = "possible: executed 20 times";
    each.call_site = "file='a.py',line='3'";
    each.location = {"a.py", 3};
    const auto sarif = nlohmann::json::parse(sarif_report(report));
    const auto &result = sarif["runs"][0]["results"].back();
    EXPECT_EQ(result["level"], "note");
    EXPECT_EQ(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
    EXPECT_EQ(result["properties"]["callSite"], each.call_site);
}

TEST(Sarif, TextsStayWithinLimits) {
    CheckReport report = sample_check();
    report.judgements[0].reason = std::string(100000, 'x');
    const auto sarif = nlohmann::json::parse(sarif_report(report));
    EXPECT_LE(sarif["runs"][0]["results"][0]["message"]["text"].get<std::string>().size(), 4100u);
}

} // namespace
} // namespace dbperf::client::reports
