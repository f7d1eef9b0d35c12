#include "reports/tap.h"

#include "terminal/visible.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::reports {
using namespace terminal;
using namespace findings;

namespace {

constexpr int longest_description = 160;

// What stands before "#" is a description, what stands after it would be a directive.
std::string escaped_description(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '\\' || c == '#')
            result += '\\';
        result += c;
    }
    return result;
}

std::string description_of(const Judgement &each) {
    std::string text = each.kind + ": " + (each.query.empty() ? each.reason : shown_query(each));
    if (!each.metric.empty())
        text += ": " + each.metric;
    return escaped_description(visible_line(text, longest_description));
}

// A JSON string is a YAML string on one line.
std::string yaml_of(const Judgement &each) {
    std::string text = "  ---\n";
    for (const auto &[name, value] :
         {std::pair("message", &each.reason), std::pair("severity", &each.severity), std::pair("query", &each.query),
          std::pair("cause", &each.cause), std::pair("suggestion", &each.suggestion), std::pair("advice", &each.advice),
          std::pair("index", &each.index), std::pair("call_site", &each.call_site),
          std::pair("file", &each.location.file), std::pair("database", &each.database)})
        if (!value->empty())
            text += fmt::format("  {}: {}\n", name, nlohmann::json(visible(*value)).dump());
    if (each.location.line > 0)
        text += fmt::format("  line: {}\n", each.location.line);
    return text + "  ...\n";
}

} // namespace

std::string tap_report(const CheckReport &report) {
    std::string text = fmt::format("TAP version 13\n1..{}\n", report.judgements.size());
    int number = 0;
    for (const Judgement &each : report.judgements) {
        const bool ok = each.outcome != Outcome::failed && each.outcome != Outcome::broken;
        text += fmt::format("{} {} - {}", ok ? "ok" : "not ok", ++number, description_of(each));
        if (each.outcome == Outcome::not_judged)
            text += " # SKIP " + escaped_description(visible_line(each.reason, longest_description));
        text += '\n';
        if (each.outcome != Outcome::passed)
            text += yaml_of(each);
    }
    return text;
}

} // namespace dbperf::client::reports
