#include "reports/junit.h"

#include "run/unit_text.h"
#include "terminal/markup.h"
#include "terminal/table.h"
#include "terminal/visible.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace dbperf::client::reports {
using namespace terminal;
using namespace findings;
using namespace run;

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

struct Case {
    Judgement judgement;
    std::string figures; // of a unit of work
};

std::string name_of(const Judgement &each) {
    const std::string name = each.query.empty() ? each.reason : shown_query(each);
    return visible_line(each.metric.empty() ? name : name + ": " + each.metric, longest_case_name);
}

std::string details_of(const Case &one) {
    const Judgement &each = one.judgement;
    std::string text = each.reason;
    for (const auto &[label, value] :
         {std::pair("query", &each.query), std::pair("cause", &each.cause), std::pair("suggestion", &each.suggestion),
          std::pair("advice", &each.advice), std::pair("index", &each.index), std::pair("call site", &each.call_site),
          std::pair("database", &each.database)})
        if (!value->empty() && !(value == &each.query && !one.figures.empty()))
            text += fmt::format("\n{}: {}", label, *value);
    return one.figures.empty() ? text : text + "\n" + one.figures;
}

std::string case_of(const Case &one) {
    const Judgement &each = one.judgement;
    std::string text = fmt::format("    <testcase classname=\"dbperf.{}\" name=\"{}\"", escaped_for_junit(each.kind),
                                   escaped_for_junit(name_of(each)));
    if (!each.location.file.empty())
        text += fmt::format(" file=\"{}\"", escaped_for_junit(each.location.file));
    if (each.location.line > 0)
        text += fmt::format(" line=\"{}\"", each.location.line);
    const std::string message = fmt::format(" message=\"{}\"", escaped_for_junit(visible_line(each.reason, 1000)));
    switch (each.outcome) {
    case Outcome::passed:
        return one.figures.empty() ? text + "/>\n"
                                   : text + fmt::format(">\n      <system-out>{}</system-out>\n    </testcase>\n",
                                                        escaped_for_junit(one.figures));
    case Outcome::failed:
        return text + fmt::format(">\n      <failure type=\"{}\"{}>{}</failure>\n    </testcase>\n",
                                  escaped_for_junit(each.kind), message, escaped_for_junit(details_of(one)));
    case Outcome::broken:
        return text + fmt::format(">\n      <error type=\"{}\"{}>{}</error>\n    </testcase>\n",
                                  escaped_for_junit(each.kind), message, escaped_for_junit(details_of(one)));
    case Outcome::not_judged:
        return text + fmt::format(">\n      <skipped{}/>\n    </testcase>\n", message);
    case Outcome::known:
        return text + fmt::format(">\n      <system-out>known: {}</system-out>\n    </testcase>\n",
                                  escaped_for_junit(details_of(one)));
    case Outcome::possible:
        return text + fmt::format(">\n      <system-out>{}</system-out>\n    </testcase>\n",
                                  escaped_for_junit(details_of(one)));
    case Outcome::warned:
        return text + fmt::format(">\n      <system-out>warning: {}</system-out>\n    </testcase>\n",
                                  escaped_for_junit(details_of(one)));
    }
    return {};
}

std::string counts_of(const std::vector<const Case *> &cases) {
    const auto count = [&](Outcome outcome) {
        return std::count_if(cases.begin(), cases.end(),
                             [&](const Case *each) { return each->judgement.outcome == outcome; });
    };
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", cases.size(),
                       count(Outcome::failed), count(Outcome::broken), count(Outcome::not_judged));
}

// A unit of work fails by its budgets, which have no other cases. What else was found in it has its own.
std::vector<Case> cases_of(const CheckReport &report) {
    std::vector<Case> cases;
    std::map<std::string_view, std::vector<const Judgement *>> breaches;
    for (const Judgement &each : report.judgements)
        if (each.pattern.empty())
            cases.push_back({each, {}});
        else
            breaches[each.unit].push_back(&each);
    for (const UnitFigures &unit : report.run.units) {
        Case &added = cases.emplace_back();
        Judgement &judgement = added.judgement;
        if (const auto found = breaches.find(unit.name); found != breaches.end()) {
            judgement = *found->second.front(); // the worst stands first
            for (auto each = found->second.begin() + 1; each != found->second.end(); ++each)
                judgement.reason += "; " + (*each)->reason;
        }
        judgement.kind = "unit";
        judgement.query = unit_name(unit);
        judgement.short_query = judgement.metric = "";
        added.figures = fmt::format("done {}: {} statements each, {} different, median {}, max {}; {} in it",
                                    plural(unit.occurrences, "time", "times"), range_text(unit.statement_counts),
                                    range_text(unit.distinct_statements), format_ms(unit.exec_times.median),
                                    format_ms(unit.exec_times.most), plural(unit.findings, "finding", "findings"));
    }
    return cases;
}

} // namespace

std::string junit_report(const CheckReport &report) {
    const std::vector<Case> cases = cases_of(report);
    std::vector<const Case *> all;
    std::vector<std::string> kinds;
    for (const Case &each : cases) {
        all.push_back(&each);
        if (std::find(kinds.begin(), kinds.end(), each.judgement.kind) == kinds.end())
            kinds.push_back(each.judgement.kind);
    }
    std::string text = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                   "<testsuites name=\"dbperf check of run {}\" {} time=\"{:.3f}\">\n",
                                   escaped_for_junit(visible_line(report.run.label, longest_case_name)), counts_of(all),
                                   report.run.seconds);
    for (const std::string &kind : kinds) {
        std::vector<const Case *> of_kind;
        std::copy_if(all.begin(), all.end(), std::back_inserter(of_kind),
                     [&](const Case *each) { return each->judgement.kind == kind; });
        // ISO 8601 without fractions is all that every reader takes.
        text += fmt::format("  <testsuite name=\"dbperf.{}\" {} timestamp=\"{}\">\n", escaped_for_junit(kind),
                            counts_of(of_kind), report.run.started_at.substr(0, 19));
        for (const Case *each : of_kind)
            text += case_of(*each);
        text += "  </testsuite>\n";
    }
    return text + "</testsuites>\n";
}

} // namespace dbperf::client::reports
