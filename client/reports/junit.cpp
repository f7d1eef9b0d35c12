#include "reports/junit.h"

#include "terminal/markup.h"
#include "terminal/visible.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::reports {
using namespace terminal;
using namespace findings;

namespace {

constexpr int longest_case_name = 200;

// For text and attributes alike; a line feed in an attribute would be read as a space.
std::string escaped_for_junit(std::string_view text) {
    std::string result;
    for (const char c : escape_markup(visible(text)))
        if (c == '\n')
            result += "&#10;";
        else if (c == '\t')
            result += "&#9;";
        else
            result += c;
    return result;
}

std::string name_of(const Judgement &each) {
    const std::string name = each.query.empty() ? each.reason : shown_query(each);
    return visible_line(each.metric.empty() ? name : name + ": " + each.metric, longest_case_name);
}

std::string details_of(const Judgement &each) {
    std::string text = each.reason;
    for (const auto &[label, value] : {std::pair("query", &each.query), std::pair("cause", &each.cause),
                                       std::pair("suggestion", &each.suggestion), std::pair("advice", &each.advice),
                                       std::pair("call site", &each.call_site), std::pair("database", &each.database)})
        if (!value->empty())
            text += fmt::format("\n{}: {}", label, *value);
    return text;
}

std::string case_of(const Judgement &each) {
    std::string text = fmt::format("    <testcase classname=\"dbperf.{}\" name=\"{}\"", escaped_for_junit(each.kind),
                                   escaped_for_junit(name_of(each)));
    if (!each.location.file.empty())
        text += fmt::format(" file=\"{}\"", escaped_for_junit(each.location.file));
    if (each.location.line > 0)
        text += fmt::format(" line=\"{}\"", each.location.line);
    const std::string message = fmt::format(" message=\"{}\"", escaped_for_junit(visible_line(each.reason, 1000)));
    switch (each.outcome) {
    case Outcome::passed:
        return text + "/>\n";
    case Outcome::failed:
        return text + fmt::format(">\n      <failure type=\"{}\"{}>{}</failure>\n    </testcase>\n",
                                  escaped_for_junit(each.kind), message, escaped_for_junit(details_of(each)));
    case Outcome::broken:
        return text + fmt::format(">\n      <error type=\"{}\"{}>{}</error>\n    </testcase>\n",
                                  escaped_for_junit(each.kind), message, escaped_for_junit(details_of(each)));
    case Outcome::not_judged:
        return text + fmt::format(">\n      <skipped{}/>\n    </testcase>\n", message);
    case Outcome::known:
        return text + fmt::format(">\n      <system-out>known: {}</system-out>\n    </testcase>\n",
                                  escaped_for_junit(details_of(each)));
    case Outcome::possible:
        return text + fmt::format(">\n      <system-out>{}</system-out>\n    </testcase>\n",
                                  escaped_for_junit(details_of(each)));
    case Outcome::warned:
        return text + fmt::format(">\n      <system-out>warning: {}</system-out>\n    </testcase>\n",
                                  escaped_for_junit(details_of(each)));
    }
    return {};
}

std::string counts_of(const std::vector<const Judgement *> &cases) {
    const auto count = [&](Outcome outcome) {
        return std::count_if(cases.begin(), cases.end(),
                             [&](const Judgement *each) { return each->outcome == outcome; });
    };
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", cases.size(),
                       count(Outcome::failed), count(Outcome::broken), count(Outcome::not_judged));
}

} // namespace

std::string junit_report(const CheckReport &report) {
    std::vector<const Judgement *> all;
    std::vector<std::string> kinds;
    for (const Judgement &each : report.judgements) {
        all.push_back(&each);
        if (std::find(kinds.begin(), kinds.end(), each.kind) == kinds.end())
            kinds.push_back(each.kind);
    }
    std::string text = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                   "<testsuites name=\"dbperf check of run {}\" {} time=\"{:.3f}\">\n",
                                   escaped_for_junit(visible_line(report.run.label, longest_case_name)), counts_of(all),
                                   report.run.seconds);
    for (const std::string &kind : kinds) {
        std::vector<const Judgement *> cases;
        std::copy_if(all.begin(), all.end(), std::back_inserter(cases),
                     [&](const Judgement *each) { return each->kind == kind; });
        // ISO 8601 without fractions is all that every reader takes.
        text += fmt::format("  <testsuite name=\"dbperf.{}\" {} timestamp=\"{}\">\n", escaped_for_junit(kind),
                            counts_of(cases), report.run.started_at.substr(0, 19));
        for (const Judgement *each : cases)
            text += case_of(*each);
        text += "  </testsuite>\n";
    }
    return text + "</testsuites>\n";
}

} // namespace dbperf::client::reports
