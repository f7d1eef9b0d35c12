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
    EXPECT_FALSE(run["results"][1].contains("locations"));
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

TEST(Sarif, FilesAreUris) {
    CheckReport report = sample_check();
    report.judgements[0].location.file = "/else/wh%ere.sql";
    const auto sarif = nlohmann::json::parse(sarif_report(report));
    EXPECT_EQ(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
              "file:///else/wh%25ere.sql");
}

} // namespace
} // namespace dbperf::client::reports
