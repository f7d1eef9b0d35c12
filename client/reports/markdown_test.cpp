#include "reports/markdown.h"

#include "reports/report_sample.h"

#include <gtest/gtest.h>

namespace dbperf::client::reports {
using namespace findings;

namespace {

bool has_part(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST(Markdown, WorstFirstAndCounted) {
    const std::string text = markdown_report(sample_check());
    EXPECT_TRUE(text.starts_with("## ❌ dbperf: 2 findings, 1 warning, 1 not judged, 1 passed\n"));
    EXPECT_TRUE(has_part(text, "Run `run <1>`: 12 statements in 1.50 s. Compared with `main`."));
    EXPECT_LT(text.find("### Findings"), text.find("### Warnings"));
    EXPECT_LT(text.find("### Warnings"), text.find("### Not judged"));
    EXPECT_TRUE(has_part(text, "  - cause: `DROP INDEX \"it's\"`\n"));
    EXPECT_TRUE(has_part(text, "  - in `app/a b:c,d.rb:12`\n"));
}

TEST(Markdown, NothingOfAQueryIsMarkup) {
    const std::string text = markdown_report(sample_check());
    // In a span that its own backticks do not end, on one line.
    EXPECT_TRUE(has_part(text, "```SELECT '</script>', \"a`b``c\" AS"));
    EXPECT_TRUE(has_part(text, "ok 1 - no```: proven"));
    EXPECT_TRUE(has_part(text, "```` SELECT 1 WHERE id = ANY ($1) -- ``` ````"));
    EXPECT_TRUE(has_part(text, "\\\"&lt;t&gt;\\\"\\.id\\|x"));
}

TEST(Markdown, ClippedAtWholeFindings) {
    CheckReport report = sample_check();
    for (int i = 0; i < 1000; ++i)
        report.judgements.insert(report.judgements.begin(), report.judgements.front());
    const std::string text = markdown_report(report, 5000);
    EXPECT_LE(text.size(), 5000u);
    EXPECT_TRUE(text.ends_with(" more, not shown for want of room\n"));
    EXPECT_TRUE(has_part(text, "```SELECT"));
}

TEST(Markdown, NoFindings) {
    CheckReport report;
    report.run.label = "a";
    EXPECT_TRUE(markdown_report(report).starts_with("## ✅ dbperf: 0 findings\n"));
    report.command_status = 3;
    EXPECT_TRUE(markdown_report(report).starts_with("## ❌ dbperf: 0 findings\n"));
}

} // namespace
} // namespace dbperf::client::reports
