#include "check/github.h"

#include "terminal/table.h"
#include "terminal/style.h"
#include "terminal/visible.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::check {
using namespace terminal;
using namespace findings;

namespace {

constexpr int max_of_a_level = 10;
constexpr int longest_title = 120;
constexpr int longest_message = 4000;

std::string escaped_property(std::string_view text, bool is_property) {
    std::string result;
    for (const char c : text) {
        const bool special = c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ','));
        result += special ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return result;
}

std::string annotation_of(const Judgement &each, std::string_view level) {
    std::string properties;
    if (!each.location.file.empty())
        properties = "file=" + escaped_property(visible(each.location.file), true) + ",";
    if (each.location.line > 0)
        properties += fmt::format("line={},", each.location.line);
    const std::string title = "dbperf " + each.kind + (each.query.empty() ? "" : ": " + shown_query(each));
    std::string message = each.reason;
    if (!each.query.empty())
        message += "\n" + shown_query(each);
    if (!each.cause.empty())
        message += "\ncause: " + each.cause;
    if (!each.suggestion.empty())
        message += "\nsuggestion: " + shown_suggestion(each);
    if (!each.advice.empty())
        message += "\nadvice: " + each.advice;
    if (!each.index.empty())
        message += "\nindex: " + each.index;
    return fmt::format("::{} {}title={}::{}\n", level, properties,
                       escaped_property(visible_line(title, longest_title), true),
                       escaped_property(shorten(visible(message), longest_message), false));
}

} // namespace

std::string github_annotations(const CheckReport &report) {
    std::string text;
    int errors = 0;
    int warnings = 0;
    for (const Judgement &each : report.judgements) {
        const bool is_error = each.outcome == Outcome::failed || each.outcome == Outcome::broken;
        if (!is_error && each.outcome != Outcome::warned)
            continue;
        int &count = is_error ? errors : warnings;
        if (++count <= max_of_a_level)
            text += annotation_of(each, is_error ? "error" : "warning");
    }
    const int left = std::max(0, errors - max_of_a_level) + std::max(0, warnings - max_of_a_level);
    if (left > 0)
        text += fmt::format("::notice title=dbperf::and {}\n", plural(left, "more finding", "more findings"));
    return text;
}

std::string github_stop_commands(const std::string &token) {
    return fmt::format("::stop-commands::{}\n", token);
}

std::string github_resume_commands(const std::string &token) {
    return fmt::format("::{}::\n", token);
}

} // namespace dbperf::client::check
