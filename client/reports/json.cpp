#include "reports/json.h"

#include "base/json_value.h"
#include "compare/comparison_text.h"
#include "run/run_report_text.h"

#include <nlohmann/json.hpp>

namespace dbperf::client::reports {
using namespace base;
using namespace run;
using namespace compare;
using namespace findings;

namespace {

nlohmann::ordered_json judgement_json(const Judgement &each) {
    return {
        {"kind", each.kind},
        {"severity", each.severity},
        {"query", each.query},
        {"reason", each.reason},
        {"database", each.database},
        {"metric", text_or_null(each.metric)},
        {"cause", text_or_null(each.cause)},
        {"suggestion", text_or_null(each.suggestion)},
        {"advice", text_or_null(each.advice)},
        {"short_query", text_or_null(shown_query(each))},
        {"call_site", text_or_null(each.call_site)},
        {"file", text_or_null(each.location.file)},
        {"line", each.location.line > 0 ? nlohmann::ordered_json(each.location.line) : nlohmann::ordered_json(nullptr)},
        {"price_ms", each.price_ms}};
}

// Regressions that fail have a list of their own, with both sides' figures.
nlohmann::ordered_json list_of(const CheckReport &report, Outcome outcome) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Judgement &each : report.judgements)
        if (each.outcome == outcome && !(outcome == Outcome::failed && each.kind == "regression"))
            list.push_back(judgement_json(each));
    return list;
}

} // namespace

nlohmann::ordered_json check_json(const CheckReport &report) {
    nlohmann::ordered_json json = {{"run", report.run.label},
                                   {"command_status", report.command_status},
                                   {"passed", report.passed() && report.command_status == 0},
                                   {"findings", list_of(report, Outcome::failed)},
                                   {"warnings", list_of(report, Outcome::warned)},
                                   {"not_judged", list_of(report, Outcome::not_judged)},
                                   {"baseline", text_or_null(report.baseline)},
                                   {"regressions", comparison_json(report.regressions)},
                                   {"dbperf_version", DBPERF_VERSION}};
    const nlohmann::ordered_json run = run_json(report.run);
    for (const auto &[name, value] : run.items())
        if (name != "findings")
            json[name] = value;
    return json;
}

} // namespace dbperf::client::reports
