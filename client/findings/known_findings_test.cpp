#include "findings/known_findings.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::findings {
using namespace base;

namespace {

KnownFinding loop(double calls, const std::string &confidence = "proven") {
    return {"n_plus_one", "SELECT 1", "4711", "n_plus_one a.b -> c.d", confidence, calls};
}

Comparison compared(const KnownFinding &known, const KnownFinding &found) {
    return compare_finding({known}, found).comparison;
}

TEST(KnownFindings, WorseIsMoreThanOneAndAHalfTimesTheCalls) {
    EXPECT_EQ(compared(loop(20), loop(20)), Comparison::known);
    EXPECT_EQ(compared(loop(20), loop(30)), Comparison::known);
    EXPECT_EQ(compared(loop(20), loop(31)), Comparison::worse);
    EXPECT_EQ(compared(loop(20), loop(14)), Comparison::known);
    EXPECT_EQ(compared(loop(20), loop(13)), Comparison::better);
    EXPECT_EQ(compare_finding({loop(20)}, loop(45)).change, "20 -> 45 calls in one unit of work");
}

TEST(KnownFindings, WorseIsAHigherConfidence) {
    EXPECT_EQ(compared(loop(20, "likely"), loop(20)), Comparison::worse);
    EXPECT_EQ(compared(loop(20), loop(20, "likely")), Comparison::better);
    EXPECT_EQ(compared(loop(20, ""), loop(20)), Comparison::known);
}

TEST(KnownFindings, ItIsKnownByKindKeyAndEdgeAlone) {
    KnownFinding other = loop(20);
    other.statement = "SELECT 2";
    EXPECT_EQ(compared(other, loop(20)), Comparison::known);
    other.edge = "n_plus_one a.b -> c.e";
    EXPECT_EQ(compared(other, loop(20)), Comparison::unknown);
    other = loop(20);
    other.key = "4712";
    EXPECT_EQ(compared(other, loop(20)), Comparison::unknown);
    EXPECT_EQ(compare_finding({}, loop(20)).comparison, Comparison::unknown);
}

TEST(KnownFindings, OfTwoLinesTheMoreGenerousOneCounts) {
    EXPECT_EQ(compare_finding({loop(10), loop(40)}, loop(40)).comparison, Comparison::known);
    EXPECT_EQ(compare_finding({loop(40), loop(10)}, loop(40)).comparison, Comparison::known);
}

TEST(KnownFindings, TheFileIsSortedAndReadAgain) {
    const KnownFinding hostile{"budget", "GET /\"a\"\n\xFF<<<<<<<", "GET /\"a\"\n\xFF<<<<<<<", "statements", "", 12.5};
    const std::string text = known_findings_text({loop(20), hostile}, "shop");
    EXPECT_EQ(text, known_findings_text({hostile, loop(20)}, "shop"));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
    EXPECT_EQ(text.find("{\"dbperf\":\"known findings\",\"version\":1,\"project\":\"shop\"}\n{\"kind\":\"budget\""), 0u)
        << text;
    const KnownFindings read = parse_known_findings(text, "f");
    ASSERT_EQ(read.findings.size(), 2u);
    EXPECT_EQ(read.project, "shop");
    EXPECT_EQ(compared(read.findings[1], loop(20)), Comparison::known);
    EXPECT_EQ(known_findings_text(read.findings, "shop"), text);
}

TEST(KnownFindings, AnEmptyFileOfFindingsIsOne) {
    EXPECT_TRUE(parse_known_findings(known_findings_text({}, ""), "f").findings.empty());
}

TEST(KnownFindings, OrderRepetitionAndLineEndsDoNotMatter) {
    const std::string text = known_findings_text({loop(20)}, "");
    const std::size_t end = text.find('\n') + 1;
    EXPECT_EQ(parse_known_findings(text + text.substr(end), "f").findings.size(), 2u);
    EXPECT_EQ(parse_known_findings(text + text, "f").findings.size(), 2u);
    std::string windows;
    for (const char c : text)
        windows += c == '\n' ? "\r\n" : std::string(1, c);
    EXPECT_EQ(parse_known_findings(windows, "f").findings.size(), 1u);
}

TEST(KnownFindings, WhatIsWrongIsSaid) {
    const std::string text = known_findings_text({loop(20), loop(30, "likely")}, "");
    const auto read = [](const std::string &given) { return [given] { parse_known_findings(given, "f.jsonl"); }; };
    expect_error(read("<<<<<<< ours\n" + text), ExitCode::usage, "f.jsonl:1: a merge left its marks");
    expect_error(read(text.substr(0, text.size() - 10)), ExitCode::usage, "f.jsonl:4: this line is no finding");
    expect_error(read(text.substr(0, text.rfind("{\"end\""))), ExitCode::usage, "f.jsonl is cut short");
    expect_error(read(""), ExitCode::usage, "f.jsonl holds no findings");
    expect_error(read("{}"), ExitCode::usage, "f.jsonl holds no findings");
    expect_error(read("{\"dbperf\":\"known findings\",\"version\":2}\n"), ExitCode::usage, "it is of version 2");
    expect_error(read("{\"dbperf\":\"known findings\"}\n"), ExitCode::usage, "does not say of which version");
    expect_error(
        read(
            "{\"dbperf\":\"known findings\",\"version\":1}\n{\"kind\":\"n_plus_one\",\"key\":\"1\",\"calls\":\"x\"}\n"),
        ExitCode::usage, "f.jsonl:2: this line is no finding");
    expect_error(read("{\"kind\":\"dbperf run\",\"schema_version\":1}"), ExitCode::usage, "holds no findings");
    expect_error(read("{\"kind\":\"dbperf run\",\"schema_ver"), ExitCode::usage, "cut short or damaged");
}

TEST(KnownFindings, AnExportedRunHoldsThem) {
    const KnownFindings known = parse_known_findings(
        R"({"kind":"dbperf run","schema_version":1,"findings":[{"kind":"n_plus_one","statement":"s","key":"4711","edge":"n_plus_one a.b -> c.d","calls":20,"confidence":"proven"}]})",
        "f");
    ASSERT_EQ(known.findings.size(), 1u);
    EXPECT_EQ(compared(known.findings[0], loop(20)), Comparison::known);
}

} // namespace
} // namespace dbperf::client::findings
