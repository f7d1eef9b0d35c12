// Texts of others in every format: always UTF-8, always of the format's form, never more items than there are.
#include "reports/report_formats.h"

#include "check/github.h"
#include "metrics/openmetrics.h"
#include "reports/html_elements.h"
#include "reports/junit.h"
#include "reports/markdown.h"
#include "reports/tap.h"
#include "terminal/markup.h"
#include "terminal/table.h"
#include "terminal/visible.h"

#include <fuzz/target.h>

#include <nlohmann/json.hpp>

using namespace dbperf::client::terminal;
using namespace dbperf::client::findings;
using namespace dbperf::client::metrics;
using namespace dbperf::client::reports;
using namespace dbperf::client::check;

namespace {

bool is_utf8(const std::string &text) {
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error &) {
        return false;
    }
}

CheckReport report_of(fuzz::Input &input) {
    CheckReport report;
    report.run.started_at = "2026-01-31T09:30:00.000000Z";
    report.run.label = input.word();
    report.baseline = input.word();
    report.run.seconds = input.byte();
    while (input.left() > 0 && report.judgements.size() < 30) {
        Judgement each;
        each.outcome = static_cast<Outcome>(input.below(7));
        each.location.line = static_cast<int>(input.below(3));
        for (std::string *text : {&each.kind, &each.query, &each.reason, &each.cause, &each.suggestion, &each.call_site,
                                  &each.metric, &each.location.file, &each.database})
            *text = input.word();
        report.judgements.push_back(each);
    }
    sort_judgements(report.judgements);
    return report;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0, end; at < text.size(); at = end + 1) {
        end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
    }
    return lines;
}

// Elements closed in order, quoted attributes, references that exist.
void check_xml(const std::string &text) {
    std::vector<std::string> open;
    std::size_t at = text.find("?>") + 2;
    for (; at < text.size(); ++at) {
        if (text[at] == '&') {
            const std::string name = text.substr(at, text.find(';', at) + 1 - at);
            FUZZ_CHECK_SHOWN(name == "&amp;" || name == "&lt;" || name == "&gt;" || name == "&quot;" ||
                                 name == "&#39;" || name == "&#10;" || name == "&#9;",
                             text);
        }
        FUZZ_CHECK_SHOWN(text[at] != '>' && (text[at] >= ' ' || (text[at] & 0x80) != 0 || text[at] == '\n'), text);
        if (text[at] != '<')
            continue;
        const std::size_t begin = at + 1;
        bool quoted = false;
        for (++at; at < text.size() && (quoted || text[at] != '>'); ++at) {
            quoted = quoted != (text[at] == '"');
            FUZZ_CHECK_SHOWN(text[at] != '<', text);
        }
        FUZZ_CHECK_SHOWN(at < text.size() && !quoted, text);
        const std::string tag = text.substr(begin, at - begin);
        if (tag[0] == '/') {
            FUZZ_CHECK_SHOWN(!open.empty() && open.back() == tag.substr(1), text);
            open.pop_back();
        } else if (tag.back() != '/') {
            open.push_back(tag.substr(0, tag.find(' ')));
        }
    }
    FUZZ_CHECK_SHOWN(open.empty(), text);
}

void check_tap(const std::string &text, std::size_t tests) {
    const std::vector<std::string> lines = lines_of(text);
    FUZZ_CHECK(lines.size() >= 2 && lines[0] == "TAP version 13" && lines[1] == "1.." + std::to_string(tests));
    std::size_t number = 0;
    bool inside = false;
    for (std::size_t i = 2; i < lines.size(); ++i) {
        if (inside) {
            FUZZ_CHECK_SHOWN(lines[i].starts_with("  ") && (lines[i] == "  ..." || lines[i].find(": ") < 20), text);
            inside = lines[i] != "  ...";
        } else if (lines[i] == "  ---") {
            inside = true;
        } else {
            const std::string begin = std::to_string(++number) + " - ";
            FUZZ_CHECK_SHOWN(lines[i].starts_with("ok " + begin) || lines[i].starts_with("not ok " + begin), text);
        }
    }
    FUZZ_CHECK(!inside && number == tests);
}

} // namespace

