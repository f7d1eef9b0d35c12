#include "reports/markdown.h"

#include "terminal/table.h"
#include "terminal/style.h"
#include "terminal/visible.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::reports {
using namespace terminal;
using namespace findings;

namespace {

constexpr int longest_query = 2000;

// Nothing in it is markup, a link, a mention of somebody, or a break of the line.
std::string plain(std::string_view text) {
    std::string result;
    for (const char c : one_line(visible(text))) {
        if (c == '@' || c == '#') // "@name" and "#12" become links whatever stands before them
            result += fmt::format("{}{}<!-- -->", c == '#' ? "\\" : "", c);
        else if (c == '<' || c == '>' || c == '&')
            result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
        else if (std::string_view("\\`*_{}[]()+-!|~:.=^$\"'").find(c) != std::string_view::npos)
            result += std::string("\\") + c;
        else
            result += c;
    }
    return result;
}

// A span that no run of backticks inside can end.
std::string code(std::string_view text) {
    const std::string line = visible_line(text, longest_query);
    std::size_t longest = 0;
    std::size_t run = 0;
    for (const char c : line) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    const std::string fence(longest + 1, '`');
    const bool touches = line.starts_with('`') || line.ends_with('`');
    return line.empty() ? "" : fmt::format("{0}{1}{2}{1}{0}", fence, touches ? " " : "", line);
}

// By the summary.
bool is_counted_only(Outcome outcome) {
    return outcome == Outcome::passed || outcome == Outcome::possible || outcome == Outcome::known;
}

std::string heading_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::broken:
        return "Not measured";
    case Outcome::failed:
        return "Findings";
    case Outcome::warned:
        return "Warnings";
    case Outcome::not_judged:
        return "Not judged";
    case Outcome::known:
    case Outcome::possible:
    case Outcome::passed:
        return "Passed";
    }
    return {};
}

std::string item_of(const Judgement &each) {
    std::string text = fmt::format("- **{}**{}: {}\n", plain(each.kind),
                                   each.query.empty() ? "" : " " + code(shown_query(each)), plain(each.reason));
    if (!each.cause.empty())
        text += fmt::format("  - cause: {}\n", code(each.cause));
    if (!each.suggestion.empty())
        text += fmt::format("  - instead {}\n", code(shown_suggestion(each)));
    if (!each.advice.empty())
        text += fmt::format("  - {}\n", plain(each.advice));
    if (!each.index.empty())
        text += fmt::format("  - index {}\n", code(each.index));
    if (const std::string place = shown_place(each); !place.empty())
        text += fmt::format("  - {} {}\n", each.location.file.empty() ? "from" : "in", code(place));
    return text;
}

std::string summary_of(const CheckReport &report) {
    std::string text;
    for (const auto &[outcome, one, many] :
         {std::tuple(Outcome::failed, "finding", "findings"), std::tuple(Outcome::warned, "warning", "warnings"),
          std::tuple(Outcome::not_judged, "not judged", "not judged"), std::tuple(Outcome::known, "known", "known"),
          std::tuple(Outcome::possible, "possible repetition", "possible repetitions"),
          std::tuple(Outcome::passed, "passed", "passed")})
        if (const int count = report.count(outcome); count > 0 || outcome == Outcome::failed)
            text += (text.empty() ? "" : ", ") + plural(count, one, many);
    return text;
}

} // namespace

std::string markdown_report(const CheckReport &report, std::size_t max_bytes) {
    const bool good = report.passed() && report.command_status == 0;
    std::string text = fmt::format("## {} dbperf: {}\n\nRun {}: {} in {}.", good ? "✅" : "❌", summary_of(report),
                                   code(report.run.label), plural(report.run.calls, "statement", "statements"),
                                   format_ms(report.run.seconds * 1000));
    for (const std::string *baseline : {&report.baseline, &report.baseline_file})
        if (!baseline->empty())
            text += fmt::format(" Compared with {}.", code(*baseline));
    text += "\n";
    Outcome section = Outcome::passed;
    const std::size_t closing = 100;
    for (std::size_t i = 0; i < report.judgements.size(); ++i) {
        const Judgement &each = report.judgements[i];
        if (is_counted_only(each.outcome))
            break;
        std::string item =
            section == each.outcome && i > 0 ? "" : fmt::format("\n### {}\n\n", heading_of(each.outcome));
        item += item_of(each);
        if (max_bytes > 0 && text.size() + item.size() + closing > max_bytes) {
            const auto left =
                std::count_if(report.judgements.begin() + static_cast<std::ptrdiff_t>(i), report.judgements.end(),
                              [](const Judgement &rest) { return !is_counted_only(rest.outcome); });
            return text + fmt::format("\nand {} more, not shown for want of room\n", left);
        }
        text += item;
        section = each.outcome;
    }
    return text;
}

} // namespace dbperf::client::reports