FUZZ_PART(reports) {
    const CheckReport report = report_of(input);
    const std::string junit = junit_report(report), tap = tap_report(report), markdown = markdown_report(report),
                      github = github_annotations(report);
    for (const std::string *text : {&junit, &tap, &markdown, &github})
        FUZZ_CHECK_SHOWN(is_utf8(*text), *text);
    check_xml(junit);
    check_tap(tap, report.judgements.size());
    std::size_t items = 0;
    for (const std::string &line : lines_of(markdown)) {
        items += line.starts_with("- **");
        FUZZ_CHECK_SHOWN(line.empty() || line.starts_with("#") || line.starts_with("Run ") ||
                             line.starts_with("- **") || line.starts_with("  - "),
                         markdown);
    }
    FUZZ_CHECK(items == report.judgements.size() -
                            static_cast<std::size_t>(report.count(Outcome::passed) + report.count(Outcome::possible) +
                                                     report.count(Outcome::known)));
    FUZZ_CHECK(markdown_report(report, 300).size() <= 600 + report.run.label.size() * 8 + report.baseline.size() * 8);
    for (const std::string &line : lines_of(github))
        FUZZ_CHECK_SHOWN(
            line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::notice "), github);
}

FUZZ_PART(visible) {
    const int width = 3 + static_cast<int>(input.below(60));
    const std::string text(input.rest());
    const std::string shown = visible(text);
    FUZZ_CHECK(is_utf8(shown) && visible(shown) == shown);
    const std::string line = visible_line(text, width);
    FUZZ_CHECK_SHOWN(
        is_utf8(line) && line.find_first_of("\n\t\r\033") == std::string::npos && display_width(line) <= width, line);
    for (const std::string &escaped :
         {html_text(text), html_line(text, width), html_json(nlohmann::json(shown).dump())})
        FUZZ_CHECK_SHOWN(is_utf8(escaped) && escaped.find_first_of("<>") == std::string::npos, escaped);
    FUZZ_CHECK(nlohmann::json::parse(html_json(nlohmann::json(shown).dump())) == shown);
    FUZZ_CHECK(html_text(text).find_first_of("\"'") == std::string::npos);
    std::string back;
    const std::string escaped = escape_markup(text);
    for (std::size_t at = 0; at < escaped.size(); ++at) {
        const std::string_view rest = std::string_view(escaped).substr(at);
        bool found = false;
        for (const auto &[name, c] : {std::pair("&amp;", '&'), std::pair("&lt;", '<'), std::pair("&gt;", '>'),
                                      std::pair("&quot;", '"'), std::pair("&#39;", '\'')})
            if (!found && rest.starts_with(name)) {
                back += c;
                at += std::strlen(name) - 1;
                found = true;
            }
        FUZZ_CHECK(found || rest[0] != '&');
        if (!found)
            back += rest[0];
    }
    FUZZ_CHECK(back == text);
}

FUZZ_PART(table) {
    const Style style = Style::choose(ColorMode::never);
    const int indent = static_cast<int>(input.below(8));
    Table table;
    table.column("first", Table::Align::left, input.flag())
        .column("second", Table::Align::right)
        .column("third", Table::Align::left, true);
    std::size_t rows = 0;
    std::string text;
    for (; input.left() > 0 && rows < 20; ++rows) {
        std::vector<std::string> cells;
        for (int i = 0; i < 3; ++i)
            cells.push_back(visible_line(input.word(), 200));
        text += cells[0] + " ";
        table.row(cells);
    }
    const std::string shown = table.render(style, indent);
    FUZZ_CHECK_SHOWN(lines_of(shown).size() == rows + 1 && is_utf8(shown), shown);
    for (const std::string &line : lines_of(shown))
        FUZZ_CHECK(line.empty() || line.starts_with(std::string(static_cast<std::size_t>(indent), ' ')));
    FUZZ_CHECK(is_utf8(paragraph(style, indent, "label", text)) && is_utf8(wrapped(style, indent, text)));
}

FUZZ_PART(openmetrics) {
    MetricFamily family;
    family.name = "dbperf_x";
    family.help = "help";
    family.type = static_cast<MetricType>(input.below(3));
    std::size_t samples = 0;
    for (; input.left() > 0 && samples < 20; ++samples)
        family.samples.push_back({"", {{"query", std::string(input.word())}}, input.number<double>()});
    for (const MetricsDialect dialect : {MetricsDialect::openmetrics, MetricsDialect::prometheus}) {
        const std::string text = metrics_text({family}, dialect);
        FUZZ_CHECK_SHOWN(is_utf8(text), text);
        std::size_t found = 0;
        for (const std::string &line : lines_of(text)) {
            FUZZ_CHECK_SHOWN(line.starts_with("# ") || line.starts_with("dbperf_x{query=\""), text);
            found += line[0] == 'd';
        }
        FUZZ_CHECK(found == samples);
    }
}
